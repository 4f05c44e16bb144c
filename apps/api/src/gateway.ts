import type http from 'node:http'
import httpProxy, { type FastifyHttpProxyOptions } from '@fastify/http-proxy'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from './kernel/config.ts'
import { passUpgrades } from './upgrades.ts'

/**
 * The event stream may be silent for longer than the proxy's 10 s, and uploads take hours. 0 means
 * "the default" to it; this is the longest that a timer can wait.
 */
const neverMs = 2 ** 31 - 1

/**
 * For so long a connection to the portal waits for its next request. The portal closes it after 5 s (Node's
 * keepAliveTimeout): a request that is sent in that very moment is lost, and would be told as a portal that starts.
 */
const idleMs = 4_000

/**
 * The front door: whatever no façade answers goes to the portal, and WebSockets go to the process
 * that serves them.
 */
export async function frontDoor(app: FastifyInstance, config: Config): Promise<void> {
  if (config.webUrl)
    await app.register(httpProxy, {
      upstream: config.webUrl,
      http: {
        requestOptions: { timeout: neverMs },
        // As many as there are callers: open event streams must not keep others waiting for a place.
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
        // It would ask ten times before it passed a 503 on: whoever asked is told, and asks again himself.
        retryDelay: () => null,
      },
    })
  passUpgrades(app.server, config, ours)
}

/** A body of which nothing comes for so long is given up, with its connection; an upload that is slow is not. */
const silenceMs = 60_000

export function boundSilence(request: http.IncomingMessage, ms = silenceMs): void {
  if (request.complete) return
  let seen = request.socket.bytesRead
  const timer = setInterval(() => {
    if (request.complete) return clearInterval(timer)
    // Takes the connection along.
    if (request.socket.bytesRead === seen) request.destroy()
    seen = request.socket.bytesRead
  }, ms).unref()
  request.once('close', () => clearInterval(timer))
}

type OnError = NonNullable<NonNullable<FastifyHttpProxyOptions['replyOptions']>['onError']>
/** The portal is being started (again): its page comes by itself, programs are told when to ask again. */
const portalAway: OnError = (reply, { error }) => {
  // The portal had answered already (an upload that it refuses half-way): a second answer has no place any more.
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

/** A host and port of which the portal can make addresses. */
const isHost = (text: string) => /^[\w.:[\]-]{1,255}$/.test(text) && URL.canParse(`http://${text}`)
const noHost = 'The Host header is not a host name. Open the portal by its address.\n'

/** The portal believes what is said of the browser only with the secret in it. */
const proofHeader = 'x-stratolith-door'
/** Only we say who the browser is; a client that sends these is not believed. */
const ours = new Set(['forwarded', 'x-real-ip', 'x-stratolith-source', proofHeader])

export type Browser = { address: string; host: string; proto: string }

/**
 * Who called, and under which origin he sees us: what the connection says, or what trusted proxies
 * (STRATOLITH_TRUSTED_PROXIES) say of it. TLS is ended in front of us when the public address says
 * https and no trusted proxy says otherwise.
 */
export function browserOf(
  { ip, ips, host, protocol, headers }: Pick<FastifyRequest, 'ip' | 'ips' | 'host' | 'protocol' | 'headers'>,
  { publicUrl }: Pick<Config, 'publicUrl'>,
): Browser {
  const base = new URL(publicUrl)
  // More than one: the connection is a trusted proxy's, and it named the one before it.
  const said = (ips?.length ?? 0) > 1 && headers['x-forwarded-proto'] !== undefined
  const proto = said ? protocol.toLowerCase() : base.protocol.slice(0, -1)
  return { address: ip, host: host || base.host, proto: proto === 'https' ? 'https' : 'http' }
}

/** Adds what the portal must know of the browser; the proxy replaces `host` by the portal's own. */
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
