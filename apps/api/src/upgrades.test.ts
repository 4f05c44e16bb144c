import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { passUpgrades, upgradeTarget } from './upgrades.ts'

const config = {
  consoleUrl: 'http://127.0.0.1:7001',
  webUrl: 'http://127.0.0.1:7002',
  development: false,
}
const times = { handshakeMs: 300, quietMs: 400, farewellMs: 100 }

describe('the process that serves a WebSocket', () => {
  it('depends on the path alone', () => {
    expect(upgradeTarget('/console/?token=x', config)?.port).toBe('7001')
    expect(upgradeTarget('/consoles', config)).toBeNull()
    expect(upgradeTarget('/console/', { ...config, consoleUrl: null })).toBeNull()
  })
  it('is the portal in development alone', () => {
    expect(upgradeTarget('/_next/hmr?id=x', config)).toBeNull()
    expect(upgradeTarget('/_next/hmr?id=x', { ...config, development: true })?.port).toBe('7002')
  })
})

describe('an upgrade at the front door', () => {
  /** How the console proxy answers a connection. */
  let serve: (socket: net.Socket) => void
  let received = ''
  let proxy: net.Server
  let door: http.Server
  const held = new Set<net.Socket>()
  beforeEach(async () => {
    received = ''
    proxy = net.createServer({ allowHalfOpen: true }, (socket) => {
      held.add(socket.on('error', () => undefined))
      socket.once('close', () => held.delete(socket))
      socket.once('data', (data) => {
        received = data.toString()
        serve(socket)
      })
    })
    const port = await listening(proxy)
    door = http.createServer()
    const consoles = { ...config, consoleUrl: `http://127.0.0.1:${port}` }
    passUpgrades(door, consoles, new Set(['x-stratolith-door']), times)
    await listening(door)
  })
  afterEach(() => {
    for (const socket of held) socket.destroy()
    proxy.close()
    door.close()
  })
  const connections = () =>
    new Promise<number>((resolve) => door.getConnections((_, count) => resolve(count)))
  /** Asks for an upgrade and never closes its own side, as an attacker would. */
  async function ask(path: string): Promise<{ socket: net.Socket; said: () => string }> {
    const socket = net.connect({ port: portOf(door), host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => undefined)
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Stratolith-Door: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    )
    await once(socket, 'connect')
    return { socket, said: () => text }
  }
  const takes = (socket: net.Socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello')

  it.each(['/_next/x', '/x'])('to %s is refused, and the connection is closed', async (path) => {
    const { socket, said } = await ask(path)
    await expect.poll(said, { timeout: 30_000 }).toContain('HTTP/1.1 404')
    await expect.poll(connections, { timeout: 30_000 }).toBe(0)
    socket.destroy()
  })

  it('that the console proxy does not answer ends on both sides', async () => {
    serve = () => undefined
    const { socket, said } = await ask('/console/')
    await expect.poll(said, { timeout: 30_000 }).toContain('HTTP/1.1 504')
    await expect.poll(connections, { timeout: 30_000 }).toBe(0)
    socket.destroy()
    for (const other of held) other.resume().end()
    await expect.poll(() => held.size, { timeout: 30_000 }).toBe(0)
  })

  it('that the console proxy refuses is answered with the proxy’s status', async () => {
    serve = (socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
    const { socket, said } = await ask('/console/')
    await expect.poll(said, { timeout: 30_000 }).toContain('HTTP/1.1 403')
    await expect.poll(connections, { timeout: 30_000 }).toBe(0)
    socket.destroy()
  })

  it('that no process serves is answered with 502', async () => {
    await new Promise((resolve) => proxy.close(resolve))
    const { socket, said } = await ask('/console/')
    await expect.poll(said, { timeout: 30_000 }).toContain('HTTP/1.1 502')
    socket.destroy()
  })

  it('carries bytes both ways, without headers that only we set, and ends when both are silent', async () => {
    serve = (socket) => {
      takes(socket)
      socket.on('data', (data) => socket.write(data))
    }
    const { socket, said } = await ask('/console/?token=x')
    await expect.poll(said, { timeout: 30_000 }).toMatch(/^HTTP\/1\.1 101 .*Upgrade: websocket.*hello$/s)
    expect(received).toMatch(/^GET \/console\/\?token=x HTTP\/1\.1\r\nHost: x\r\n/)
    expect(received).not.toMatch(/x-stratolith-door/i)
    socket.write('ping')
    await expect.poll(said, { timeout: 30_000 }).toMatch(/helloping$/)
    await expect.poll(connections, { timeout: 30_000 }).toBe(0)
    socket.destroy()
  })

  it('ends at the console proxy, too, when its caller leaves', async () => {
    serve = (socket) => {
      takes(socket)
      socket.once('end', () => socket.end())
    }
    const { socket, said } = await ask('/console/')
    await expect.poll(said, { timeout: 30_000 }).toContain('hello')
    socket.destroy()
    await expect.poll(() => held.size, { timeout: 30_000 }).toBe(0)
  })
})

const portOf = (server: net.Server) => (server.address() as net.AddressInfo).port
async function listening(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return portOf(server)
}
