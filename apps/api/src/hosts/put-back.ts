import type { HostDrivers } from '@stratolith/drivers/host'
import type { InstanceSpec } from '@stratolith/drivers/hypervisor/interface'
import type { RecordedPort } from '@stratolith/drivers/network/interface'
import type { Op } from '@stratolith/drivers/op'
import type { KeptGuest } from '@stratolith/drivers/storage/interface'
import type { Ctx } from '../kernel/context.ts'

type Told = { spec: InstanceSpec; ports: RecordedPort[] }
/** What a host knows of a guest, as it is kept in the trash. */
export const guestText = (told: Told): string => JSON.stringify(told)

/**
 * Makes a guest again, stopped, of what was kept beside its disk: it is unknown as it was before it was
 * removed, and can be adopted. A port comes back when nobody has got its number or its addresses meanwhile.
 */
export async function putBackGuest(ctx: Ctx, op: Op, drivers: HostDrivers, kept: KeptGuest): Promise<void> {
  const { hypervisor, network } = drivers
  // checked like every description, by its host
  const { spec, ports } = JSON.parse(kept.told) as Told
  if (await hypervisor.get(op, spec.id)) return
  if ((await ctx.db.instance.count({ where: { id: spec.id } })) > 0) return
  await hypervisor.ensure(op, { ...spec, power: 'off' })
  const there = new Set((await network.list(op)).networks)
  for (const recorded of ports) {
    const about = { instanceId: spec.id, portId: recorded.port.id }
    try {
      if (!(await isFree(ctx, recorded, there))) {
        ctx.log.warn(about, 'a port was not put back: its place is taken')
        continue
      }
      // A network that is there is as its row says; what was kept of it may be older.
      if (!there.has(recorded.network.id)) await network.ensureNetwork(op, recorded.network)
      there.add(recorded.network.id)
      await network.ensurePort(op, recorded.port)
    } catch (error) {
      ctx.log.warn({ err: error, ...about }, 'a port was not put back')
    }
  }
}

async function isFree(
  ctx: Ctx,
  { port, network }: RecordedPort,
  there: ReadonlySet<string>,
): Promise<boolean> {
  const taken = await Promise.all([
    ctx.db.port.count({ where: { OR: [{ tag: port.tag }, { id: port.id }] } }),
    ctx.db.network.count({ where: { tag: network.tag, id: { not: network.id } } }),
    // one that has a row and is not on this host: its row is newer than what was kept
    there.has(network.id) ? 0 : ctx.db.network.count({ where: { id: network.id } }),
    ...port.addresses.flatMap(({ subnetId, ip }) => [
      ctx.db.portAddress.count({ where: { subnetId, address: ip } }),
      ctx.db.heldAddress.count({ where: { subnetId, address: ip } }),
    ]),
  ])
  return taken.every((count) => count === 0)
}
