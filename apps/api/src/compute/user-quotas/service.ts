import { Prisma } from '@stratolith/db'
import { type Ctx, inTransaction, seesAll } from '../../kernel/context.ts'
import type { QuotaResource, QuotaView } from '../../kernel/contract.ts'
import { CloudError, invalidInput } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { type Fact, readFacts } from '../../kernel/facts.ts'
import { authorize } from '../../kernel/policy.ts'
import { quotaText } from '../../kernel/quota.ts'
import { getQuota } from '../../quota/limits/service.ts'

/**
 * Limits of a single user in a project, where an administrator has set them; the project's own limits hold beside them.
 * No counter is kept: the rows are counted when there is such a limit.
 */
export const userResources = ['instances', 'vcpus', 'memoryMib', 'keyPairs', 'serverGroups'] as const
type UserResource = (typeof userResources)[number]
type Of = { projectId: string; userId: string }

/** The user's use of the resource that `column` names. Key pairs belong to the user in every project. */
function usedSql({ projectId, userId }: Of, column: Prisma.Sql): Prisma.Sql {
  const his = Prisma.sql`"projectId" = ${projectId} AND "userId" = ${userId}`
  return Prisma.sql`CASE ${column}
    WHEN 'instances' THEN (SELECT count(*) FROM "Instance" WHERE ${his})
    WHEN 'vcpus' THEN (SELECT sum("vcpus") FROM "Instance" WHERE ${his})
    WHEN 'memoryMib' THEN (SELECT sum("memoryMib") FROM "Instance" WHERE ${his})
    WHEN 'keyPairs' THEN (SELECT count(*) FROM "KeyPair" WHERE "userId" = ${userId})
    WHEN 'serverGroups' THEN (SELECT count(*) FROM "ServerGroup" WHERE ${his}) END`
}

/** The limits of the user, with the user's use; empty when no limit is set. */
export function userQuotaFact(of: Of): Fact<QuotaView[]> {
  return {
    sql: Prisma.sql`SELECT jsonb_agg(jsonb_build_object('resource', l."resource", 'limit', l."limit",
      'used', COALESCE(${usedSql(of, Prisma.sql`l."resource"`)}, 0)))
      FROM "UserQuotaLimit" l WHERE l."projectId" = ${of.projectId} AND l."userId" = ${of.userId}`,
    read: (value) => (value ?? []) as QuotaView[],
  }
}

const roomOf = ({ limit, used }: QuotaView) => (limit < 0 ? Number.POSITIVE_INFINITY : limit - used)

/** Returns for each resource the limit that leaves less room: the project's or the user's. */
export const narrower = (project: readonly QuotaView[], user: readonly QuotaView[]): QuotaView[] =>
  project.map((its) => {
    const his = user.find(({ resource }) => resource === its.resource)
    return his && roomOf(his) < roomOf(its) ? his : its
  })

/** Returns the first of these resources of which more exists, in this transaction as well, than the user may have. */
export const exceeded = (
  user: readonly QuotaView[],
  resources: readonly UserResource[],
): QuotaView | undefined => user.find((one) => roomOf(one) < 0 && resources.some((r) => r === one.resource))

/**
 * Checks the user's limit. Call this after the row is made, while the project's count is locked. Throws quota_exceeded.
 */
export async function requireUserQuota(ctx: Ctx, of: Of, resource: UserResource): Promise<void> {
  const { own } = await readFacts(ctx, { own: userQuotaFact(of) })
  const over = exceeded(own, [resource])
  if (!over) return
  const message = `Quota exceeded: you may have ${quotaText(resource, over.limit)} in this project. Delete something or ask an administrator for more.`
  throw new CloudError('quota_exceeded', message, { reason: resource })
}

/**
 * Returns limits and use of a user, and the project's limits where the user has no limits. Another project is not
 * found, and only administrators see another user's quota: the user's key pairs are counted in every project.
 */
export async function getUserQuota(ctx: Ctx, of: Of): Promise<QuotaView[]> {
  const project = await getQuota(ctx, of)
  if (of.userId !== ctx.actor.userId && !seesAll(ctx))
    throw new CloudError(
      'forbidden',
      'What another user may have and has is for administrators of the cloud.',
    )
  const rows = await ctx.db.$queryRaw<{ resource: string; limit: number | null; used: number }[]>`
    SELECT r."resource", l."limit", COALESCE(${usedSql(of, Prisma.sql`r."resource"`)}, 0)::int AS "used"
    FROM unnest(${[...userResources]}::text[]) AS r ("resource") LEFT JOIN "UserQuotaLimit" l
      ON l."projectId" = ${of.projectId} AND l."userId" = ${of.userId} AND l."resource" = r."resource"`
  return project.map((its) => {
    const his = rows.find(({ resource }) => resource === its.resource)
    return his ? { ...its, limit: his.limit ?? its.limit, used: his.used } : its
  })
}

/**
 * Sets limits of a user in a project. Throws invalid_input for a resource that is not counted by user, and unless
 * `force` for more than the project may have and for less than the user has.
 */
export async function setUserQuota(
  ctx: Ctx,
  { force, limits, ...of }: Of & { limits: Partial<Record<QuotaResource, number>>; force: boolean },
): Promise<QuotaView[]> {
  authorize(ctx, 'quota:set', of)
  return inTransaction(ctx, async (tx) => {
    const project = await getQuota(tx, of)
    const own = await getUserQuota(tx, of)
    for (const [resource, limit] of Object.entries(limits)) {
      const name = userResources.find((known) => known === resource)
      if (name === undefined)
        throw invalidInput(`${resource} are counted for the project, not for a user.`, resource)
      if (!force) refuseUseless(name, limit, project, own)
      const where = { ...of, resource }
      await tx.db.userQuotaLimit.upsert({
        where: { projectId_userId_resource: where },
        create: { ...where, limit },
        update: { limit },
      })
    }
    await note(tx, of)
    return getUserQuota(tx, of)
  })
}

function refuseUseless(name: UserResource, limit: number, project: QuotaView[], own: QuotaView[]): void {
  const at = (views: QuotaView[]) => views.find(({ resource }) => resource === name)
  const most = at(project)?.limit ?? -1
  const used = at(own)?.used ?? 0
  if (most >= 0 && (limit < 0 || limit > most))
    throw invalidInput(`Quota limit ${limit} for ${name} must be less than or equal to ${most}.`, name)
  if (limit >= 0 && limit < used)
    throw invalidInput(
      `Quota limit ${limit} for ${name} must be greater than or equal to already used and reserved ${used}.`,
      name,
    )
}

/** Removes the limits of a user, so that only the project's limits hold. */
export async function clearUserQuota(ctx: Ctx, of: Of): Promise<void> {
  authorize(ctx, 'quota:set', of)
  await inTransaction(ctx, async (tx) => {
    await getQuota(tx, of)
    await tx.db.userQuotaLimit.deleteMany({ where: of })
    await note(tx, of)
  })
}

const note = (ctx: Ctx, { projectId, userId }: Of) =>
  appendEvent(ctx, {
    kind: 'quota.updated',
    projectId,
    resourceKind: 'project',
    resourceId: projectId,
    data: { userId },
  })
