import { type Ctx, inTransaction } from '../kernel/context.ts'
import type { QuotaResource } from '../kernel/contract.ts'
import { defineReconciler } from '../kernel/reconciler.ts'

const counted: { resource: QuotaResource; table: string }[] = [
  { resource: 'networks', table: 'Network' },
  { resource: 'subnets', table: 'Subnet' },
  { resource: 'ports', table: 'Port' },
  { resource: 'routers', table: 'Router' },
  { resource: 'floatingIps', table: 'FloatingIp' },
  { resource: 'securityGroups', table: 'SecurityGroup' },
  { resource: 'securityGroupRules', table: 'SecurityGroupRule' },
]

/**
 * Proves the quota counters against the rows, a resource at a time. The counters are held before the
 * rows are counted: a reservation that is under way would otherwise be counted out again.
 */
export async function proveQuota(ctx: Ctx): Promise<void> {
  for (const { resource, table } of counted)
    await inTransaction(ctx, async (tx) => {
      await tx.db.$executeRaw`SELECT 1 FROM "QuotaUsage" WHERE "resource" = ${resource} FOR UPDATE`
      await tx.db.$executeRawUnsafe(
        `UPDATE "QuotaUsage" q SET "used" = c.n FROM (
           SELECT u."projectId" AS p, count(t."id")::int AS n FROM "QuotaUsage" u LEFT JOIN "${table}" t ON t."projectId" = u."projectId"
           WHERE u."resource" = $1 GROUP BY 1) c
         WHERE q."projectId" = c.p AND q."resource" = $1 AND q."used" <> c.n`,
        resource,
      )
    })
}

defineReconciler({ name: 'networking.quota', everyMs: 300_000, run: proveQuota })
