import { Prisma } from '@stratolith/db'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import type { QuotaResource } from '../kernel/contract.ts'
import { quotaResources, quotaWords } from '../kernel/quota.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { userOwner } from './service.ts'

export const quotaProof: Reconciler = { name: 'quota.proof', everyMs: 300_000, run: proveUsage }

/** Compares the counters with the rows that they count, and corrects wrong counters. */
export async function proveUsage(ctx: Ctx): Promise<void> {
  for (const resource of quotaResources()) {
    if (!quotaWords(resource).rows) continue
    try {
      for (const owner of await suspects(ctx, resource)) await correct(ctx, resource, owner)
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

/** Corrects a counter. While the counter is locked, no transaction can be between writing a row and its counter. */
async function correct(ctx: Ctx, resource: QuotaResource, owner: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const where = Prisma.sql`"projectId" = ${owner} AND "resource" = ${resource}`
    await tx.db.$queryRaw`SELECT 1 FROM "QuotaUsage" WHERE ${where} FOR UPDATE`
    const corrected = await tx.db.$queryRaw<{ used: number }[]>`
      UPDATE "QuotaUsage" SET "used" = c."n"
      FROM (SELECT COALESCE(sum("n"), 0)::int AS "n" FROM (${amounts(resource, owner)}) a) c
      WHERE ${where} AND "used" <> c."n" RETURNING "used"`
    for (const { used } of corrected) tx.log.warn({ owner, resource, used }, 'a quota counter was corrected')
  })
}

/**
 * SQL for the sum of the counted rows of each table and each owner, or of one owner. The names of the tables are constants
 * in a room.ts.
 */
function amounts(resource: QuotaResource, owner?: string): Prisma.Sql {
  const { rows = [], of } = quotaWords(resource)
  const column = Prisma.raw(of === 'user' ? '"userId"' : '"projectId"')
  const prefix = of === 'user' ? userOwner('') : ''
  const mine = owner === undefined ? Prisma.empty : Prisma.sql` AND ${column} = ${owner.slice(prefix.length)}`
  const tables = [rows].flat().map(
    ({ table, amount, only }) => Prisma.sql`
      SELECT ${prefix}::text || ${column} AS "owner", sum(${amount ?? Prisma.sql`1`}) AS "n"
      FROM ${Prisma.raw(`"${table}"`)} WHERE ${only ?? Prisma.sql`true`}${mine} GROUP BY 1`,
  )
  return Prisma.join(tables, ' UNION ALL ')
}
