import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ctx, Deps } from '../kernel/context.ts'
import type { ErrorStyle } from './errors.ts'
import type { MicroversionRange } from './microversions.ts'
import type { Query } from './pages.ts'

/**
 * The operation table of the façades: every REST operation is one entry here and nothing else mounts
 * a route. The authorization matrix, the fuzz and docs/openstack-compat.md are made from it.
 */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Kinds of callers that the matrix tries; those without a good token get 401 from everything. */
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
 * Who may, in the words of OpenStack's secure roles. `ok` means past authorization. A domain's
 * administrator holds in the domain of the owner of the thing; the stranger is a member elsewhere.
 */
export const access = {
  //               ownerMember   ownerReader  stranger     domainAdmin  systemReader admin  unscoped
  /** Any good token. */
  anyone: row('ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok'),
  /** Any token with a role on a project: everyone gets what is theirs. */
  list: row('ok', 'ok', 'ok', 'forbidden', 'ok', 'ok', 'forbidden'),
  /** One thing of a project. */
  read: row('ok', 'ok', 'not_found', 'forbidden', 'ok', 'ok', 'forbidden'),
  /** A change to it, or a secret of it. */
  write: row('ok', 'forbidden', 'not_found', 'forbidden', 'forbidden', 'ok', 'forbidden'),
  /** Something new in one's own project (a reader of the system has none). */
  create: row('ok', 'forbidden', 'ok', 'forbidden', 'forbidden', 'ok', 'forbidden'),
  /** Something of a user, whatever the token's scope; others do not see it. */
  mine: row('ok', 'not_found', 'not_found', 'not_found', 'not_found', 'not_found', 'not_found'),
  /** Of a user, and the business of whoever runs its domain. */
  ofUser: row('ok', 'not_found', 'not_found', 'ok', 'ok', 'ok', 'not_found'),
  /** The same, where he himself sees it and may not. */
  ofUserWrite: row('forbidden', 'not_found', 'not_found', 'ok', 'forbidden', 'ok', 'not_found'),
  /** Something of a domain (a group, a user): nobody sees it but those who run it. */
  ofDomain: row('not_found', 'not_found', 'not_found', 'ok', 'ok', 'ok', 'not_found'),
  ofDomainWrite: row('not_found', 'not_found', 'not_found', 'ok', 'forbidden', 'ok', 'not_found'),
  /** A project itself (or one's own domain): its people see it, those who run its domain may change it. */
  ofProject: row('ok', 'ok', 'not_found', 'ok', 'ok', 'ok', 'not_found'),
  ofProjectWrite: row('forbidden', 'forbidden', 'not_found', 'ok', 'forbidden', 'ok', 'not_found'),
  /** Who has which role on it. */
  ofProjectGrants: row('forbidden', 'forbidden', 'not_found', 'ok', 'ok', 'ok', 'not_found'),
  /** A token of the user. */
  token: row('ok', 'forbidden', 'forbidden', 'forbidden', 'ok', 'ok', 'forbidden'),
  admin: row('forbidden', 'forbidden', 'forbidden', 'forbidden', 'forbidden', 'ok', 'forbidden'),
  adminRead: row('forbidden', 'forbidden', 'forbidden', 'forbidden', 'ok', 'ok', 'forbidden'),
  /** Administrators of the cloud and of the domain, and readers of the system. */
  domainRead: row('forbidden', 'forbidden', 'forbidden', 'ok', 'ok', 'ok', 'forbidden'),
  domainWrite: row('forbidden', 'forbidden', 'forbidden', 'ok', 'forbidden', 'ok', 'forbidden'),
} satisfies Record<string, Record<CallerKind, Verdict>>
export type Access = keyof typeof access

/** One request as its handler sees it. */
export type Call = {
  /** The caller; on a public operation one without any right. */
  ctx: Ctx
  deps: Deps
  /** Path parameters; those of the façade's id form are checked already. */
  params: Record<string, string>
  query: Query
  /** The JSON body within bounds of size and depth (of an action: its value); undefined without one. */
  body: unknown
  /** Minor microversion; 0 on façades without any. */
  minor: number
  request: FastifyRequest
  reply: FastifyReply
}

export type ApiOperation = {
  /** Unique within the service: "servers.create", "servers.os-start". */
  name: string
  method: Method
  /** Below the façade's versions: "/servers/:id". */
  path: string
  /** For POST …/action: the one key of the body. `call.body` is its value. */
  action?: string
  /** What it does, in a few words; goes into docs/openstack-compat.md. */
  summary: string
  /** Of success; a handler may set another with `call.reply.status`. */
  status: number
  access: Access | 'public'
  /** Where one kind of caller gets something else than `access` says, with the reason beside it. */
  except?: Partial<Record<CallerKind, Verdict>>
  /** Minor microversions in which it exists, both included; outside it is a 404. */
  since?: number
  until?: number
  /** Parameters that are names, not ids of the façade's form. */
  names?: string[]
  /** Query parameters that narrow the list, each with a value that nothing has (facade-filters.test.ts). */
  filters?: Record<string, string>
  /** Those that narrow it for administrators alone. */
  adminFilters?: Record<string, string>
  /** Takes bytes as a stream and not JSON; `call.request.raw` has them. */
  stream?: true
  /** Content types taken beside application/json, parsed as JSON. */
  accepts?: string[]
  /** Where we differ from OpenStack and why; goes into docs/openstack-compat.md. */
  deviation?: string
  /** The answer's body; undefined for none. */
  handle: (call: Call) => unknown
}

export type Facade = {
  /** "compute": the type in the catalog. */
  service: string
  /** "/compute" */
  prefix: string
  style: ErrorStyle
  /** Form of the path's ids; a foreign form is the service's 404 before any query. */
  ids: 'uuid' | 'hex'
  microversions?: MicroversionRange
  /** Bytes of a JSON body; Keystone's default when left out. */
  bodyLimit?: number
  /** The operation's path for one that a client wrote in another way; without the query. */
  canonicalPath?: (path: string) => string
  /** What is said of an id of a foreign form; our own words when left out. */
  unknownId?: (id: string) => string
  /** More names under which the request id is sent ("x-compute-request-id"). */
  requestIdHeaders?: string[]
}
/**
 * For services that take a path with a slash behind it, too: Keystone's middleware cuts it off, and the
 * router of Nova and Glance lets it be. What is only a version is an operation of its own.
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

/** These two are called for what the rooms say in room.ts, so that this kernel knows no room. */
export function defineFacade(facade: Facade): void {
  facades.set(facade.service, facade)
}
/**
 * Adds operations to a façade (which may be defined later). `below` are the paths under which each
 * of them answers; the first is the documented one: ["/v2.1", "/v2.1/:project_id"].
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
/** Every operation that answers, in the order of its mounting. */
export const allOperations = (): readonly MountedOperation[] => operations

function facadeOf(service: string): Facade {
  const facade = facades.get(service)
  if (!facade) throw new Error(`no façade is defined for ${service}`)
  return facade
}
