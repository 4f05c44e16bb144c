import type http from 'node:http'
import httpProxy, { type FastifyHttpProxyOptions } from '@fastify/http-proxy'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from './kernel/config.ts'
import { passUpgrades } from './upgrades.ts'

/**
 * The proxy's time limit, in ms. The event stream may be silent for longer than the proxy's default of 10 s, and uploads
 * take hours. For the proxy 0 means its default; this is the longest time that a timer can wait.
 */
const neverMs = 2 ** 31 - 1

/**
 * How long an idle connection to the portal is kept, in ms. The portal closes it after 5 s (Node's
 * keepAliveTimeout): a request that is sent at that very moment is lost, and its caller would be told that the portal starts.
 */
const idleMs = 4_000

/**
 * The front door: requests that no façade answers go to the portal, and WebSockets go to the process that
 * serves them.
 */
export async function frontDoor(app: FastifyInstance, config: Config): Promise<void> {
  if (config.webUrl)
    await app.register(httpProxy, {
      upstream: config.webUrl,
      http: {
        requestOptions: { timeout: neverMs },
        // No limit, because open event streams must not make other requests wait for a connection.
        agentOptions: { maxSockets: Number.POSITIVE_INFINITY, timeout: idleMs },
      },
      preHandler: async (request, reply) => {
        boundSilence(request.raw)
        if (!isHost(browserOf(request, config).host)) return reply.code(400).type('text/plain').send(noHost)
      },
      replyOptions: {
        rewriteRequestHeaders: (request, headers) =>
          portalHeaders(headers, browserOf(request as FastifyRequest, config), config.frontSecret),
        onError: portalAway,
        // Without this the proxy would repeat a request ten times before it passed a 503 on. Callers try again themselves.
        retryDelay: () => null,
      },
    })
  passUpgrades(app.server, config, ours)
}

/** A body of which no byte comes for so long, in ms, ends with its connection; a slow upload does not. */
const silenceMs = 60_000

export function boundSilence(request: http.IncomingMessage, ms = silenceMs): void {
  if (request.complete) return
  let seen = request.socket.bytesRead
  const timer = setInterval(() => {
    if (request.complete) return clearInterval(timer)
    // This closes the connection, too.
    if (request.socket.bytesRead === seen) request.destroy()
    seen = request.socket.bytesRead
  }, ms).unref()
  request.once('close', () => clearInterval(timer))
}

type OnError = NonNullable<NonNullable<FastifyHttpProxyOptions['replyOptions']>['onError']>
/** Answers while the portal is starting: people get a page that reloads itself, and programs are told when to try again. */
const portalAway: OnError = (reply, { error }) => {
  // The portal has answered already (it refuses an upload half-way), so no second answer can be sent.
  if (reply.raw.headersSent || reply.raw.destroyed) return
  reply.log.warn({ err: error }, 'the portal does not answer')
  reply.code(503).header('retry-after', '2').header('cache-control', 'no-store')
  if (reply.request.headers.accept?.includes('text/html')) reply.type('text/html').send(awayPage)
  else reply.send({ error: { code: 503, title: 'Service Unavailable', message: away } })
}
const away = 'The portal is starting. Instances and the API are not touched. Try again in a few seconds.'
const awayPage = `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>Starting – Stratolith</title><body style="font:1rem/1.5 system-ui;max-width:30rem;margin:20vh auto;padding:0 1rem">
<h1>The portal is starting</h1><p role="status">This page loads again by itself. Instances and the API are not touched.</p>`

/** True for a host with an optional port from which the portal can make URLs. */
const isHost = (text: string) => /^[\w.:[\]-]{1,255}$/.test(text) && URL.canParse(`http://${text}`)
const noHost = 'The Host header is not a host name. Open the portal by its address.\n'

/** The header with the secret, without which the portal does not trust the headers about the browser. */
const proofHeader = 'x-stratolith-door'
/** Headers about the browser that only the front door may set; those of a client are removed. */
const ours = new Set(['forwarded', 'x-real-ip', 'x-stratolith-source', proofHeader])

export type Browser = { address: string; host: string; proto: string }

/**
 * The address of the browser and the origin under which it sees us, from the connection or from trusted proxies
 * (STRATOLITH_TRUSTED_PROXIES). TLS ends in front of us when the public URL says
 * https and no trusted proxy says otherwise.
 */
export function browserOf(
  { ip, ips, host, protocol, headers }: Pick<FastifyRequest, 'ip' | 'ips' | 'host' | 'protocol' | 'headers'>,
  { publicUrl }: Pick<Config, 'publicUrl'>,
): Browser {
  const base = new URL(publicUrl)
  // More than one address: the connection comes from a trusted proxy, which named the address before it.
  const said = (ips?.length ?? 0) > 1 && headers['x-forwarded-proto'] !== undefined
  const proto = said ? protocol.toLowerCase() : base.protocol.slice(0, -1)
  return { address: ip, host: host || base.host, proto: proto === 'https' ? 'https' : 'http' }
}

/** Adds the headers about the browser for the portal; the proxy replaces `host` by the portal's own. */
export function portalHeaders(
  headers: http.IncomingHttpHeaders,
  { address, host, proto }: Browser,
  proof: string | null,
): http.IncomingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => !ours.has(name) && !name.startsWith('x-forwarded-'))
  return {
    ...Object.fromEntries(kept),
    'x-forwarded-for': address,
    'x-forwarded-host': host,
    'x-forwarded-proto': proto,
    ...(proof === null ? {} : { [proofHeader]: proof }),
  }
}
