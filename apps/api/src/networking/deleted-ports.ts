import type { NetworkDriver, PortSpec } from '@stratolith/drivers/network/interface'
import type { Op } from '@stratolith/drivers/op'
import type { Ctx } from '../kernel/context.ts'
import { buriedAmong } from '../kernel/tombstones.ts'

/**
 * Ports of this host that were deleted while it was down and still have an address of `wish`, which is
 * free by the rows: the next port may have it before the reconciler comes by. No others, and none of
 * another instance that an operation is at work on. Returns how many were removed.
 */
export async function removeDeleted(
  ctx: Ctx,
  op: Op,
  driver: NetworkDriver,
  hostId: string,
  wish: PortSpec,
): Promise<number> {
  // The host first, the rows after: so whatever is on it has had its row by then.
  const observed = (await driver.list(op)).ports.filter((port) => port.id !== wish.id)
  const found = observed.map((port) => port.id)
  const here = await ctx.deps.root.port.findMany({
    where: { id: { in: found }, hostId },
    select: { id: true },
  })
  const known = new Set(here.map((row) => row.id))
  const strangers = found.filter((id) => !known.has(id))
  const deleted = await buriedAmong(ctx, 'port', strangers, hostId)
  const owners = new Set(observed.flatMap((port) => (deleted.has(port.id) ? [port.instanceId] : [])))
  const others = [...owners].filter((id) => id !== wish.instanceId)
  const busy = await busyInstances(ctx, others)
  let removed = 0
  for (const instanceId of owners) {
    if (instanceId === '' || busy.has(instanceId)) continue
    for (const { port } of await driver.describePorts(op, instanceId)) {
      if (!deleted.has(port.id) || !conflicts(port, wish)) continue
      ctx.log.warn({ portId: port.id }, 'removing a port that was deleted')
      await driver.removePort(op, port.id)
      removed++
    }
  }
  return removed
}

const conflicts = (port: PortSpec, wish: PortSpec): boolean =>
  port.networkId === wish.networkId &&
  (port.mac === wish.mac || port.addresses.some(({ ip }) => wish.addresses.some((one) => one.ip === ip)))

/** Instances with an operation under way: their workflow is at their ports. */
export async function busyInstances(ctx: Ctx, ids: readonly string[]): Promise<Set<string>> {
  const rows = await ctx.deps.root.operation.findMany({
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
