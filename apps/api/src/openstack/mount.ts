import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { ZodError } from 'zod'
import type { Ctx, Deps } from '../kernel/context.ts'
import { CloudError, toCloudError } from '../kernel/errors.ts'
import { defaultBodyLimit, parseJsonBody } from './body.ts'
import { errorAnswer, HttpError } from './errors.ts'
import {
  type Microversion,
  type MicroversionRange,
  microversionHeaders,
  requestedMicroversion,
} from './microversions.ts'
import { allFacades, allOperations, type Call, type Facade, type MountedOperation } from './operation.ts'
import type { Query } from './pages.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller, on every façade route that is not public. */
    cloud: Ctx | null
    /** The microversion that the request asks for, on façades with microversions. */
    microversion: Microversion | null
    /** The caller's own request id, which may span several services; only for logs and histories. */
    globalId: string | null
  }
  interface FastifyContextConfig {
    /** True for routes that answer without a token, which are only discovery and sign-in. */
    public?: boolean
    /** True for routes that answer alike at every microversion. */
    unversioned?: boolean
    /** True for routes whose body is a stream of bytes, which has no time limit. */
    stream?: boolean
  }
}

/** The parts of a request that are compared with the access rules of an application credential. */
export type RequestFacts = { id: string; service: string; method: string; path: string }
export type Authenticator = {
  /** Returns the caller of a token, null when the token is invalid. Throws `forbidden` for a path that the token may not use. */
  authenticate: (deps: Deps, tokenText: string | undefined, request: RequestFacts) => Promise<Ctx | null>
  anonymous: (deps: Deps, requestId: string) => Ctx
}
let authenticator: Authenticator | null = null
/** The identity room registers its authenticator here, so that this kernel depends on no room. */
export function useAuthenticator(used: Authenticator): void {
  authenticator = used
}

/** All façades with their operations, as one fastify plugin. */
export function openstackRoutes(deps: Deps): FastifyPluginAsync {
  return async (root) => {
    root.decorateRequest('cloud', null)
    root.decorateRequest('microversion', null)
    root.decorateRequest('globalId', null)
    for (const facade of allFacades())
      await root.register((app) => facadeRoutes(app, deps, facade), { prefix: facade.prefix })
  }
}

/** The address of a request in the form that the router knows, because a façade may accept several forms. */
export function canonicalUrl(url: string): string {
  const facade = allFacades().find(({ prefix }) => url.startsWith(`${prefix}/`))
  if (!facade) return url
  const end = url.indexOf('?')
  const path = end < 0 ? url : url.slice(0, end)
  // OpenStack's own front (paste.urlmap) turns several slashes into one; fog asks for /compute/v2.1//limits.
  const below = path.slice(facade.prefix.length).replaceAll(/\/{2,}/g, '/')
  return facade.prefix + (facade.canonicalPath?.(below) ?? below) + url.slice(path.length)
}

/**
 * Answers a request that the router itself has refused (a malformed address) in the form of the façade to which it was
 * sent; returns false when it was sent to no façade.
 */
export function refuse(deps: Deps, error: unknown, request: FastifyRequest, reply: FastifyReply): boolean {
  const url = request.raw.url ?? ''
  const facade = allFacades().find(({ prefix }) => url === prefix || url.startsWith(`${prefix}/`))
  if (!facade) return false
  setRequestId(request, reply, facade)
  sendError(deps, facade, error, request, reply)
  return true
}

/** A JSON body must be complete within this time, or the connection ends, so that nobody holds connections open byte by byte. */
const bodyTimeMs = 30_000

export function boundBodyTime(app: FastifyInstance, ms = bodyTimeMs): void {
  app.addHook('preParsing', async (request) => {
    if (request.routeOptions.config.stream === true) return
    const timer = setTimeout(() => request.raw.destroy(), ms)
    request.raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer))
  })
}

async function facadeRoutes(app: FastifyInstance, deps: Deps, facade: Facade): Promise<void> {
  const operations = allOperations().filter((o) => o.facade === facade)
  takeBodies(app, facade, operations)
  boundBodyTime(app)
  app.addHook('onRequest', async (request, reply) => {
    setRequestId(request, reply, facade)
    takeGlobalId(deps, request)
    // No name or id has a NUL, and PostgreSQL would refuse one with an error of its own.
    if (/%00/.test(request.raw.url ?? '')) throw new HttpError(400, 'The address has a NUL character.')
    if (facade.microversions) setMicroversion(request, reply, facade.microversions)
    if (request.routeOptions.config.public !== true) request.cloud = await callerFrom(deps, facade, request)
    refuseForeignBytes(request)
  })
  app.setErrorHandler((error, request, reply) => sendError(deps, facade, error, request, reply))
  // This is a route and no not-found handler, because the portal serves all other addresses.
  app.all('/*', { config: { public: true } }, async () => {
    throw new HttpError(404, 'The resource could not be found.')
  })
  for (const [path, group] of byPath(operations)) mountPath(app, deps, facade, path, group)
}

