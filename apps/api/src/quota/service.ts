import { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import type { QuotaResource, QuotaView } from '../kernel/contract.ts'
import { CloudError, invariant } from '../kernel/errors.ts'
import { type Fact, readFacts } from '../kernel/facts.ts'
import { moreText, quotaResources, quotaWords, usedText } from '../kernel/quota.ts'

export type QuotaDelta = Partial<Record<QuotaResource, number>>

/** The owner that stands in the place of a project id, for resources that are counted for each user. */
export const userOwner = (userId: string): string => `user:${userId}`

/**
 * Takes `delta` from the project's quota in the transaction that makes the row (R5), by one
 * conditional update of each resource, so that no race can exceed a limit. Throws quota_exceeded.
 * Resources are locked in one fixed order, so that two callers cannot deadlock. `limitsOf` is the
 * project whose limits hold for a resource that is counted for each user (key pairs).
 */
export async function reserveQuota(
  ctx: Ctx,
  projectId: string,
  delta: QuotaDelta,
  limitsOf = projectId,
): Promise<void> {
  invariant(ctx.db !== ctx.deps.root, 'reserveQuota outside a transaction')
  for (const resource of Object.keys(delta)) quotaWords(resource as QuotaResource)
  const wishes = quotaResources().flatMap((resource, position) => {
    const amount = delta[resource] ?? 0
    invariant(Number.isInteger(amount) && amount >= 0, `quota delta ${resource}=${amount}`)
    return amount === 0 ? [] : [{ resource, amount, position }]
  })
  if (wishes.length === 0) return
  const rows = await ctx.db.$queryRaw<{ resource: string }[]>(Prisma.sql`
    WITH wish AS (
      SELECT w."resource", w."amount", w."position", COALESCE(l."limit", d."limit", w."limit") AS "limit"
      FROM (VALUES ${Prisma.join(wishes.map(({ resource, amount, position }) => Prisma.sql`(${resource}, ${amount}::int, ${position}::int, ${quotaWords(resource).limit}::int)`))})
        AS w ("resource", "amount", "position", "limit")
      LEFT JOIN "QuotaLimit" l ON l."projectId" = ${limitsOf} AND l."resource" = w."resource"
      LEFT JOIN "QuotaDefault" d ON d."resource" = w."resource")
    INSERT INTO "QuotaUsage" ("projectId", "resource", "used")
    SELECT ${projectId}, "resource", "amount" FROM wish WHERE "limit" < 0 OR "amount" <= "limit" ORDER BY "position"
    ON CONFLICT ("projectId", "resource") DO UPDATE SET "used" = "QuotaUsage"."used" + EXCLUDED."used"
    WHERE EXISTS (SELECT 1 FROM wish WHERE wish."resource" = EXCLUDED."resource"
      AND (wish."limit" < 0 OR "QuotaUsage"."used" + EXCLUDED."used" <= wish."limit"))
    RETURNING "resource"`)
  const missing = wishes.find((wish) => !rows.some((row) => row.resource === wish.resource))
  if (missing) throw await exceeded(ctx, { counted: projectId, limitsOf }, missing.resource, missing.amount)
}

/** Gives `delta` back to the quota. The use never becomes negative; the reconciler corrects wrong counters. */
export async function releaseQuota(ctx: Ctx, projectId: string, delta: QuotaDelta): Promise<void> {
  const given = quotaResources().flatMap((resource, position) => {
    const amount = delta[resource] ?? 0
    return amount === 0 ? [] : [{ resource, amount, position }]
  })
  if (given.length === 0) return
  // The counters are locked in the order in which reserveQuota locks them.
  await ctx.db.$executeRaw`
    UPDATE "QuotaUsage" u SET "used" = GREATEST(u."used" - h."amount", 0)
    FROM (
      SELECT q."resource", w."amount" FROM jsonb_to_recordset(${JSON.stringify(given)}::jsonb)
        AS w ("resource" text, "amount" int, "position" int)
      JOIN "QuotaUsage" q ON q."projectId" = ${projectId} AND q."resource" = w."resource"
      ORDER BY w."position" FOR NO KEY UPDATE OF q
    ) h WHERE u."projectId" = ${projectId} AND u."resource" = h."resource"`
}

/** All resources with limit and use. For resources that are counted for each user, the use is that of `userId`. */
export async function quotaOf(ctx: Ctx, projectId: string, userId?: string): Promise<QuotaView[]> {
  return (await readFacts(ctx, { quota: quotaFact(projectId, userId) })).quota
}

/** The fact for the same answer, for callers that read more in the same statement. */
export function quotaFact(projectId: string, userId?: string): Fact<QuotaView[]> {
  const owner = userId === undefined ? projectId : userOwner(userId)
  return {
    sql: Prisma.sql`SELECT jsonb_build_object(
      'defaults', (SELECT jsonb_object_agg("resource", "limit") FROM "QuotaDefault"),
      'limits', (SELECT jsonb_object_agg("resource", "limit") FROM "QuotaLimit" WHERE "projectId" = ${projectId}),
      'used', (SELECT jsonb_object_agg("resource", "used") FROM "QuotaUsage" WHERE "projectId" = ${projectId}),
      'own', (SELECT jsonb_object_agg("resource", "used") FROM "QuotaUsage" WHERE "projectId" = ${owner}))`,
    read(value) {
      type Amounts = Partial<Record<QuotaResource, number>> | null
      const { defaults, limits, used, own } = value as Record<'defaults' | 'limits' | 'used' | 'own', Amounts>
      return quotaResources().map((resource) => ({
        resource,
        limit: limits?.[resource] ?? defaults?.[resource] ?? quotaWords(resource).limit,
        used: (quotaWords(resource).of === 'user' ? own : used)?.[resource] ?? 0,
      }))
    },
  }
}

/** The present defaults: those that we ship, overridden by those of administrators. */
export async function quotaDefaultsOf(ctx: Ctx): Promise<Record<QuotaResource, number>> {
  const rows = await ctx.db.quotaDefault.findMany()
  const own = new Map(rows.map((row) => [row.resource, row.limit]))
  return recordOf((resource) => own.get(resource) ?? quotaWords(resource).limit)
}
const recordOf = (value: (resource: QuotaResource) => number) =>
  Object.fromEntries(quotaResources().map((resource) => [resource, value(resource)])) as Record<
    QuotaResource,
    number
  >

/** The sentence that says why `delta` does not fit into the quota now; null when it fits. For plans. */
export function quotaShortfall(quota: readonly QuotaView[], delta: QuotaDelta): string | null {
  for (const q of quota) {
    const amount = delta[q.resource] ?? 0
    if (amount > 0 && q.limit >= 0 && q.used + amount > q.limit)
      return overText(q.resource, amount, q.limit, q.used)
  }
  return null
}

async function exceeded(
  ctx: Ctx,
  { counted, limitsOf }: { counted: string; limitsOf: string },
  resource: QuotaResource,
  amount: number,
) {
  const of = async (id: string) => (await quotaOf(ctx, id)).find((q) => q.resource === resource)
  const [limits, usage] = [await of(limitsOf), await of(counted)]
  return new CloudError('quota_exceeded', overText(resource, amount, limits?.limit ?? 0, usage?.used ?? 0), {
    detail: `quota ${resource} of ${counted}`,
    reason: resource,
  })
}

/** Where there is nothing, nothing can be deleted. */
function overText(resource: QuotaResource, amount: number, limit: number, used: number): string {
  const help = `${used > 0 ? 'Delete something or ask' : 'Ask'} an administrator for more.`
  return `Quota exceeded: this needs ${moreText(resource, amount)}, and ${usedText(resource, used, limit)} are in use. ${help}`
}

/** Deletes limits and counters of empty projects, in the transaction that deletes the projects. */
export async function forgetQuota(tx: Ctx, projectIds: readonly string[]): Promise<void> {
  const where = { projectId: { in: [...projectIds] } }
  await tx.db.quotaLimit.deleteMany({ where })
  await tx.db.quotaUsage.deleteMany({ where })
}
