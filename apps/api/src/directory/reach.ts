import type { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import { CloudError, notFound } from '../kernel/errors.ts'
import { appendEvent } from '../kernel/events.ts'
import { type Ask, containing, likeLiteral } from '../kernel/page.ts'
import { authorize, decide, type Target } from '../kernel/policy.ts'
import type { TextMatch } from './contract.ts'

/** The domain of a new thing when the caller names none: that of the session, else Default. */
export const ownDomain = (ctx: Ctx): string => (ctx.scope.kind === 'domain' ? ctx.scope.domainId : 'default')

/**
 * The where-clause of a list of the directory: the domain that was asked for; for callers of a domain their domain;
 * else the whole cloud, for those who may see all of it.
 */
export function domainFilter(ctx: Ctx, action: string, wanted?: string): { domainId?: string } {
  const domainId = wanted ?? (ctx.scope.kind === 'domain' ? ctx.scope.domainId : undefined)
  authorize(ctx, action, { domainId: domainId ?? null })
  return domainId === undefined ? {} : { domainId }
}

/**
 * Returns the row to a caller who may see it; for others it does not exist (R2). `action`, when given, is the action
 * that the caller wants. A caller without the right to it gets a 403, because they know already that the row exists.
 */
export function seen<Row>(
  ctx: Ctx,
  what: { kind: string; id: string; row: Row | null; target: (row: Row) => Target; read: string },
  action?: string,
): Row {
  const { kind, id, row, target, read } = what
  if (row === null || !decide(ctx, read, target(row)).allowed) throw notFound(kind, id)
  if (action !== undefined) authorize(ctx, action, target(row))
  return row
}

/** A delegation that was not made for this purpose makes no credential, password or trust (A13.1). */
export function refuseDelegation(ctx: Ctx, what: string): void {
  const { delegation } = ctx.actor
  if (delegation === null || (delegation.kind === 'application_credential' && delegation.unrestricted)) return
  throw new CloudError(
    'forbidden',
    `You may not ${what} by a trust, OAuth, an EC2 credential or a restricted application credential. Sign in by password for that.`,
  )
}

/**
 * Stored secrets (EC2) give all rights of their user, also in other projects, so a delegation, which gives only some of
 * these rights, does not read them. An application credential may read them, because it is a program of the user's own.
 */
export function refuseSecrets(ctx: Ctx): void {
  if (ctx.actor.delegation?.kind !== 'application_credential') refuseDelegation(ctx, 'read secrets')
}

/**
 * The application credential that the caller acts by, with the expiry that new credentials get from it: everything that
 * the caller makes is bound to the credential, ends with it and expires no later. A credential with access rules makes
 * nothing, because the new credential would be free of these rules.
 */
export function boundBy(ctx: Ctx, expiresAt: Date | null): { id: string | null; expiresAt: Date | null } {
  const { delegation } = ctx.actor
  if (delegation?.kind !== 'application_credential') return { id: null, expiresAt }
  if (delegation.accessRules !== null)
    throw new CloudError(
      'forbidden',
      'An application credential with access rules makes no other credentials. Sign in by password for that.',
    )
  if (delegation.expiresAt === null) return { id: delegation.id, expiresAt }
  if (expiresAt !== null && expiresAt > delegation.expiresAt)
    throw new CloudError(
      'forbidden',
      'The new credential or trust would outlive the application credential that makes it. Choose an earlier end.',
    )
  return { id: delegation.id, expiresAt: expiresAt ?? delegation.expiresAt }
}

/**
 * Tells whether the caller's rights in other projects count. They count for the user's own sign-in only, because a
 * delegation and an EC2 credential hold in one project.
 */
export const reachesElsewhere = ({ actor }: Ctx): boolean => actor.delegation === null

/** Throws when somebody has as many things of a kind as a user may have. */
export function demandRoom(count: number, most: number, what: string): void {
  if (count >= most)
    throw new CloudError('forbidden', `You have ${most} ${what} already. Delete one that is not needed.`)
}

/** A text filter in Prisma's form. Characters that are special in LIKE match themselves. */
export function textFilter(match: TextMatch | undefined): Prisma.StringFilter | undefined {
  if (!match) return undefined
  const mode = match.insensitive ? ('insensitive' as const) : ('default' as const)
  return {
    mode,
    ...(match.equals === undefined
      ? {}
      : { equals: match.insensitive ? likeLiteral(match.equals) : match.equals }),
    ...(match.contains === undefined ? {} : { contains: likeLiteral(match.contains) }),
    ...(match.startsWith === undefined ? {} : { startsWith: likeLiteral(match.startsWith) }),
    ...(match.endsWith === undefined ? {} : { endsWith: likeLiteral(match.endsWith) }),
  }
}

/** The clauses of a list for its name filter and its search; they are joined by AND. */
export const nameClauses = (input: { name?: TextMatch; search?: string }, more: string[] = []) => [
  ...(input.name ? [{ name: textFilter(input.name) }] : []),
  ...(input.search
    ? [{ OR: ['name', 'id', ...more].map((column) => ({ [column]: containing(input.search ?? '') })) }]
    : []),
]

/** The conditions of a list: what its input says besides the order and the page. */
export type WhereOf<Input> = Omit<Input, 'limit' | 'marker' | 'sort' | 'sortDir'>

/** The order and the part of a list that OpenStack's clients get: the oldest first, as many as the service gives at most. */
export const oldest = (limit: number): Pick<Ask<unknown>, 'sort' | 'page'> => ({
  sort: [{ field: 'createdAt', dir: 'asc' }],
  page: { limit },
})

type Noun = 'domain' | 'project' | 'user' | 'group' | 'role'
/** Writes the event of a change to the directory, in the transaction of the change. */
export const directoryEvent = (
  ctx: Ctx,
  noun: Noun,
  what: 'created' | 'updated' | 'deleted',
  id: string,
  data: Record<string, unknown> = {},
) =>
  appendEvent(ctx, {
    kind: `${noun}.${what}`,
    projectId: noun === 'project' ? id : null,
    resourceKind: noun,
    resourceId: id,
    data,
  })

/** Locks the domain, so that two callers who use the same name in it run one after the other. Throws not_found. */
export async function lockDomain(ctx: Ctx, domainId: string): Promise<void> {
  const rows = await ctx.db.$queryRaw<
    unknown[]
  >`SELECT 1 FROM "Domain" WHERE "id" = ${domainId} AND NOT "deleting" FOR NO KEY UPDATE`
  if (rows.length === 0) throw notFound('domain', domainId)
}
