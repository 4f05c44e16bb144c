import { isIP } from 'node:net'
import { fastifyTRPCPlugin } from '@trpc/server/adapters/fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { consoleRoutes } from './compute/consoles/http.ts'
import { affordable, boundConnections } from './connections.ts'
import { startLdap } from './directory/backends/ldap/backend.ts'
import { streamEvents } from './event-stream.ts'
import { frontDoor } from './gateway.ts'
import { newApp } from './http-app.ts'
import { rightsNow } from './identity/service.ts'
import { anonymousCtx, authenticate, refuseAccessRules } from './identity/tokens.ts'
import { imageRoutes } from './images/http.ts'
import type { Ctx, Deps } from './kernel/context.ts'
import { demandSecret } from './kernel/door-secret.ts'
import { CloudError } from './kernel/errors.ts'
import { EventHub } from './kernel/event-hub.ts'
import { watchPolicy } from './kernel/policy.ts'
import type { TrpcContext } from './kernel/trpc.ts'
import { openstackRoutes } from './openstack/mount.ts'
import { buildDeps, onStop } from './process.ts'
import { trpcSettings } from './root-router.ts'
import { demandSchema } from './schema.ts'
import './register.ts'

const deps = buildDeps('api', 16)
await demandSchema(deps)
watchPolicy(deps.config.dataDir, deps.log)
await startLdap(deps)
const hub = new EventHub(deps)
await hub.start()

const internal = await internalDoor(deps, hub)
const front = await publicDoor(deps)
await internal.listen({ host: '127.0.0.1', port: Number(process.env.STRATOLITH_API_PORT ?? 0) })
await front.listen({ host: process.env.STRATOLITH_BIND ?? '0.0.0.0', port: deps.config.port })
deps.log.info({ port: deps.config.port }, 'api ready')

onStop(deps.log, async () => {
  await hub.close()
  await Promise.all([internal.close(), front.close()])
  await deps.root.$disconnect()
})

/**
 * The door for our own processes, on a loopback port. Each process is admitted by a secret of its own: the
 * portal to tRPC, the event stream and image bytes (where users' tokens count), the console-proxy
 * to the redemption of its tokens.
 */
async function internalDoor(deps: Deps, hub: EventHub): Promise<FastifyInstance> {
  const app = newApp(deps)
  await app.register((portal) => portalRoutes(portal, deps, hub))
  await app.register(consoleRoutes(deps, hub))
  return app
}

async function portalRoutes(app: FastifyInstance, deps: Deps, hub: EventHub): Promise<void> {
  app.addHook('onRequest', demandSecret(deps.config.webSecret))
  await app.register(fastifyTRPCPlugin, {
    prefix: '/trpc',
    trpcOptions: {
      ...trpcSettings,
      createContext: ({ req, res }: Exchange) => trpcContext(deps, req, res),
      onError: () => undefined, // kernel/trpc.ts logs errors with the request id.
    },
  })
  app.get('/events', async (request, reply) => {
    const ctx = await callerOf(deps, request)
    await streamEvents(hub, ctx, request, reply, () => rightsNow(ctx))
  })
  await app.register(imageRoutes((request) => callerOf(deps, request)))
}

/** The public door: it serves OpenStack's APIs and passes everything else on to the portal. */
async function publicDoor(deps: Deps): Promise<FastifyInstance> {
  const app = newApp(deps, deps.config.trustedProxies)
  await app.register(openstackRoutes(deps))
  await frontDoor(app, deps.config)
  const { trustedProxies, connectionsPerAddress } = deps.config
  const bounds = { total: affordable(), perAddress: connectionsPerAddress, trustedProxies }
  boundConnections(app.server, bounds, deps.log)
  return app
}

const tokenOf = (request: FastifyRequest): string | null => {
  const header = request.headers['x-auth-token']
  return typeof header === 'string' && header.length > 0 ? header : null
}

async function callerOf(deps: Deps, request: FastifyRequest): Promise<Ctx> {
  const token = tokenOf(request)
  const ctx = token ? await authenticate(deps, token, request.id) : null
  if (!ctx) throw new CloudError('unauthenticated', 'Sign in first: there is no valid session.')
  refuseAccessRules(ctx)
  return ctx
}

type Exchange = { req: FastifyRequest; res: FastifyReply }

async function trpcContext(deps: Deps, request: FastifyRequest, reply: FastifyReply): Promise<TrpcContext> {
  const token = tokenOf(request)
  const ctx = token ? await authenticate(deps, token, request.id) : null
  // The portal tells by this header a dead token from other refusals of the same status, such as a wrong password.
  if (token !== null && ctx === null) reply.header('x-stratolith-token', 'over')
  const forwarded = request.headers['x-stratolith-source']
  return {
    ctx,
    anonymous: anonymousCtx(deps, request.id),
    requestId: request.id,
    // Only the portal's server side calls this door. It is on loopback and passes on the browser's address, which
    // the front door has told it (gateway.ts).
    sourceIp: typeof forwarded === 'string' && isIP(forwarded) !== 0 ? forwarded : request.ip,
    log: (error, path) => {
      const line = { code: error.code, detail: error.detail, path, requestId: request.id }
      if (error.code === 'internal') deps.log.error({ ...line, err: error.cause ?? error }, error.message)
      else deps.log.info(line, error.message)
    },
  }
}
