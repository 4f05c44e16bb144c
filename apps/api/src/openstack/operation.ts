import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ctx, Deps } from '../kernel/context.ts'
import type { ErrorStyle } from './errors.ts'
import type { MicroversionRange } from './microversions.ts'
import type { Query } from './pages.ts'

/**
 * The operation table of the façades: every REST operation is one entry of it, and nothing else mounts
 * a route. The authorization matrix, the fuzz and docs/openstack-compat.md are made from the table.
 */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** The kinds of callers that the matrix tries. Callers without a valid token always get 401. */
export const callerKinds = [
  'ownerMember',
  'ownerReader',
  'stranger',
  'domainAdmin',
  'systemReader',
  'admin',
  'unscoped',
] as const
export type CallerKind = (typeof callerKinds)[number]
export type Verdict = 'ok' | 'forbidden' | 'not_found'

const row = (...verdicts: [Verdict, Verdict, Verdict, Verdict, Verdict, Verdict, Verdict]) =>
  Object.fromEntries(callerKinds.map((kind, i) => [kind, verdicts[i]])) as Record<CallerKind, Verdict>
/**
 * The answers to each kind of caller, in the terms of OpenStack's secure roles. `ok` means that the caller is authorized.
 * `domainAdmin` administers the domain of the thing's owner; `stranger` is a member of another project.
 */
export const access = {
  //               ownerMember   ownerReader  stranger     domainAdmin  systemReader admin  unscoped
  /** Everybody with a valid token may use the operation. */
  anyone: row('ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok'),
  /** A list: callers with a role on a project get the things of their own project. */
  list: row('ok', 'ok', 'ok', 'forbidden', 'ok', 'ok', 'forbidden'),
  /** Reading a thing of a project. */
  read: row('ok', 'ok', 'not_found', 'forbidden', 'ok', 'ok', 'forbidden'),
  /** Changing a thing of a project, or reading a secret of the thing. */
  write: row('ok', 'forbidden', 'not_found', 'forbidden', 'forbidden', 'ok', 'forbidden'),
  /** Making a thing in the caller's own project (a reader of the system has none). */
  create: row('ok', 'forbidden', 'ok', 'forbidden', 'forbidden', 'ok', 'forbidden'),
  /** A thing of a user, in any scope of the token; other users do not see the thing. */
  mine: row('ok', 'not_found', 'not_found', 'not_found', 'not_found', 'not_found', 'not_found'),
  /** Reading a thing of a user, which administrators of the user's domain may read, too. */
  ofUser: row('ok', 'not_found', 'not_found', 'ok', 'ok', 'ok', 'not_found'),
  /** Changing a thing of a user that users themselves may read but not change. */
  ofUserWrite: row('forbidden', 'not_found', 'not_found', 'ok', 'forbidden', 'ok', 'not_found'),
  /** Reading a thing of a domain (a group, a user), which only administrators of the domain and of the cloud see. */
  ofDomain: row('not_found', 'not_found', 'not_found', 'ok', 'ok', 'ok', 'not_found'),
  ofDomainWrite: row('not_found', 'not_found', 'not_found', 'ok', 'forbidden', 'ok', 'not_found'),
  /** A project itself (or the caller's own domain): its users may read it, and administrators of its domain may change it. */
  ofProject: row('ok', 'ok', 'not_found', 'ok', 'ok', 'ok', 'not_found'),
  ofProjectWrite: row('forbidden', 'forbidden', 'not_found', 'ok', 'forbidden', 'ok', 'not_found'),
  /** Reading which users have which roles on a project. */
  ofProjectGrants: row('forbidden', 'forbidden', 'not_found', 'ok', 'ok', 'ok', 'not_found'),
  /** An operation on a token of the user. */
  token: row('ok', 'forbidden', 'forbidden', 'forbidden', 'ok', 'ok', 'forbidden'),
  admin: row('forbidden', 'forbidden', 'forbidden', 'forbidden', 'forbidden', 'ok', 'forbidden'),
  adminRead: row('forbidden', 'forbidden', 'forbidden', 'forbidden', 'ok', 'ok', 'forbidden'),
  /** Administrators of the cloud and of the domain, and readers of the system. */
  domainRead: row('forbidden', 'forbidden', 'forbidden', 'ok', 'ok', 'ok', 'forbidden'),
  domainWrite: row('forbidden', 'forbidden', 'forbidden', 'ok', 'forbidden', 'ok', 'forbidden'),
} satisfies Record<string, Record<CallerKind, Verdict>>
export type Access = keyof typeof access

