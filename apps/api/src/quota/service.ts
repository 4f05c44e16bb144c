import { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import type { QuotaName, QuotaResource, QuotaView } from '../kernel/contract.ts'
import { CloudError, invariant } from '../kernel/errors.ts'
import { type Fact, readFacts } from '../kernel/facts.ts'
import {
  inLockOrder,
  isPart,
  moreText,
  quotaResources,
  quotaText,
  quotaWords,
  usedText,
  wholeOf,
} from '../kernel/quota.ts'

export type QuotaDelta = Partial<Record<QuotaName, number>>

/** The owner that stands in the place of a project id, for resources that are counted for each user. */
export const userOwner = (userId: string): string => `user:${userId}`

/**
 * Takes `delta` from the project's quota in the transaction that makes the row (R5), by one
 * conditional update of each resource, so that no race can exceed a limit. Throws quota_exceeded.
 * Resources are locked in one fixed order, so that two callers cannot deadlock. `limitsOf` is the
 * project whose limits hold for a resource that is counted for each user (key pairs). The limit of each thing is
 * compared with the amount alone.
 */
export async function reserveQuota(
  ctx: Ctx,
  projectId: string,
  delta: QuotaDelta,
  limitsOf = projectId,
): Promise<void> {
  invariant(ctx.db !== ctx.deps.root, 'reserveQuota outside a transaction')
  const wishes = wishesOf(delta)
  for (const { resource, amount } of wishes)
    invariant(Number.isInteger(amount) && amount >= 0, `quota delta ${resource}=${amount}`)
  if (wishes.length === 0) return
  const rows = await ctx.db.$queryRaw<{ resource: string }[]>(Prisma.sql`
    WITH wish AS (
      SELECT w."resource", w."amount", w."position", w."each", COALESCE(l."limit", d."limit", w."limit") AS "limit"
      FROM (VALUES ${Prisma.join(wishes.map(({ resource, amount, position }) => Prisma.sql`(${resource}, ${amount}::int, ${position}::int, ${isEach(resource)}::bool, ${shippedLimit(resource)}::int)`))})
        AS w ("resource", "amount", "position", "each", "limit")
      LEFT JOIN "QuotaLimit" l ON l."projectId" = ${limitsOf} AND l."resource" = w."resource"
      LEFT JOIN "QuotaDefault" d ON d."resource" = w."resource"),
    fits AS (SELECT * FROM wish WHERE "limit" < 0 OR "amount" <= "limit"),
    taken AS (
      INSERT INTO "QuotaUsage" ("projectId", "resource", "used")
      SELECT ${projectId}, "resource", "amount" FROM fits WHERE NOT "each" ORDER BY "position"
      ON CONFLICT ("projectId", "resource") DO UPDATE SET "used" = "QuotaUsage"."used" + EXCLUDED."used"
      WHERE EXISTS (SELECT 1 FROM wish WHERE wish."resource" = EXCLUDED."resource"
        AND (wish."limit" < 0 OR "QuotaUsage"."used" + EXCLUDED."used" <= wish."limit"))
      RETURNING "resource")
    SELECT "resource" FROM taken UNION ALL SELECT "resource" FROM fits WHERE "each"`)
  const missing = wishes.find((wish) => !rows.some((row) => row.resource === wish.resource))
  if (missing) throw await exceeded(ctx, { counted: projectId, limitsOf }, missing.resource, missing.amount)
}

const isEach = (name: QuotaName): boolean => quotaWords(wholeOf(name)).each === true
/** A part has no limit of its own unless an administrator sets one. */
const shippedLimit = (name: QuotaName): number => (isPart(name) ? -1 : quotaWords(name).limit)

/** The counters that a delta changes, in the order of their locks. */
const wishesOf = (delta: QuotaDelta): { resource: QuotaName; amount: number; position: number }[] =>
  inLockOrder(Object.keys(delta) as QuotaName[]).flatMap((resource, position) => {
    const amount = delta[resource] ?? 0
    return amount === 0 ? [] : [{ resource, amount, position }]
  })

/** Gives `delta` back to the quota. The use never becomes negative; the reconciler corrects wrong counters. */
export async function releaseQuota(ctx: Ctx, projectId: string, delta: QuotaDelta): Promise<void> {
  const given = wishesOf(delta)
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

type Amounts = Partial<Record<QuotaName, number>>
/** The limits and counters of these parts of resources, such as the volumes of one type. */
export async function partsOf(
  ctx: Ctx,
  projectId: string,
  names: readonly QuotaName[],
): Promise<{ resource: QuotaName; limit: number; used: number }[]> {
  const [row = { limits: null, used: null }] = await ctx.db.$queryRaw<
    { limits: Amounts | null; used: Amounts | null }[]
  >`
    SELECT (SELECT jsonb_object_agg("resource", "limit") FROM "QuotaLimit"
        WHERE "projectId" = ${projectId} AND "resource" = ANY(${[...names]})) AS "limits",
      (SELECT jsonb_object_agg("resource", "used") FROM "QuotaUsage"
        WHERE "projectId" = ${projectId} AND "resource" = ANY(${[...names]})) AS "used"`
  const defaults = await partDefaultsOf(ctx, names)
  return names.map((resource) => ({
    resource,
    limit: row.limits?.[resource] ?? defaults.get(resource) ?? shippedLimit(resource),
    used: row.used?.[resource] ?? 0,
  }))
}

/** The default limits of those parts that have any. */
export async function partDefaultsOf(
  ctx: Ctx,
  names: readonly QuotaName[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await ctx.db.quotaDefault.findMany({ where: { resource: { in: [...names] } } })
  return new Map(rows.map((row) => [row.resource, row.limit]))
}

/** Deletes the limits and counters of parts that nobody can have any more, in the transaction that deletes them. */
export async function forgetParts(tx: Ctx, names: readonly QuotaName[]): Promise<void> {
  const where = { resource: { in: [...names] } }
  await tx.db.quotaDefault.deleteMany({ where })
  await tx.db.quotaLimit.deleteMany({ where })
  await tx.db.quotaUsage.deleteMany({ where })
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
export function quotaShortfall(
  quota: readonly { resource: QuotaName; limit: number; used: number }[],
  delta: QuotaDelta,
): string | null {
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
  resource: QuotaName,
  amount: number,
) {
  const of = async (id: string) =>
    isPart(resource)
      ? (await partsOf(ctx, id, [resource]))[0]
      : (await quotaOf(ctx, id)).find((q) => q.resource === resource)
  const [limits, usage] = [await of(limitsOf), await of(counted)]
  return new CloudError('quota_exceeded', overText(resource, amount, limits?.limit ?? 0, usage?.used ?? 0), {
    detail: `quota ${resource} of ${counted}`,
    reason: wholeOf(resource),
  })
}

/** Where there is nothing, nothing can be deleted. */
function overText(resource: QuotaName, amount: number, limit: number, used: number): string {
  if (isEach(resource))
    return `Quota exceeded: the project may have at most ${quotaText(wholeOf(resource), limit)}, and this needs ${amount}. Ask an administrator for more.`
  const help = `${used > 0 ? 'Delete something or ask' : 'Ask'} an administrator for more.`
  return `Quota exceeded: this needs ${moreText(resource, amount)}, and ${usedText(resource, used, limit)} are in use. ${help}`
}

/** Deletes limits and counters of empty projects, in the transaction that deletes the projects. */
export async function forgetQuota(tx: Ctx, projectIds: readonly string[]): Promise<void> {
  const where = { projectId: { in: [...projectIds] } }
  await tx.db.quotaLimit.deleteMany({ where })
  await tx.db.quotaUsage.deleteMany({ where })
}
