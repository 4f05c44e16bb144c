import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { DriverError, type DriverErrorCode } from '@stratolith/drivers/errors'
import { capabilitiesOf, type HostDrivers } from '@stratolith/drivers/host'
import { type CloudMark, toWireError } from '@stratolith/drivers/remote/protocol'
import { checkVersions, spoken, versionHeader, versionText } from '@stratolith/drivers/remote/versions'
import type { Logger } from 'pino'
import { answerCall } from './calls.ts'
import type { Door } from './config.ts'
import { openConsole } from './console.ts'
import { streamEvents } from './events.ts'

export type Service = {
  drivers: HostDrivers
  log: Logger
  /** Throws `foreign` when that cloud (or a caller without a cloud) may not change anything on this host. */
  mayChange(cloud: CloudMark | undefined): void
  /** The answer of GET /healthz; must return at once. */
  health(): object
}

const statusOf: Record<DriverErrorCode, number> = {
  not_found: 404,
  invalid: 400,
  conflict: 409,
  no_slot: 409,
  mounted_later: 409,
  too_many_layers: 409,
  no_space: 507,
  unsupported: 501,
  unavailable: 503,
  foreign: 409,
  failed: 500,
}

/** Makes the server for calls of drivers, not yet listening; see packages/drivers/src/remote/protocol.ts. */
export function agentServer(service: Service): http.Server {
  const server = http.createServer(
    { keepAliveTimeout: 60_000, requestTimeout: 30_000 },
    (request, response) => {
      response.setHeader(versionHeader, versionText(spoken))
      route(service, request, response).catch((error: unknown) => refuse(service, response, error))
    },
  )
  offerConsoles(service, server)
  return server
}

/** Makes the server for the console proxy: its callers can open a guest's console and do nothing else. */
export function consoleServer(service: Service): http.Server {
  const server = http.createServer({ requestTimeout: 30_000 }, (_request, response) =>
    refuse(service, response, new DriverError('unsupported', 'This door has consoles only.')),
  )
  offerConsoles(service, server)
  return server
}

function offerConsoles(service: Service, server: http.Server): void {
  server.on('upgrade', (request, socket, head) => {
    openConsole(service, request, socket, head).catch((error: unknown) => {
      const wire = toWireError(error)
      service.log.info({ err: error, path: request.url }, 'console refused')
      const body = `${JSON.stringify({ error: wire })}\n`
      socket.end(
        `HTTP/1.1 ${statusOf[wire.code]} Refused\r\nconnection: close\r\n${versionHeader}: ${versionText(spoken)}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
    })
  })
}

async function route(
  service: Service,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const path = request.url ?? '/'
  const caller = path.startsWith('/v1/')
    ? checkVersions('control plane', request.headers[versionHeader])
    : spoken
  if (request.method === 'POST' && path.startsWith('/v1/call/'))
    return answerCall(service, path.slice('/v1/call/'.length), request, response, caller)
  if (request.method === 'GET' && path === '/v1/events') return streamEvents(service, response)
  if (request.method === 'GET' && path === '/v1/capabilities')
    return answerJson(response, capabilitiesOf(service.drivers))
  if (request.method === 'GET' && path === '/healthz') return answerJson(response, service.health())
  throw new DriverError('unsupported', 'This agent has no such address.')
}

function answerJson(response: http.ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(body)}\n`)
}

function refuse(service: Service, response: http.ServerResponse, error: unknown): void {
  const wire = toWireError(error)
  service.log.warn({ err: error }, 'request refused')
  if (response.headersSent) response.destroy()
  else {
    response.writeHead(statusOf[wire.code], { 'content-type': 'application/x-ndjson', connection: 'close' })
    response.end(`${JSON.stringify({ error: wire })}\n`)
  }
}

/** Listens on the unix socket. Replaces a socket that a killed agent left. */
export async function listenOn(server: http.Server, { socketPath, group }: Door): Promise<void> {
  if (await answers(socketPath))
    throw new Error(`Something answers on ${socketPath} already: another agent runs. Stop it first.`)
  fs.rmSync(socketPath, { force: true })
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', resolve)
  })
  // Node binds synchronously within listen(), so no other file is made under this mask.
  const before = process.umask(0o177)
  server.listen(socketPath)
  process.umask(before)
  await listening
  if (group === undefined) return
  fs.chownSync(socketPath, 0, group)
  fs.chmodSync(socketPath, 0o660)
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath)
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
