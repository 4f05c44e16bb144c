import { setTimeout as sleep } from 'node:timers/promises'
import type { Prisma, PrismaClient } from '@stratolith/db'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { wasRolledBack } from './database-errors.ts'
import { asAnswer, CloudError } from './errors.ts'
import type { HostConnections } from './hosts.ts'
import type { Holder } from './lease.ts'

export type Db = PrismaClient | Prisma.TransactionClient
export type RoleName = string

/** The scope of the caller's token. */
export type Scope =
  | { kind: 'project'; projectId: string; projectName: string; domainId: string }
  | { kind: 'domain'; domainId: string }
  | { kind: 'system' }
  | { kind: 'none' }

/**
 * The delegation by which callers act when they do not act by their own rights. Services that make or delete
 * credentials, trusts or passwords refuse callers with a delegation (no delegation from a delegation, A13.1).
 */
export type Delegation =
  | {
      kind: 'application_credential'
      id: string
      unrestricted: boolean
      /** When the credential expires; null: never. Nothing that is made by the credential lives longer. */
      expiresAt: Date | null
      /** The rules of which a request must match one; null: every request is allowed. */
      accessRules: readonly AccessRule[] | null
    }
  | { kind: 'trust'; id: string; trustorId: string; trusteeId: string; impersonation: boolean }
  /** An access token that the user gave to a consumer. */
  | { kind: 'oauth1'; id: string; consumerId: string }
  /** An EC2 credential that signed a request. */
  | { kind: 'ec2'; id: string }
export type AccessRule = { service: string; method: string; path: string }

/** The user who makes the request. `tokenHash` is null for our own workflows and reconcilers. */
export type Actor = {
  userId: string
  userName: string
  domainId: string
  tokenHash: string | null
  delegation: Delegation | null
}

/** The objects that live as long as the process; built once in main.ts or worker.ts (in tests by kernel/testing.ts). */
export type Deps = {
  config: Config
  root: PrismaClient
  log: Logger
  hosts: HostConnections
  /** The worker's lease (kernel/lease.ts); absent in processes that run nothing in the background. */
  holder?: Pick<Holder, 'check'>
  /** How old, in ms, the figures of the hosts' free room may be that a launch uses (hosts/free-room.ts). Absent, as in tests: they are read each time. */
  hostsMaxAgeMs?: number
}

/** The first argument of every service function: plain data about the caller, and the database to use. */
export type Ctx = {
  actor: Actor
  scope: Scope
  /** The effective roles in `scope`, including implied roles. */
  roles: ReadonlySet<RoleName>
  requestId: string
  /** The caller's own id of the request (X-OpenStack-Request-Id), kept beside ours. */
  globalRequestId?: string
  log: Logger
  /** The surrounding transaction, or the pool when there is none. */
  db: Db
  deps: Deps
}

/** True for a cloud administrator: role admin on a project or on the system. The role on a domain counts in that domain alone. */
export const isAdmin = ({ roles, scope }: Pick<Ctx, 'roles' | 'scope'>): boolean =>
  roles.has('admin') && (scope.kind === 'project' || scope.kind === 'system')
/** True for callers who may read everything in the cloud: its administrators, and readers of the system. */
export const seesAll = (ctx: Pick<Ctx, 'roles' | 'scope'>): boolean =>
  isAdmin(ctx) || (ctx.scope.kind === 'system' && ctx.roles.has('reader'))

/** The project of the caller's token; raises `forbidden` when the scope is no project. */
export function projectOf(ctx: Ctx): string {
  if (ctx.scope.kind === 'project') return ctx.scope.projectId
  throw new CloudError('forbidden', 'Choose a project first: this token is not scoped to one.')
}

/**
 * The part of `where` that every query for one object of a project has (R1). Administrators and readers of the
 * system see all projects; for lists they say with `allProjects` that they want to.
 */
export function visible(ctx: Ctx): { projectId?: string } {
  return seesAll(ctx) ? {} : { projectId: projectOf(ctx) }
}
export function listScope(ctx: Ctx, input: { allProjects?: boolean }): { projectId?: string } {
  if (!input.allProjects) return { projectId: projectOf(ctx) }
  if (!seesAll(ctx)) throw new CloudError('forbidden', 'Only an administrator may list all projects.')
  return {}
}

/** How often a transaction is tried that PostgreSQL ends by a deadlock or a serialization failure. */
const attempts = 4

/**
 * Runs `fn` with a ctx whose db is one transaction; joins the surrounding transaction when there is one.
 * After a deadlock or a serialization failure, PostgreSQL has undone everything and `fn` runs again: so `fn` must
 * change nothing outside of the database. A refusal of the database becomes a CloudError.
 */
export async function inTransaction<T>(ctx: Ctx, fn: (ctx: Ctx) => Promise<T>): Promise<T> {
  if (ctx.db !== ctx.deps.root) return fn(ctx)
  for (let attempt = 1; ; attempt++) {
    try {
      return await ctx.deps.root.$transaction((tx) => fn({ ...ctx, db: tx }))
    } catch (error) {
      if (attempt === attempts || !wasRolledBack(error)) throw asAnswer(error)
      ctx.log.info({ attempt }, 'a transaction met another one and runs again')
      await sleep(attempt * (10 + Math.random() * 40))
    }
  }
}

/**
 * Does the same for a change that reads a value, and writes it whole: changes of the same name take turns, so that none
 * of two at the same moment is lost.
 */
export const inTurn = <T>(ctx: Ctx, name: string, change: (ctx: Ctx) => Promise<T>): Promise<T> =>
  inTransaction(ctx, async (tx) => {
    await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 0))`
    return change(tx)
  })

/** Runs reads that all see the database at the same moment. */
export const withSnapshot = <T>(ctx: Ctx, fn: (ctx: Ctx) => Promise<T>): Promise<T> =>
  ctx.deps.root.$transaction((tx) => fn({ ...ctx, db: tx }), { isolationLevel: 'RepeatableRead' })

type Who = { userId: string; userName: string }
const ourselves: Who = { userId: 'system', userName: 'system' }

/** The ctx of our own work: workflows (in the name of the user who began them), reconcilers, seeds. It has every right. */
export function systemCtx(deps: Deps, requestId: string, { userId, userName }: Who = ourselves): Ctx {
  return {
    actor: { userId, userName, domainId: 'default', tokenHash: null, delegation: null },
    scope: { kind: 'system' },
    roles: new Set(['admin', 'member', 'reader']),
    requestId,
    log: deps.log.child({ requestId }),
    db: deps.root,
    deps,
  }
}

/**
 * The system's ctx in the middle of a request, for work that many requests share and that is done in the name of no
 * caller. The work is not part of the caller's transaction.
 */
export function asSystem(ctx: Ctx, reason: string): Ctx {
  ctx.log.debug({ reason }, 'goes on with the rights of the system')
  return systemCtx(ctx.deps, reason)
}

/** The same caller as a reader of that project: to check which other things a thing of that project may name. */
export function asReaderOf(ctx: Ctx, projectId: string): Ctx {
  ctx.log.debug({ projectId }, 'reads what a project may name')
  return {
    ...ctx,
    scope: { kind: 'project', projectId, projectName: '', domainId: ctx.actor.domainId },
    // The role admin on a domain must not become the role admin on the project.
    roles: new Set([...ctx.roles, 'reader'].filter((role) => role !== 'admin' || isAdmin(ctx))),
  }
}

/** The same caller without an administrator's view of other projects. */
export const asMember = (ctx: Ctx): Ctx => ({
  ...ctx,
  roles: new Set(['member', 'reader'].filter((role) => ctx.roles.has(role))),
})
