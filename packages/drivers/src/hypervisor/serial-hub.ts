import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { DriverError } from '../errors.ts'

/** How many unread bytes a slow reader may have before its console is closed. */
const maxWaitingBytes = 1024 * 1024

/**
 * QEMU's serial socket serves one client at a time, but people open two tabs. The hub keeps one connection
 * while there is a client; all clients see what the guest prints, and all can type.
 */
export function createSerialHub(connect: () => Promise<Socket>): { open(): Promise<Duplex> } {
  const clients = new Set<Duplex>()
  let upstream: Promise<Socket> | null = null

  async function dial(): Promise<Socket> {
    const socket = await connect()
    socket.on('data', (chunk: Buffer) => {
      for (const client of [...clients]) {
        if (client.readableLength > maxWaitingBytes)
          client.destroy(
            new DriverError('conflict', 'The console was closed because its reader is too slow.'),
          )
        else client.push(chunk)
      }
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      upstream = null
      for (const client of [...clients]) client.destroy()
    })
    return socket
  }

  function leave(client: Duplex): void {
    clients.delete(client)
    if (clients.size === 0) void upstream?.then((socket) => clients.size === 0 && socket.destroy())
  }

  return {
    async open() {
      upstream ??= dial().catch((error: unknown) => {
        upstream = null
        throw error
      })
      const socket = await upstream
      const client = new Duplex({
        read: () => undefined,
        write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
        final(done) {
          client.push(null)
          done()
        },
        destroy(error, done) {
          leave(client)
          done(error)
        },
      })
      // Without a listener an error of one console would end the whole process.
      client.on('error', () => undefined)
      if (socket.destroyed) client.destroy()
      else clients.add(client)
      return client
    },
  }
}
