import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Deps } from './kernel/context.ts'
import { CloudError, httpStatus, toCloudError } from './kernel/errors.ts'
import { canonicalUrl, refuse } from './openstack/mount.ts'

/**
 * Fastify with what both doors have in common: ids of requests, bounds, /healthz, error bodies.
 * Forwarded headers are believed from `trustedProxies` alone.
 */
export function newApp(deps: Deps, trustedProxies: string[] = []): FastifyInstance {
  const app = Fastify({
    trustProxy: trustedProxies.length > 0 ? trustedProxies : false,
    bodyLimit: 1 << 20,
    // Uploads take hours; mount.ts bounds the time of everything else.
    requestTimeout: 0,
    // Whoever connects says what he wants in this time, or goes.
    http: { headersTimeout: 20_000, connectionsCheckingInterval: 5_000 },
    // Longest of what is silent on purpose is an event stream's 15 s.
    connectionTimeout: 10 * 60_000,
    forceCloseConnections: true,
    // A tRPC batch has the names of all its procedures (20 at most) in one path segment.
    routerOptions: { maxParamLength: 2048 },
    genReqId: () => `req-${crypto.randomUUID()}`,
    rewriteUrl: ({ url = '/' }) => canonicalUrl(url),
    // What the router itself cannot read (a broken % in the path) reaches no route and no hook.
    frameworkErrors: (error, request, reply) => {
      const answer: FastifyReply = reply as unknown as FastifyReply
      answer.raw.setHeader(...noSniffing)
      if (!refuse(deps, error, request as unknown as FastifyRequest, answer))
        answer.status(400).send(bodyOf(error, request.id))
    },
  })
  // On the answer itself: streams that are written without Fastify have it, too.
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

/** A browser takes no answer for what its type does not say. */
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
