import { Prisma } from '@stratolith/db'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import type { QuotaName, QuotaResource } from '../kernel/contract.ts'
import { isPart, quotaResources, quotaWords, wholeOf } from '../kernel/quota.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { userOwner } from './service.ts'

export const quotaProof: Reconciler = { name: 'quota.proof', everyMs: 300_000, run: proveUsage }

/** Compares the counters with the rows that they count, and corrects wrong counters. */
export async function proveUsage(ctx: Ctx): Promise<void> {
  for (const resource of quotaResources()) {
    if (!quotaWords(resource).rows) continue
    try {
      for (const owner of await suspects(ctx, resource)) await correct(ctx, resource, owner)
      for (const { owner, name } of await suspectParts(ctx, resource)) await correct(ctx, name, owner)
    } catch (error) {
      ctx.log.error({ err: error, resource }, 'a quota counter could not be proved')
    }
  }
}

/** The owners whose counters differ from their rows. A reservation that is under way may look like a difference, too. */
async function suspects(ctx: Ctx, resource: QuotaResource): Promise<string[]> {
  const found = await ctx.db.$queryRaw<{ owner: string }[]>`
    SELECT u."projectId" AS "owner" FROM "QuotaUsage" u
    LEFT JOIN (SELECT "owner", sum("n")::int AS "n" FROM (${amounts(resource)}) a GROUP BY 1) c ON c."owner" = u."projectId"
    WHERE u."resource" = ${resource} AND u."used" <> COALESCE(c."n", 0)`
  return found.map((row) => row.owner)
}

/** The same for the parts of a resource. A counter may be missing: earlier versions of the cloud counted no parts. */
async function suspectParts(
  ctx: Ctx,
  resource: QuotaResource,
): Promise<{ owner: string; name: QuotaName }[]> {
  if (![quotaWords(resource).rows ?? []].flat().some(({ part }) => part)) return []
  return ctx.db.$queryRaw`
    SELECT COALESCE(u."projectId", c."owner") AS "owner", COALESCE(u."resource", c."resource") AS "name"
    FROM (SELECT * FROM "QuotaUsage" WHERE "resource" LIKE ${`${resource}:%`}) u
    FULL JOIN (SELECT "owner", "resource", sum("n")::int AS "n" FROM (${amounts(resource, { inParts: true })}) a
      GROUP BY 1, 2) c ON c."owner" = u."projectId" AND c."resource" = u."resource"
    WHERE COALESCE(u."used", 0) <> COALESCE(c."n", 0)`
}

/** Corrects a counter. While the counter is locked, no transaction can be between writing a row and its counter. */
async function correct(ctx: Ctx, resource: QuotaName, owner: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    if (isPart(resource))
      await tx.db.$executeRaw`
        INSERT INTO "QuotaUsage" ("projectId", "resource") VALUES (${owner}, ${resource}) ON CONFLICT DO NOTHING`
    const where = Prisma.sql`"projectId" = ${owner} AND "resource" = ${resource}`
    await tx.db.$queryRaw`SELECT 1 FROM "QuotaUsage" WHERE ${where} FOR UPDATE`
    const corrected = await tx.db.$queryRaw<{ used: number }[]>`
      UPDATE "QuotaUsage" SET "used" = c."n"
      FROM (SELECT COALESCE(sum("n"), 0)::int AS "n" FROM (${amounts(wholeOf(resource), { owner, inParts: isPart(resource) })}) a
        WHERE "resource" = ${resource}) c
      WHERE ${where} AND "used" <> c."n" RETURNING "used"`
    for (const { used } of corrected) tx.log.warn({ owner, resource, used }, 'a quota counter was corrected')
  })
}

/**
 * SQL for the sum of the counted rows of each table and each owner, or of one owner; of the whole resource, or of each of
 * its parts. The names of the tables are constants in a room.ts.
 */
function amounts(
  resource: QuotaResource,
  { owner, inParts = false }: { owner?: string; inParts?: boolean } = {},
): Prisma.Sql {
  const { rows = [], of } = quotaWords(resource)
  const column = Prisma.raw(of === 'user' ? '"userId"' : '"projectId"')
  const prefix = of === 'user' ? userOwner('') : ''
  const mine = owner === undefined ? Prisma.empty : Prisma.sql` AND ${column} = ${owner.slice(prefix.length)}`
  const counted = [rows].flat().filter(({ inPartsOnly }) => inParts || inPartsOnly !== true)
  const tables = counted.map(
    ({ table, amount, only, part }) => Prisma.sql`
      SELECT ${prefix}::text || ${column} AS "owner", ${resource}::text || ${inParts && part ? Prisma.sql`':' || ${part}` : Prisma.sql`''`} AS "resource",
        sum(${amount ?? Prisma.sql`1`}) AS "n"
      FROM ${Prisma.raw(`"${table}"`)} WHERE ${only ?? Prisma.sql`true`}${mine} GROUP BY 1, 2`,
  )
  return Prisma.join(tables, ' UNION ALL ')
}
