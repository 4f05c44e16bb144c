import type { HostDrivers } from '@stratolith/drivers/host'
import type { ObservedInstance } from '@stratolith/drivers/hypervisor/interface'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { plainOp } from '../kernel/hosts.ts'
import { defineReconciler } from '../kernel/reconciler.ts'
import { keepFor } from '../kernel/retention.ts'
import { dropOldTokens } from './consoles/service.ts'
import { typed } from './instances/load.ts'
import { adopt, isIdle } from './observe.ts'

const everyMs = 20_000

defineReconciler({ name: 'compute.guests', everyMs, run: reconcileHosts })
keepFor({
  name: 'past instances',
  days: (config) => config.keep.pastInstancesDays,
  table: 'PastInstance',
  column: 'terminatedAt',
})
defineReconciler({ name: 'compute.usage', everyMs: 60_000, run: proveUsage })
defineReconciler({
  name: 'compute.console-tokens',
  everyMs: 60_000,
  run: async (ctx) => {
    await dropOldTokens(ctx)
  },
})

/** Every host that answers: its guests and disks against the rows. One that fails is tried next time. */
export async function reconcileHosts(ctx: Ctx): Promise<void> {
  const hosts = await ctx.db.host.findMany({
    where: { state: 'up' },
    select: { id: true, name: true, endpoint: true },
  })
  await Promise.all(
    hosts.map((host) =>
      reconcileHost(ctx, host.id, ctx.deps.hosts.at(host.endpoint)).catch((error) =>
        ctx.log.warn({ err: error, host: host.name }, 'host could not be reconciled'),
      ),
    ),
  )
}

/**
 * The rows whose state may be corrected are read before the host is asked, so that an action in
 * between raises their generation and wins. The rows that protect a guest are read after: an
 * instance that is launched in between has a row before its guest appears.
 */
async function reconcileHost(ctx: Ctx, hostId: string, drivers: HostDrivers): Promise<void> {
  const here = await ctx.db.instance.findMany({ where: { hostId } })
  const [guests, disks] = await Promise.all([
    drivers.hypervisor.list(plainOp(ctx)),
    drivers.storage.listDisks(plainOp(ctx)),
  ])
  const ids = [...new Set([...guests.map((g) => g.id), ...disks.map((d) => d.instanceId)])]
  const known = await ctx.db.instance.findMany({
    where: { id: { in: ids } },
    select: { id: true, hostId: true },
  })
  const homeOf = new Map(known.map((row) => [row.id, row.hostId]))
  const stranger = (id: string) => homeOf.get(id) !== hostId
  for (const guest of guests) {
    if (!stranger(guest.id) || (await busyElsewhere(ctx, guest.id))) continue
    ctx.log.warn({ hostId, instanceId: guest.id }, 'removing a guest that has no row')
    await drivers.hypervisor.remove(plainOp(ctx), guest.id)
  }
  for (const disk of disks) {
    if (!stranger(disk.instanceId) || (await busyElsewhere(ctx, disk.instanceId))) continue
    ctx.log.warn({ hostId, diskId: disk.id }, 'removing a disk that has no row')
    await drivers.storage.removeDisk(plainOp(ctx), disk.id)
  }
  const byId = new Map<string, ObservedInstance>(guests.map((guest) => [guest.id, guest]))
  for (const row of here.map(typed)) if (isIdle(row)) await adopt(ctx, row, byId.get(row.id) ?? null)
}

/** An operation that still runs cleans up after itself; it must not find its work gone. */
async function busyElsewhere(ctx: Ctx, instanceId: string): Promise<boolean> {
  const running = await ctx.db.operation.count({
    where: {
      resourceKind: 'instance',
      resourceId: instanceId,
      state: { in: ['queued', 'running', 'undoing'] },
    },
  })
  return running > 0
}

/** Proves what projects use against the instances that are there, and corrects it. */
export async function proveUsage(ctx: Ctx): Promise<void> {
  const suspects = await ctx.db.$queryRaw<{ projectId: string }[]>`
    SELECT DISTINCT u."projectId" FROM "QuotaUsage" u LEFT JOIN (
      SELECT "projectId", count(*) AS n, sum("vcpus") AS v, sum("memoryMib") AS m FROM "Instance" GROUP BY "projectId"
    ) i ON i."projectId" = u."projectId"
    WHERE u."resource" IN ('instances', 'vcpus', 'memoryMib') AND u."used" <> COALESCE(
      CASE u."resource" WHEN 'instances' THEN i.n WHEN 'vcpus' THEN i.v ELSE i.m END, 0)`
  for (const { projectId } of suspects) await correctUsage(ctx, projectId)
}

/** With the counters locked no launch or delete of this project is between row and counter. */
async function correctUsage(ctx: Ctx, projectId: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "QuotaUsage" WHERE "projectId" = ${projectId}
      AND "resource" IN ('instances', 'vcpus', 'memoryMib') ORDER BY "resource" FOR UPDATE`
    const sum = await tx.db.instance.aggregate({
      where: { projectId },
      _count: true,
      _sum: { vcpus: true, memoryMib: true },
    })
    const proven = { instances: sum._count, vcpus: sum._sum.vcpus ?? 0, memoryMib: sum._sum.memoryMib ?? 0 }
    for (const [resource, used] of Object.entries(proven)) {
      const { count } = await tx.db.quotaUsage.updateMany({
        where: { projectId, resource, used: { not: used } },
        data: { used },
      })
      if (count > 0) tx.log.warn({ projectId, resource, used }, 'usage counter corrected')
    }
  })
}