function takeBodies(app: FastifyInstance, facade: Facade, operations: MountedOperation[]): void {
  const types = new Set(['application/json', ...operations.flatMap((o) => o.accepts ?? [])])
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    [...types],
    { parseAs: 'buffer', bodyLimit: facade.bodyLimit ?? defaultBodyLimit },
    async (_request: FastifyRequest, body: Buffer) => parseJsonBody(body),
  )
  // The bytes stay in the socket until the handler reads them.
  if (operations.some((o) => o.stream))
    app.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null))
}

/** Refuses other content types on routes for bytes, because Fastify would read such a body into memory to parse it. */
function refuseForeignBytes({ routeOptions, headers }: FastifyRequest): void {
  if (routeOptions.config.stream !== true) return
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/octet-stream')
    throw new HttpError(415, 'Send the bytes as application/octet-stream.')
}

function byPath(operations: MountedOperation[]): Map<string, MountedOperation[]> {
  const paths = new Map<string, MountedOperation[]>()
  for (const operation of operations)
    for (const below of operation.below) {
      const path = below + operation.path
      paths.set(path, [...(paths.get(path) ?? []), operation])
    }
  return paths
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Mounts one path: a route for each method that has operations, and 405 for other methods. */
function mountPath(
  app: FastifyInstance,
  deps: Deps,
  facade: Facade,
  path: string,
  group: MountedOperation[],
): void {
  const free: (typeof methods)[number][] = []
  for (const method of methods) {
    const candidates = group.filter((o) => o.method === method)
    const [first] = candidates
    if (!first) {
      free.push(method)
      continue
    }
    app.route({
      method,
      url: path,
      config: {
        public: first.access === 'public',
        unversioned: first.unversioned === true,
        stream: first.stream === true,
      },
      ...(first.stream ? { bodyLimit: Number.MAX_SAFE_INTEGER } : {}),
      handler: (request, reply) => answer(deps, facade, candidates, request, reply),
    })
  }
  if (free.length === methods.length) return
  const allowed = methods.filter((m) => !free.includes(m)).join(', ')
  const open = group.every((o) => o.access === 'public')
  app.route({
    method: free,
    url: path,
    config: { public: open },
    handler: async (_request, reply) => {
      reply.header('Allow', allowed)
      throw new HttpError(405, 'The method is not allowed for this resource.')
    },
  })
}

async function answer(
  deps: Deps,
  facade: Facade,
  candidates: MountedOperation[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const minor = request.microversion?.[1] ?? 0
  const there = candidates.filter((o) => (o.since ?? 0) <= minor && minor <= (o.until ?? Infinity))
  const found = there[0]?.action === undefined ? there[0] : actionOf(there, request.body)
  if (!found) throw new HttpError(404, 'The resource could not be found.')
  const params = request.params as Record<string, string>
  checkIds(facade, found, params)
  if (request.cloud) checkProject(request.cloud, params)
  const call: Call = {
    ctx: request.cloud ?? anonymous(deps, request),
    deps,
    params,
    query: request.query as Query,
    body: found.action === undefined ? request.body : (request.body as Record<string, unknown>)[found.action],
    minor,
    request,
    reply,
  }
  reply.status(found.status)
  const body = await found.handle(call)
  if (reply.sent) return reply
  // An empty answer has no content type; 204 forbids both body and type.
  return body === undefined ? reply.removeHeader('content-type').send() : body
}

/** Finds the operation of a body such as {"os-start": null}, which must have exactly one key. */
function actionOf(candidates: MountedOperation[], body: unknown): MountedOperation | undefined {
  const keys = typeof body === 'object' && body !== null && !Array.isArray(body) ? Object.keys(body) : []
  const [key] = keys
  const found = keys.length === 1 ? candidates.find((o) => o.action === key) : undefined
  if (!found) throw new HttpError(400, `There is no such action: ${keys.join(', ').slice(0, 100) || 'none'}`)
  return found
}

const forms = {
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  hex: /^[0-9a-zA-Z_.-]{1,64}$/,
}
/** Answers 404 for an id of another form, so that only well-formed ids reach a query. */
function checkIds(facade: Facade, operation: MountedOperation, params: Record<string, string>): void {
  for (const [name, value] of Object.entries(params)) {
    if (name === 'project_id' || operation.names?.includes(name)) continue
    if (forms[facade.ids].test(value)) continue
    const shown = value.slice(0, 100).replace(/[^\x20-\x7e]/g, '?')
    throw new HttpError(404, facade.unknownId?.(shown, name) ?? `${shown} could not be found.`)
  }
}

/** Checks the project id in a path of old catalogs: it must be the token's project (OSSA-2013-035). */
function checkProject(ctx: Ctx, { project_id: asked }: Record<string, string>): void {
  if (asked === undefined) return
  const own = ctx.scope.kind === 'project' ? ctx.scope.projectId : null
  if (asked !== own)
    throw new HttpError(400, "Malformed request URL: the URL's project id is not that of the token.")
}

const requestIdPattern = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function setRequestId(request: FastifyRequest, reply: FastifyReply, facade: Facade): void {
  for (const name of ['x-openstack-request-id', ...(facade.requestIdHeaders ?? [])])
    reply.header(name, request.id)
  reply.header('Vary', 'X-Auth-Token')
}

/** Takes the request id of a service in front of us. Our own request id is always generated. */
function takeGlobalId(deps: Deps, request: FastifyRequest): void {
  const given = request.headers['x-openstack-request-id']
  if (typeof given !== 'string' || !requestIdPattern.test(given)) return
  request.globalId = given
  deps.log.info(
    { requestId: request.id, globalRequestId: given },
    'request of a caller with an id of its own',
  )
}

const withGlobalId = (ctx: Ctx, { globalId }: FastifyRequest): Ctx =>
  globalId === null
    ? ctx
    : { ...ctx, globalRequestId: globalId, log: ctx.log.child({ globalRequestId: globalId }) }

function setMicroversion(request: FastifyRequest, reply: FastifyReply, range: MicroversionRange): void {
  // An answer that refuses the version must have these headers, too.
  reply.headers(microversionHeaders(range, range.min))
  if (request.routeOptions.config.unversioned === true) return
  const version = requestedMicroversion(range, request.headers)
  request.microversion = version
  reply.headers(microversionHeaders(range, version))
}

/** Finds the caller by X-Auth-Token alone; all other identity headers of a request are ignored (A15.2). */
async function callerFrom(deps: Deps, facade: Facade, request: FastifyRequest): Promise<Ctx> {
  const token = request.headers['x-auth-token']
  const path = (request.raw.url ?? '').split('?', 1)[0] ?? ''
  const ctx = await authenticator?.authenticate(deps, typeof token === 'string' ? token : undefined, {
    id: request.id,
    service: facade.service,
    method: request.method,
    path: path.slice(facade.prefix.length) || '/',
  })
  if (!ctx) throw new CloudError('unauthenticated', 'The token is missing or not good.')
  return withGlobalId(ctx, request)
}

function anonymous(deps: Deps, request: FastifyRequest): Ctx {
  if (!authenticator) throw new Error('no authenticator is registered')
  return withGlobalId(authenticator.anonymous(deps, request.id), request)
}

function sendError(
  deps: Deps,
  facade: Facade,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const known = inWordsOf(facade, asKnown(error))
  if ('code' in known && known.code === 'internal')
    deps.log.error({ err: error, detail: known.detail, requestId: request.id }, known.message)
  const answer = errorAnswer(facade.style, known, request.id)
  if (answer.status === 401)
    reply.header('WWW-Authenticate', `Keystone uri="${deps.config.publicUrl}/identity/v3"`)
  const retryAfter = ('code' in known ? known.retryAfterSeconds : null) ?? 10
  if (answer.status === 503) reply.header('Retry-After', String(retryAfter))
  if (answer.retryAfter !== undefined) reply.header('Retry-After', answer.retryAfter)
  reply.status(answer.status).header('Content-Type', answer.contentType).send(answer.body)
}

/** Nova answers a body of another content type like a malformed one. */
function inWordsOf(facade: Facade, error: CloudError | HttpError): CloudError | HttpError {
  return facade.style === 'nova' && 'status' in error && error.status === 415
    ? new HttpError(400, 'Malformed request body', { cause: error })
    : error
}

function asKnown(error: unknown): CloudError | HttpError {
  if (error instanceof HttpError || error instanceof CloudError) return error
  if (error instanceof ZodError) return new HttpError(400, schemaFault(error))
  const status = (error as Partial<FastifyError>).statusCode
  if (status !== undefined && status >= 400 && status < 500) return new HttpError(status, clientFault(status))
  return toCloudError(error)
}

/** The first fault of a body, in Keystone's words where clients compare them. */
function schemaFault(error: ZodError): string {
  const issue = error.issues[0]
  const at = issue?.path.join('.').slice(0, 200) ?? ''
  if (issue?.code === 'invalid_type' && issue.message.endsWith('received undefined'))
    return `'${issue.path.at(-1)?.toString() ?? 'body'}' is a required property`
  return at === '' ? (issue?.message ?? 'The body is not valid.') : `${issue?.message} (at ${at})`
}

/** Fixed messages for refusals of Fastify itself. */
function clientFault(status: number): string {
  if (status === 413) return 'The request body is too large.'
  if (status === 415) return 'This content type is not taken; send application/json.'
  return 'The request could not be read.'
}
