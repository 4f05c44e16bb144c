import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Deps } from './kernel/context.ts'
import { CloudError, httpStatus, toCloudError } from './kernel/errors.ts'
import { canonicalUrl, refuse } from './openstack/mount.ts'

/**
 * Makes a Fastify with the common parts of both doors: request ids, limits, /healthz, error bodies.
 * Forwarded headers are trusted from `trustedProxies` alone.
 */
export function newApp(deps: Deps, trustedProxies: string[] = []): FastifyInstance {
  const app = Fastify({
    trustProxy: trustedProxies.length > 0 ? trustedProxies : false,
    bodyLimit: 1 << 20,
    // Uploads take hours; mount.ts limits the time of all other bodies.
    requestTimeout: 0,
    // A connection must send its request's headers within this time.
    http: { headersTimeout: 20_000, connectionsCheckingInterval: 5_000 },
    // Silent connections end after this time. The longest intended silence is 15 s, of event streams.
    connectionTimeout: 10 * 60_000,
    forceCloseConnections: true,
    // A tRPC batch has the names of all its procedures (batchSize at most) in one path segment.
    routerOptions: { maxParamLength: 2048 },
    genReqId: () => `req-${crypto.randomUUID()}`,
    rewriteUrl: ({ url = '/' }) => canonicalUrl(url),
    // A request that the router cannot parse (a broken % in the path) reaches no route and no hook.
    frameworkErrors: (error, request, reply) => {
      const answer: FastifyReply = reply as unknown as FastifyReply
      answer.raw.setHeader(...noSniffing)
      if (!refuse(deps, error, request as unknown as FastifyRequest, answer))
        answer.status(400).send(bodyOf(error, request.id))
    },
  })
  // Set on the raw answer, so that streams which are written without Fastify have the header, too.
  app.addHook('onRequest', async (_request, reply) => {
    reply.raw.setHeader(...noSniffing)
  })
  app.get('/healthz', async () => {
    await deps.root.$queryRaw`SELECT 1`
    return { ok: true }
  })
  app.setErrorHandler((error, request, reply) => {
    const cloud = asCloudError(error)
    if (cloud.code === 'internal') deps.log.error({ err: error, requestId: request.id }, 'request failed')
    reply.status(httpStatus[cloud.code]).send(bodyOf(error, request.id))
  })
  return app
}

/** The header that keeps browsers from guessing another content type. */
const noSniffing = ['X-Content-Type-Options', 'nosniff'] as const

function bodyOf(error: unknown, requestId: string): object {
  const { code, message, field } = asCloudError(error)
  return { error: { code, message, requestId, field } }
}

/** Fastify's own refusals (body too large, malformed JSON) keep their status class. */
function asCloudError(error: unknown): CloudError {
  const status = (error as { statusCode?: number }).statusCode
  if (!(error instanceof CloudError) && status !== undefined && status >= 400 && status < 500)
    return new CloudError(
      'invalid_input',
      error instanceof Error ? error.message : 'The request could not be read.',
    )
  return toCloudError(error)
}
