import type { Ctx } from '../kernel/context.ts'
import type { QuotaResource } from '../kernel/contract.ts'
import { driversOf, plainOp } from '../kernel/hosts.ts'
import { defineReconciler } from '../kernel/reconciler.ts'
import { allHosts, applyPort, applyRouter } from './apply.ts'

/** A resource younger than this may be in the middle of its workflow. */
const graceMs = 60_000

/** Every port, router and network of a host has its row, and every bound row is on its host. */
defineReconciler({
  name: 'networking.hosts',
  everyMs: 30_000,
  async run(ctx) {
    for (const hostId of await allHosts(ctx))
      await reconcileHost(ctx, hostId).catch((error) =>
        ctx.log.warn({ err: error, hostId }, 'host could not be reconciled'),
      )
  },
})

export async function reconcileHost(ctx: Ctx, hostId: string): Promise<void> {
  const { network } = await driversOf(ctx, hostId)
  const op = plainOp(ctx, 60_000)
  const observed = await network.list(op)
  const [ports, routers, networks] = await Promise.all([
    ctx.db.port.findMany({
      where: { hostId },
      select: { id: true, networkId: true, createdAt: true, deviceId: true, state: true },
    }),
    ctx.db.router.findMany({ where: { id: { in: observed.routers } }, select: { id: true } }),
    ctx.db.network.findMany({ where: { id: { in: observed.networks } }, select: { id: true } }),
  ])
  const known = new Set(ports.map((port) => port.id))
  const unbound = new Set(
    (
      await ctx.db.port.findMany({
        where: { id: { in: observed.ports.map((p) => p.id) } },
        select: { id: true },
      })
    ).map((p) => p.id),
  )
  for (const port of observed.ports)
    if (!known.has(port.id) && !unbound.has(port.id))
      await attempt(ctx, `port ${port.id}`, () => network.removePort(op, port.id))
  const knownRouters = new Set(routers.map((router) => router.id))
  for (const id of observed.routers)
    if (!knownRouters.has(id)) await attempt(ctx, `router ${id}`, () => network.removeRouter(op, id))
  const knownNetworks = new Set(networks.map((row) => row.id))
  for (const id of observed.networks)
    if (!knownNetworks.has(id)) await attempt(ctx, `network ${id}`, () => network.removeNetwork(op, id))
  const there = new Set(observed.ports.map((port) => port.id))
  const busy = await busyInstances(
    ctx,
    ports.map((port) => port.deviceId),
  )
  for (const port of ports) {
    if (there.has(port.id) || Date.now() - port.createdAt.getTime() < graceMs || busy.has(port.deviceId))
      continue
    await attempt(ctx, `port ${port.id}`, () => applyPort(ctx, op, port.id))
  }
  const wanted = await ctx.db.port.findMany({
    where: {
      deviceOwner: 'network:router_interface',
      networkId: { in: [...new Set(ports.map((port) => port.networkId))] },
    },
    select: { deviceId: true },
    distinct: ['deviceId'],
  })
  const present = new Set(observed.routers)
  for (const { deviceId } of wanted)
    if (!present.has(deviceId)) await attempt(ctx, `router ${deviceId}`, () => applyRouter(ctx, op, deviceId))
}

/** Instances with an operation under way: their workflow is at their ports. */
async function busyInstances(ctx: Ctx, ids: readonly string[]): Promise<Set<string>> {
  const rows = await ctx.db.operation.findMany({
    where: {
      resourceKind: 'instance',
      resourceId: { in: [...new Set(ids)] },
      state: { in: ['queued', 'running', 'undoing'] },
    },
    select: { resourceId: true },
    distinct: ['resourceId'],
  })
  return new Set(rows.map((row) => row.resourceId))
}

/** One that fails does not stop the others (catalogue A09.3). */
async function attempt(ctx: Ctx, what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
    ctx.log.info({ what }, 'reconciled')
  } catch (error) {
    ctx.log.warn({ err: error, what }, 'could not be reconciled')
  }
}

const counted: { resource: QuotaResource; table: string }[] = [
  { resource: 'networks', table: 'Network' },
  { resource: 'subnets', table: 'Subnet' },
  { resource: 'ports', table: 'Port' },
  { resource: 'routers', table: 'Router' },
  { resource: 'floatingIps', table: 'FloatingIp' },
  { resource: 'securityGroups', table: 'SecurityGroup' },
  { resource: 'securityGroupRules', table: 'SecurityGroupRule' },
]

/** Proves the quota counters against the rows, one statement a table. */
defineReconciler({
  name: 'networking.quota',
  everyMs: 300_000,
  async run(ctx) {
    for (const { resource, table } of counted)
      await ctx.db.$executeRawUnsafe(
        `UPDATE "QuotaUsage" q SET "used" = c.n FROM (
           SELECT u."projectId" AS p, count(t."id")::int AS n FROM "QuotaUsage" u LEFT JOIN "${table}" t ON t."projectId" = u."projectId"
           WHERE u."resource" = $1 GROUP BY 1) c
         WHERE q."projectId" = c.p AND q."resource" = $1 AND q."used" <> c.n`,
        resource,
      )
  },
})
