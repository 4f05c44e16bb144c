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

/** Where the caller's token holds. */
export type Scope =
  | { kind: 'project'; projectId: string; projectName: string; domainId: string }
  | { kind: 'domain'; domainId: string }
  | { kind: 'system' }
  | { kind: 'none' }

/**
 * What the caller acts through when not with rights of his own: services that make or delete
 * credentials, trusts or passwords refuse it (no delegation from a delegation, A13.1).
 */
export type Delegation =
  | {
      kind: 'application_credential'
      id: string
      unrestricted: boolean
      /** When it runs out; null: never. What is made by it never lives longer. */
      expiresAt: Date | null
      /** Null: every request; else only those that match one of these. */
      accessRules: readonly AccessRule[] | null
    }
  | { kind: 'trust'; id: string; trustorId: string; trusteeId: string; impersonation: boolean }
  /** An access token that the user gave to a consumer. */
  | { kind: 'oauth1'; id: string; consumerId: string }
  /** An EC2 credential that signed a request. */
  | { kind: 'ec2'; id: string }
export type AccessRule = { service: string; method: string; path: string }

/** Who asks. `tokenHash` is null for our own workflows and reconcilers. */
export type Actor = {
  userId: string
  userName: string
  domainId: string
  tokenHash: string | null
  delegation: Delegation | null
}

/** What lives as long as the process; built once in main.ts or worker.ts (tests: kernel/testing.ts). */
export type Deps = {
  config: Config
  root: PrismaClient
  log: Logger
  hosts: HostConnections
  /** The worker's lease (kernel/lease.ts); absent in processes that run nothing in the background. */
  holder?: Pick<Holder, 'check'>
  /** How old what a launch knows of the hosts' room may be (hosts/free-room.ts). Absent: it looks each time, as in tests. */
  hostsMaxAgeMs?: number
}

/** What every service function gets first. Plain data plus the database it must use. */
export type Ctx = {
  actor: Actor
  scope: Scope
  /** Effective roles in `scope`, implied ones included. */
  roles: ReadonlySet<RoleName>
  requestId: string
  /** The caller's own id of what he does (X-OpenStack-Request-Id), kept beside ours. */
  globalRequestId?: string
  log: Logger
  /** The transaction when inside one, else the pool. */
  db: Db
  deps: Deps
}

/** Cloud administrator: role admin on a project or on the system. On a domain it counts there alone. */
export const isAdmin = ({ roles, scope }: Pick<Ctx, 'roles' | 'scope'>): boolean =>
  roles.has('admin') && (scope.kind === 'project' || scope.kind === 'system')
/** May look at everything in the cloud: its administrators, and readers of the system. */
export const seesAll = (ctx: Pick<Ctx, 'roles' | 'scope'>): boolean =>
  isAdmin(ctx) || (ctx.scope.kind === 'system' && ctx.roles.has('reader'))

/** Project of the caller's token; refuses scopes that have none. */
export function projectOf(ctx: Ctx): string {
  if (ctx.scope.kind === 'project') return ctx.scope.projectId
  throw new CloudError('forbidden', 'Choose a project first: this token is not scoped to one.')
}

/**
 * The where-fragment that every query for one object of a project carries (R1). Administrators and
 * readers of the system see all projects; the callers of a list say with `allProjects` that they want to.
 */
export function visible(ctx: Ctx): { projectId?: string } {
  return seesAll(ctx) ? {} : { projectId: projectOf(ctx) }
}
export function listScope(ctx: Ctx, input: { allProjects?: boolean }): { projectId?: string } {
  if (!input.allProjects) return { projectId: projectOf(ctx) }
  if (!seesAll(ctx)) throw new CloudError('forbidden', 'Only an administrator may list all projects.')
  return {}
}

/** How often a transaction is begun that PostgreSQL ended for another one's sake. */
const attempts = 4

/**
 * Runs `fn` with a ctx whose db is one transaction; joins the surrounding one when there is one.
 * After a deadlock or a serialization failure nothing of it is there and it runs again: `fn` does
 * nothing outside of the database. What the database refuses comes out as a CloudError.
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

/** Reads alone, all of one moment. */
export const withSnapshot = <T>(ctx: Ctx, fn: (ctx: Ctx) => Promise<T>): Promise<T> =>
  ctx.deps.root.$transaction((tx) => fn({ ...ctx, db: tx }), { isolationLevel: 'RepeatableRead' })

type Who = { userId: string; userName: string }
const ourselves: Who = { userId: 'system', userName: 'system' }

/** Our own hand: workflows (which act for whoever asked for them), reconcilers, seeds. Has every right. */
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
 * Our own hand in the middle of a request: for work that many of them share and that is done in the name of none. It
 * is no part of the caller's transaction.
 */
export function asSystem(ctx: Ctx, reason: string): Ctx {
  ctx.log.debug({ reason }, 'goes on with the rights of the system')
  return systemCtx(ctx.deps, reason)
}

/** The same caller where that project is the caller's own, and may be read: for what things of that project may name. */
export function asReaderOf(ctx: Ctx, projectId: string): Ctx {
  ctx.log.debug({ projectId }, 'reads what a project may name')
  return {
    ...ctx,
    scope: { kind: 'project', projectId, projectName: '', domainId: ctx.actor.domainId },
    // Who administers a domain administers nothing of the project for that.
    roles: new Set([...ctx.roles, 'reader'].filter((role) => role !== 'admin' || isAdmin(ctx))),
  }
}

/** The same caller without what administrators see of other projects. */
export const asMember = (ctx: Ctx): Ctx => ({
  ...ctx,
  roles: new Set(['member', 'reader'].filter((role) => ctx.roles.has(role))),
})
