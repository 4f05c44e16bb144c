import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DriverError } from '@stratolith/drivers/errors'
import { backgroundOp } from '@stratolith/drivers/op'
import { consoleUpgrade } from '@stratolith/drivers/remote/protocol'
import { checkVersions, spoken, versionHeader, versionText } from '@stratolith/drivers/remote/versions'
import type { Service } from './serve.ts'

const pathPattern = /^\/v1\/console\/([0-9a-zA-Z][0-9a-zA-Z_-]{0,63})\/(vnc|serial)$/

/** Joins the caller's socket to the guest's console until either end closes. Rights are the API's business. */
export async function openConsole(
  { drivers, log }: Service,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  // Until the pipeline handles its errors, a disconnected caller must not cause an uncaught error.
  socket.on('error', (error) => log.debug({ err: error }, 'console caller went away'))
  checkVersions('control plane', request.headers[versionHeader])
  const [, id, protocol] = pathPattern.exec(request.url ?? '') ?? []
  if (!id || (protocol !== 'vnc' && protocol !== 'serial') || request.headers.upgrade !== consoleUpgrade)
    throw new DriverError('invalid', 'A console is /v1/console/<id>/<vnc|serial>.')
  const facet = drivers.hypervisor.console
  if (!facet) throw new DriverError('unsupported', 'This hypervisor has no consoles.')
  const guest = await facet.open(backgroundOp(log, `console-${id}`, 10_000), id, protocol)
  if (socket.destroyed) {
    guest.destroy()
    return
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${consoleUpgrade}\r\n${versionHeader}: ${versionText(spoken)}\r\n\r\n`,
  )
  if (head.length > 0) guest.write(head)
  log.info({ instanceId: id, protocol }, 'console opened')
  await pipeline(socket, guest, socket).catch((error) => log.debug({ err: error }, 'console broke off'))
  socket.destroy()
  guest.destroy()
  log.info({ instanceId: id, protocol }, 'console closed')
}