/** A request, as its handler gets it. */
export type Call = {
  /** The caller; on a public operation a caller without any rights. */
  ctx: Ctx
  deps: Deps
  /** The path parameters; ids have been checked for the façade's form. */
  params: Record<string, string>
  query: Query
  /** The JSON body within the limits of size and depth (for an action: the action's value); undefined without a body. */
  body: unknown
  /** The minor microversion; 0 on façades without microversions. */
  minor: number
  request: FastifyRequest
  reply: FastifyReply
}

export type ApiOperation = {
  /** Unique within the service: "servers.create", "servers.os-start". */
  name: string
  method: Method
  /** The path below the façade's versions, such as "/servers/:id". */
  path: string
  /** For POST …/action: the only key of the body. `call.body` is its value. */
  action?: string
  /** What the operation does, in a few words, for docs/openstack-compat.md. */
  summary: string
  /** The status of success; a handler may set another with `call.reply.status`. */
  status: number
  access: Access | 'public'
  /** The kinds of callers that get another answer than `access` says, each with the reason in a comment. */
  except?: Partial<Record<CallerKind, Verdict>>
  /** The first and the last minor microversion that has the operation; others answer 404. */
  since?: number
  until?: number
  /** The operation answers alike at every microversion, also at one that the service does not have (discovery). */
  unversioned?: true
  /** The path parameters that are names and not ids of the façade's form. */
  names?: string[]
  /** The filters of the list, each with a value that no thing has (facade-filters.test.ts). */
  filters?: Record<string, string>
  /** The filters that work for administrators alone. */
  adminFilters?: Record<string, string>
  /** The body is a stream of bytes and not JSON; `call.request.raw` has the bytes. */
  stream?: true
  /** Further content types that are parsed as JSON. */
  accepts?: string[]
  /** How the operation differs from OpenStack's, and why, for docs/openstack-compat.md. */
  deviation?: string
  /** Handles a request; returns the body of the answer, undefined for none. */
  handle: (call: Call) => unknown
}

export type Facade = {
  /** The type of the service in the catalog, such as "compute". */
  service: string
  /** The prefix of all paths, such as "/compute". */
  prefix: string
  style: ErrorStyle
  /** The form of ids in paths; an id of another form is answered by the service's 404 before any query. */
  ids: 'uuid' | 'hex'
  microversions?: MicroversionRange
  /** The limit of a JSON body in bytes; Keystone's default when absent. */
  bodyLimit?: number
  /** Returns the operation's path for a path that a client wrote in another form. Both are without the query. */
  canonicalPath?: (path: string) => string
  /** The message for an id of another form in that path parameter; our own words when absent. */
  unknownId?: (id: string, parameter: string) => string
  /** Further headers with the request id, such as "x-compute-request-id". */
  requestIdHeaders?: string[]
}
/**
 * Removes trailing slashes, for services that accept them: Keystone's middleware cuts them off, and the
 * router of Nova and Glance ignores them. A path that is only a version stays, because it is an operation of its own.
 */
export function withoutSlash(path: string): string {
  if (/^\/(v[\d.]+\/?)?$/.test(path)) return path
  let end = path.length
  while (end > 1 && path[end - 1] === '/') end -= 1
  return path.slice(0, end)
}
export type MountedOperation = ApiOperation & { facade: Facade; below: string[] }

const facades = new Map<string, Facade>()
const operations: MountedOperation[] = []

/** Registers a façade. registerRooms() calls this and addOperations() for the rooms, so that this kernel depends on no room. */
export function defineFacade(facade: Facade): void {
  facades.set(facade.service, facade)
}
/**
 * Adds operations to a façade (which may be defined later). `below` are the paths under which each operation
 * answers, such as ["/v2.1", "/v2.1/:project_id"]; the first is the documented one.
 */
export function addOperations(service: string, below: string[], added: ApiOperation[]): void {
  for (const operation of added)
    operations.push({
      ...operation,
      below,
      get facade() {
        return facadeOf(service)
      },
    })
}

export const allFacades = (): Facade[] => [...facades.values()]
/** All mounted operations, in the order of mounting. */
export const allOperations = (): readonly MountedOperation[] => operations

function facadeOf(service: string): Facade {
  const facade = facades.get(service)
  if (!facade) throw new Error(`no façade is defined for ${service}`)
  return facade
}
