import { Prisma } from '@stratolith/db'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import type { QuotaResource } from '../kernel/contract.ts'
import { type QuotaWords, quotaResources, quotaWords } from '../kernel/quota.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { userOwner } from './service.ts'

export const quotaProof: Reconciler = { name: 'quota.proof', everyMs: 300_000, run: proveUsage }

/** Compares the counters with the rows that they count, and corrects wrong counters. */
export async function proveUsage(ctx: Ctx): Promise<void> {
  for (const resource of quotaResources()) {
    const { rows, of } = quotaWords(resource)
    if (!rows) continue
    try {
      for (const owner of await suspects(ctx, resource, rows, of)) await correct(ctx, resource, owner)
    } catch (error) {
      ctx.log.error({ err: error, resource }, 'a quota counter could not be proved')
    }
  }
}

/** The owners whose counters differ from their rows. A reservation that is under way may look like a difference, too. */
async function suspects(
  ctx: Ctx,
  resource: QuotaResource,
  rows: NonNullable<QuotaWords['rows']>,
  of: QuotaWords['of'],
): Promise<string[]> {
  const owner = of === 'user' ? Prisma.sql`${userOwner('')}::text || "userId"` : Prisma.sql`"projectId"`
  const found = await ctx.db.$queryRaw<{ owner: string }[]>`
    SELECT u."projectId" AS "owner" FROM "QuotaUsage" u
    LEFT JOIN (SELECT ${owner} AS "owner", ${sumOf(rows)} AS "n" FROM ${counted(rows)} GROUP BY 1) c ON c."owner" = u."projectId"
    WHERE u."resource" = ${resource} AND u."used" <> COALESCE(c."n", 0)`
  return found.map((row) => row.owner)
}

/** Corrects a counter. While the counter is locked, no transaction can be between writing a row and its counter. */
async function correct(ctx: Ctx, resource: QuotaResource, owner: string): Promise<void> {
  const { rows, of } = quotaWords(resource)
  if (!rows) return
  const mine =
    of === 'user'
      ? Prisma.sql`"userId" = ${owner.slice(userOwner('').length)}`
      : Prisma.sql`"projectId" = ${owner}`
  await inTransaction(ctx, async (tx) => {
    const where = Prisma.sql`"projectId" = ${owner} AND "resource" = ${resource}`
    await tx.db.$queryRaw`SELECT 1 FROM "QuotaUsage" WHERE ${where} FOR UPDATE`
    const corrected = await tx.db.$queryRaw<{ used: number }[]>`
      UPDATE "QuotaUsage" SET "used" = c."n" FROM (SELECT ${sumOf(rows)} AS "n" FROM ${counted(rows)} AND ${mine}) c
      WHERE ${where} AND "used" <> c."n" RETURNING "used"`
    for (const { used } of corrected) tx.log.warn({ owner, resource, used }, 'a quota counter was corrected')
  })
}

const sumOf = ({ amount }: NonNullable<QuotaWords['rows']>) =>
  Prisma.sql`COALESCE(sum(${amount ?? Prisma.sql`1`}), 0)::int`
/** The FROM and WHERE of the counted rows; the name of the table is a constant in a room.ts. */
const counted = ({ table, only }: NonNullable<QuotaWords['rows']>) =>
  Prisma.sql`${Prisma.raw(`"${table}"`)} WHERE ${only ?? Prisma.sql`true`}`
