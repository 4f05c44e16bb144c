import http from 'node:http'
import type { Duplex } from 'node:stream'
import type { Config } from './kernel/config.ts'

/**
 * How long the other side may take to say whether it takes the WebSocket, and how long both may be silent
 * afterwards (the console proxy pings every 30 s).
 */
export const upgradeTimes = { handshakeMs: 10_000, quietMs: 5 * 60_000, farewellMs: 1_000 }
type Times = typeof upgradeTimes

/**
 * WebSockets go to the process that serves them, byte by byte, so back pressure is TCP's own. Everybody may
 * ask for one, so nothing of it lasts without a bound: not the handshake, nor a refusal, nor silence.
 */
export function passUpgrades(
  server: http.Server,
  config: Pick<Config, 'consoleUrl' | 'webUrl' | 'development'>,
  strangers: ReadonlySet<string>,
  times: Times = upgradeTimes,
): void {
  server.on('upgrade', (request, client, head) => {
    // Nobody else listens any more, and an error that nobody hears ends the process.
    client.on('error', () => client.destroy())
    const target = upgradeTarget(request.url ?? '/', config)
    if (!target) return refuse(client, 404, times)
    const headers = request.rawHeaders.filter(
      (_, i, all) => !strangers.has((all[i & ~1] ?? '').toLowerCase()),
    )
    passUpgrade(target, request, headers, client, head, times)
  })
}

/** Which process serves this WebSocket; the path decides, nothing that the client says of a host. */
export function upgradeTarget(
  url: string,
  config: Pick<Config, 'consoleUrl' | 'webUrl' | 'development'>,
): URL | null {
  const pathname = url.split('?', 1)[0] ?? '/'
  if (pathname === '/console/' || pathname === '/console')
    return config.consoleUrl ? new URL(config.consoleUrl) : null
  // Next's reload socket. A built portal has none and would leave whoever asks for one without an answer.
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

/** Destroyed after a moment to read the answer: a caller who does not close his side must not hold ours. */
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
