import http from 'node:http'
import type { Duplex } from 'node:stream'
import type { Config } from './kernel/config.ts'

/**
 * Times in ms: how long the serving process may take to accept or refuse the WebSocket, how long both sides may be
 * silent afterwards (the console proxy pings every 30 s), and how long a refused caller may keep its connection.
 */
export const upgradeTimes = { handshakeMs: 10_000, quietMs: 5 * 60_000, farewellMs: 1_000 }
type Times = typeof upgradeTimes

/**
 * Passes WebSockets on to the process that serves them, byte by byte, so that back pressure is TCP's own. Everybody may
 * ask for a WebSocket, so the handshake, a refusal and silence each have a time limit.
 */
export function passUpgrades(
  server: http.Server,
  config: Pick<Config, 'consoleUrl' | 'webUrl' | 'development'>,
  strangers: ReadonlySet<string>,
  times: Times = upgradeTimes,
): void {
  server.on('upgrade', (request, client, head) => {
    // Nothing else listens for errors of this socket, and an unhandled error would end the process.
    client.on('error', () => client.destroy())
    const target = upgradeTarget(request.url ?? '/', config)
    if (!target) return refuse(client, 404, times)
    const headers = request.rawHeaders.filter(
      (_, i, all) => !strangers.has((all[i & ~1] ?? '').toLowerCase()),
    )
    passUpgrade(target, request, headers, client, head, times)
  })
}

/** The process that serves a WebSocket. The path alone decides, not a host that the client names. */
export function upgradeTarget(
  url: string,
  config: Pick<Config, 'consoleUrl' | 'webUrl' | 'development'>,
): URL | null {
  const pathname = url.split('?', 1)[0] ?? '/'
  if (pathname === '/console/' || pathname === '/console')
    return config.consoleUrl ? new URL(config.consoleUrl) : null
  // The reload socket of Next. A built portal has none and would not answer.
  if (config.development && pathname.startsWith('/_next/'))
    return config.webUrl ? new URL(config.webUrl) : null
  return null
}

function passUpgrade(
  target: URL,
  { method, url }: http.IncomingMessage,
  headers: string[],
  client: Duplex,
  head: Buffer,
  times: Times,
): void {
  const asking = http.request({
    agent: false,
    host: target.hostname,
    port: target.port,
    method,
    path: url,
    headers,
  })
  const leave = () => asking.destroy()
  let settled = false
  const settle = () => {
    settled = true
    clearTimeout(late)
    client.off('close', leave)
  }
  const give = (status: number) => {
    if (settled) return
    settle()
    leave()
    refuse(client, status, times)
  }
  const late = setTimeout(() => give(504), times.handshakeMs)
  client.once('close', leave)
  asking.on('error', () => give(502))
  asking.once('response', ({ statusCode = 502 }) => give(statusCode))
  asking.once('upgrade', (answer, serving, first) => {
    settle()
    if (client.destroyed) return void serving.destroy()
    client.write(`${[statusLine(101), ...pairs(answer.rawHeaders)].join('\r\n')}\r\n\r\n`)
    if (first.length > 0) client.write(first)
    if (head.length > 0) serving.write(head)
    join(client, serving, times.quietMs)
  })
  asking.end()
}

function join(client: Duplex, serving: Duplex, quietMs: number): void {
  const end = () => {
    client.destroy()
    serving.destroy()
  }
  for (const side of [client, serving]) {
    side.on('error', end).on('close', end)
    if ('setTimeout' in side && typeof side.setTimeout === 'function') side.setTimeout(quietMs, end)
  }
  serving.pipe(client).pipe(serving)
}

const statusLine = (status: number) => `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}`
const pairs = (raw: string[]) =>
  raw.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${raw[i + 1] ?? ''}`] : []))

/** Refuses an upgrade and destroys the connection after a moment, because a caller that does not close its side must not hold ours. */
function refuse(client: Duplex, status: number, { farewellMs }: Times): void {
  if (client.destroyed) return
  const lines = [
    statusLine(status),
    'Connection: close',
    'Content-Length: 0',
    'X-Content-Type-Options: nosniff',
  ]
  client.end(`${lines.join('\r\n')}\r\n\r\n`)
  setTimeout(() => client.destroy(), farewellMs).unref()
}
