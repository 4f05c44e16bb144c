import http from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { type WebSocket, WebSocketServer } from 'ws'
import { bridge, closeCodes } from './bridge.ts'
import type { ProxyConfig } from './config.ts'
import { Places } from './places.ts'
import { Refused, redeem, watchSession } from './redeem.ts'
import { NoAnswer, openUpstream } from './upstream.ts'

/** The largest message from a browser, in bytes: enough for a large paste into a serial console. */
const maxMessageBytes = 1024 * 1024
const maxConnections = 1_000
/** The reason in a close frame, which may have at most 123 bytes. */
const noAnswer = 'The machine that this instance is on does not answer.'
const tokenPattern = /^[A-Za-z0-9_-]{43}$/

/**
 * The console proxy's HTTP server: `GET /healthz` and the WebSocket at `/console/?token=…`,
 * nothing else. It uses no database and knows no host: the API grants every connection anew.
 * Tokens are never logged: a log line has at most the grant's path (instance and protocol).
 */
export function createProxy(config: ProxyConfig, log: Logger): http.Server {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('binary') ? 'binary' : false),
  })
  const places = new Places()
  let open = 0
  const server = http.createServer({ maxHeaderSize: 16_384, requestTimeout: 10_000 }, (request, response) => {
    const healthy = request.method === 'GET' && request.url === '/healthz'
    response.writeHead(healthy ? 200 : 404, { 'content-type': 'text/plain' })
    response.end(healthy ? 'ok\n' : 'Not found.\n')
  })
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', (error) => log.debug({ err: error.message }, 'client connection broke'))
    if (open >= maxConnections) return refuse(socket, 503)
    open++
    socket.once('close', () => {
      open--
    })
    serve(request, socket, head).catch((error: unknown) => {
      const status = error instanceof Refused ? error.status : 500
      log.info({ status, reason: error instanceof Error ? error.message : 'unknown' }, 'console refused')
      refuse(socket, status)
    })
  })

  async function serve(request: http.IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const token = tokenOf(request, config.origins)
    const grant = await redeem(config, token)
    if (socket.destroyed) return
    const decline = (reason: string, code: number, why = reason) => {
      log.info({ console: grant.path, reason: why }, 'console refused')
      if (!socket.destroyed)
        sockets.handleUpgrade(request, socket, head, (ws) => sayGoodbye(ws, code, reason))
    }
    const place = places.take(grant.instance, grant.userId)
    if (typeof place === 'string') return decline(place, closeCodes.final)
    socket.once('close', place)
    const over = new AbortController()
    const watching = watchSession(config, grant.sessionId, over.signal)
    const upstream = await openUpstream(grant).catch((error: unknown) => {
      over.abort()
      if (error instanceof NoAnswer) return error
      throw error
    })
    if (upstream instanceof NoAnswer) return decline(noAnswer, closeCodes.noAnswer, upstream.message)
    if (socket.destroyed) {
      over.abort()
      upstream.destroy()
      return
    }
    socket.once('close', () => over.abort())
    sockets.handleUpgrade(request, socket, head, (ws) => {
      log.info({ console: grant.path }, 'console opened')
      const connection = bridge(ws, upstream)
      void watching.then((reason) => {
        if (!over.signal.aborted) connection.end(reason)
      })
      void connection.done.then(() => {
        over.abort()
        log.info({ console: grant.path }, 'console closed')
      })
    })
  }
  server.on('close', () => {
    for (const ws of sockets.clients) ws.terminate()
  })
  return server
}

/** The token of a well-formed request from one of our own pages; throws Refused for any other request. */
function tokenOf(request: http.IncomingMessage, origins: ReadonlySet<string>): string {
  const [path, query = ''] = (request.url ?? '').split('?', 2)
  if (path !== '/console/' || request.method !== 'GET') throw new Refused(404, 'no such path')
  const { origin } = request.headers
  // Browsers always send the origin. A request without it, or with another origin, is not from our page (OSSA-2015-005).
  if (typeof origin !== 'string' || !origins.has(origin)) throw new Refused(403, 'foreign origin')
  const tokens = new URLSearchParams(query).getAll('token')
  const [token] = tokens
  if (tokens.length !== 1 || token === undefined || !tokenPattern.test(token))
    throw new Refused(403, 'no token')
  return token
}

/** Tells the reason in a close frame, because a browser shows no other answer. */
function sayGoodbye(ws: WebSocket, code: number, reason: string): void {
  ws.on('error', () => undefined)
  ws.close(code, reason)
  const cut = setTimeout(() => ws.terminate(), 500)
  ws.once('close', () => clearTimeout(cut))
}

function refuse(socket: Duplex, status: number): void {
  if (socket.destroyed) return
  socket.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  )
  setTimeout(() => socket.destroy(), 1_000).unref()
}
