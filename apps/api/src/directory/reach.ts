import type { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import { CloudError, notFound } from '../kernel/errors.ts'
import { appendEvent } from '../kernel/events.ts'
import { containing, likeLiteral } from '../kernel/page.ts'
import { authorize, decide, type Target } from '../kernel/policy.ts'
import type { TextMatch } from './contract.ts'

/** The domain that a new thing belongs to when none is named: that of the session, else Default. */
export const ownDomain = (ctx: Ctx): string => (ctx.scope.kind === 'domain' ? ctx.scope.domainId : 'default')

/**
 * The where-fragment of a list of the directory: the domain that was asked for, the whole cloud
 * for those who see all of it, and for a domain's own people nothing but their domain.
 */
export function domainFilter(ctx: Ctx, action: string, wanted?: string): { domainId?: string } {
  const domainId = wanted ?? (ctx.scope.kind === 'domain' ? ctx.scope.domainId : undefined)
  authorize(ctx, action, { domainId: domainId ?? null })
  return domainId === undefined ? {} : { domainId }
}

/**
 * The row for a caller who may see it; for everyone else there is none (R2). `action`, when given, is
 * what the caller wants to do with it: refused with 403, because he knows already that it is there.
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

/** No credential, password or trust from a delegation that was not made for it (A13.1). */
export function refuseDelegation(ctx: Ctx, what: string): void {
  const { delegation } = ctx.actor
  if (delegation === null || (delegation.kind === 'application_credential' && delegation.unrestricted)) return
  throw new CloudError(
    'forbidden',
    `You may not ${what} by a trust, OAuth, an EC2 credential or a restricted application credential. Sign in by password for that.`,
  )
}

/**
 * Secrets that are kept (EC2) are worth all that their user may do, also elsewhere: whoever was given a part of that
 * does not read them. An application credential is the user's own program.
 */
export function refuseSecrets(ctx: Ctx): void {
  if (ctx.actor.delegation?.kind !== 'application_credential') refuseDelegation(ctx, 'read secrets')
}

/**
 * The application credential that the caller acts by, which everything that they make by it is bound to: that
 * dies with it and never lives longer. One with access rules makes nothing, for that would be free of them.
 */
export function boundBy(ctx: Ctx, expiresAt: Date | null): { id: string | null; expiresAt: Date | null } {
  const { delegation } = ctx.actor
  if (delegation?.kind !== 'application_credential') return { id: null, expiresAt }
  if (delegation.accessRules !== null)
    throw new CloudError(
      'forbidden',
      'An application credential with access rules makes no others. Sign in by password for that.',
    )
  if (delegation.expiresAt === null) return { id: delegation.id, expiresAt }
  if (expiresAt !== null && expiresAt > delegation.expiresAt)
    throw new CloudError(
      'forbidden',
      'It would outlive the application credential that makes it. Choose an earlier end.',
    )
  return { id: delegation.id, expiresAt: expiresAt ?? delegation.expiresAt }
}

/**
 * Does what the caller has in other projects than his token's count as his? By a sign-in of his own alone: a
 * delegation holds in one project, and so does an EC2 credential.
 */
export const reachesElsewhere = ({ actor }: Ctx): boolean => actor.delegation === null

/** Throws when somebody has as many of something as anybody may. */
export function demandRoom(count: number, most: number, what: string): void {
  if (count >= most)
    throw new CloudError('forbidden', `You have ${most} ${what} already. Delete one that is not needed.`)
}

/** A text filter as Prisma's; LIKE's own characters count as themselves. */
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

/** Name filter and search of a list, as clauses to be joined by AND. */
export const nameClauses = (input: { name?: TextMatch; search?: string }, more: string[] = []) => [
  ...(input.name ? [{ name: textFilter(input.name) }] : []),
  ...(input.search
    ? [{ OR: ['name', 'id', ...more].map((column) => ({ [column]: containing(input.search ?? '') })) }]
    : []),
]

type Noun = 'domain' | 'project' | 'user' | 'group' | 'role'
/** The event of a change to the directory. In its transaction. */
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

/** Two callers who make the same name in one domain go one after the other. Throws not_found. */
export async function lockDomain(ctx: Ctx, domainId: string): Promise<void> {
  const rows = await ctx.db.$queryRaw<
    unknown[]
  >`SELECT 1 FROM "Domain" WHERE "id" = ${domainId} AND NOT "deleting" FOR NO KEY UPDATE`
  if (rows.length === 0) throw notFound('domain', domainId)
}
