import type { HostDrivers } from '@stratolith/drivers/host'
import type { Op } from '@stratolith/drivers/op'
import pLimit from 'p-limit'
import { hostsUp, sweep } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { plainOp, whileAnswering } from '../kernel/hosts.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { buriedAmong, laidToRest } from '../kernel/tombstones.ts'
import { specOf } from './pools.ts'

const hostsAtOnce = 16
const pool = specOf({ driver: 'files' })

/**
 * Removes the data of deleted volumes and snapshots that a host still has, such as after a restored backup. Volumes that no row knows
 * and nobody has deleted are left alone.
 */
export const volumeLeftovers: Reconciler = {
  name: 'volumes.leftovers',
  everyMs: 60_000,
  async run(ctx) {
    await pLimit(hostsAtOnce).map(await hostsUp(ctx), (host) =>
      removeLeftovers(ctx, host).catch((error) =>
        ctx.log.warn({ err: error, host: host.name }, 'the volumes of a host could not be compared'),
      ),
    )
  },
}

/** A kind of things that lie in pools. */
type Kept = {
  kind: 'volume' | 'volumeSnapshot'
  list(op: Op, drivers: HostDrivers): Promise<{ id: string }[]>
  remove(op: Op, drivers: HostDrivers, id: string): Promise<void>
  /** Those of the ids that a row knows. */
  known(ctx: Ctx, ids: readonly string[]): Promise<{ id: string }[]>
}
const kinds: Kept[] = [
  {
    kind: 'volumeSnapshot',
    list: (op, drivers) => drivers.volumes.listSnapshots(op, pool),
    remove: (op, drivers, id) => drivers.volumes.removeSnapshot(op, { id, pool }),
    known: (ctx, ids) =>
      ctx.db.volumeSnapshot.findMany({ where: { id: { in: [...ids] } }, select: { id: true } }),
  },
  {
    kind: 'volume',
    list: (op, drivers) => drivers.volumes.listVolumes(op, pool),
    remove: (op, drivers, id) => drivers.volumes.removeVolume(op, { id, pool }),
    known: (ctx, ids) => ctx.db.volume.findMany({ where: { id: { in: [...ids] } }, select: { id: true } }),
  },
]

type Host = { id: string; name: string; endpoint: string }

async function removeLeftovers(ctx: Ctx, host: Host): Promise<void> {
  const drivers = ctx.deps.hosts.at(host.endpoint)
  await whileAnswering(plainOp(ctx), drivers, async (op) => {
    // An older agent may know volumes and no snapshots, so a kind that cannot be compared does not stop the next.
    for (const one of kinds)
      await removeKind(ctx, op, host, drivers, one).catch((error) =>
        ctx.log.warn(
          { err: error, host: host.name, kind: one.kind },
          'what a host has could not be compared',
        ),
      )
  })
}

async function removeKind(ctx: Ctx, op: Op, host: Host, drivers: HostDrivers, one: Kept): Promise<void> {
  const { kind, known: knownAmong } = one
  const ids = (await one.list(op, drivers)).map(({ id }) => id)
  // A disk without volumes needs no question.
  const known = new Set((ids.length > 0 ? await knownAmong(ctx, ids) : []).map((row) => row.id))
  const buried = await buriedAmong(ctx, kind, ids, host.id)
  const found = ids.flatMap((id) => (buried.has(id) ? { id } : []))
  const isKnown = async (id: string) => (await knownAmong(ctx, [id])).length > 0
  const look = { hostId: host.id, kind, found, known, buried, isKnown }
  const gone = await sweep(ctx, look, ({ id }) => one.remove(op, drivers, id))
  await laidToRest(
    ctx,
    kind,
    host.id,
    ids.filter((id) => !gone.has(id)),
  )
}
