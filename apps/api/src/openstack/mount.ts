import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { ZodError } from 'zod'
import type { Ctx, Deps } from '../kernel/context.ts'
import { CloudError, toCloudError } from '../kernel/errors.ts'
import { defaultBodyLimit, parseJsonBody } from './body.ts'
import { type ErrorStyle, errorAnswer, HttpError } from './errors.ts'
import {
  type Microversion,
  type MicroversionRange,
  microversionHeaders,
  requestedMicroversion,
} from './microversions.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller, on every façade route that is not public. */
    cloud: Ctx | null
    /** What the request asks for, on façades with microversions. */
    microversion: Microversion | null
  }
  interface FastifyContextConfig {
    /** Answers without a token: discovery and sign-in alone. */
    public?: boolean
  }
}

export type Facade = {
  /** "/identity"; several façades of one prefix are one service (identity and catalog). */
  prefix: string
  style: ErrorStyle
  routes: (app: FastifyInstance, deps: Deps) => void | Promise<void>
  microversions?: MicroversionRange
  /** In bytes; Keystone's default when left out. */
  bodyLimit?: number
  /** More names under which the request id is sent ("x-compute-request-id"). */
  requestIdHeaders?: string[]
}
export type Authenticator = (
  deps: Deps,
  tokenText: string | undefined,
  requestId: string,
) => Promise<Ctx | null>

const facades = new Map<string, Facade[]>()
let authenticator: Authenticator | null = null

/** Rooms call these two from register.ts, so that this kernel knows no room. */
export function mountFacade(facade: Facade): void {
  facades.set(facade.prefix, [...(facades.get(facade.prefix) ?? []), facade])
}
export function useAuthenticator(authenticate: Authenticator): void {
  authenticator = authenticate
}

/** Every mounted façade as one fastify plugin. */
export function openstackRoutes(deps: Deps): FastifyPluginAsync {
  return async (root) => {
    root.decorateRequest('cloud', null)
    root.decorateRequest('microversion', null)
    for (const [prefix, group] of facades)
      await root.register((app) => serviceRoutes(app, deps, group), { prefix })
  }
}

/** The caller of a request on a route that is not public. */
export function callerOf(request: FastifyRequest): Ctx {
  if (!request.cloud) throw new CloudError('unauthenticated', 'A token is needed.')
  return request.cloud
}

async function serviceRoutes(app: FastifyInstance, deps: Deps, group: Facade[]): Promise<void> {
  const facade: Facade = Object.assign({}, ...group)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: facade.bodyLimit ?? defaultBodyLimit },
    async (_request: FastifyRequest, body: Buffer) => parseJsonBody(body),
  )
  app.addHook('onRequest', async (request, reply) => {
    setRequestId(request, reply, facade)
    // No name or id of ours has a NUL; PostgreSQL refuses it with an error of its own.
    if (/%00/.test(request.raw.url ?? '')) throw new HttpError(400, 'The address has a NUL character.')
    if (facade.microversions) setMicroversion(request, reply, facade.microversions)
    if (request.routeOptions.config.public !== true) request.cloud = await callerFrom(deps, request)
  })
  app.setErrorHandler((error, request, reply) => sendError(deps, facade, error, request, reply))
  // A route and not a not-found handler: behind us the portal takes every address.
  app.all('/*', { config: { public: true } }, async () => {
    throw new HttpError(404, 'The resource could not be found.')
  })
  for (const part of group) await part.routes(app, deps)
}

const requestIdPattern = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function setRequestId(request: FastifyRequest, reply: FastifyReply, facade: Facade): void {
  const inbound = request.headers['x-openstack-request-id']
  if (typeof inbound === 'string' && requestIdPattern.test(inbound)) request.id = inbound
  else if (!requestIdPattern.test(request.id)) request.id = `req-${crypto.randomUUID()}`
  for (const name of ['x-openstack-request-id', ...(facade.requestIdHeaders ?? [])])
    reply.header(name, request.id)
  reply.header('Vary', 'X-Auth-Token')
}

function setMicroversion(request: FastifyRequest, reply: FastifyReply, range: MicroversionRange): void {
  const version = requestedMicroversion(range, request.headers)
  request.microversion = version
  reply.headers(microversionHeaders(range, version))
}

/** X-Auth-Token alone says who calls; every other identity header from outside is noise (A15.2). */
async function callerFrom(deps: Deps, request: FastifyRequest): Promise<Ctx> {
  const token = request.headers['x-auth-token']
  const ctx = await authenticator?.(deps, typeof token === 'string' ? token : undefined, request.id)
  if (!ctx) throw new CloudError('unauthenticated', 'The token is missing or not good.')
  return ctx
}

function sendError(
  deps: Deps,
  facade: Facade,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const known = asKnown(error)
  if ('code' in known && known.code === 'internal')
    deps.log.error({ err: error, detail: known.detail, requestId: request.id }, known.message)
  const answer = errorAnswer(facade.style, known, request.id)
  if (answer.status === 401)
    reply.header('WWW-Authenticate', `Keystone uri="${deps.config.publicUrl}/identity/v3"`)
  if (answer.status === 503) reply.header('Retry-After', '10')
  reply.status(answer.status).header('Content-Type', answer.contentType).send(answer.body)
}

function asKnown(error: unknown): CloudError | HttpError {
  if (error instanceof HttpError || error instanceof CloudError) return error
  if (error instanceof ZodError) return new HttpError(400, schemaFault(error))
  const status = (error as Partial<FastifyError>).statusCode
  if (status !== undefined && status >= 400 && status < 500) return new HttpError(status, clientFault(status))
  return toCloudError(error)
}

/** The first thing wrong with a body, in Keystone's words where clients know them. */
function schemaFault(error: ZodError): string {
  const issue = error.issues[0]
  const at = issue?.path.join('.').slice(0, 200) ?? ''
  if (issue?.code === 'invalid_type' && issue.message.endsWith('received undefined'))
    return `'${issue.path.at(-1)?.toString() ?? 'body'}' is a required property`
  return at === '' ? (issue?.message ?? 'The body is not valid.') : `${issue?.message} (at ${at})`
}

/** Fastify's own refusals, in fixed words. */
function clientFault(status: number): string {
  if (status === 413) return 'The request body is too large.'
  if (status === 415) return 'This content type is not taken; send application/json.'
  return 'The request could not be read.'
}
