import pLimit from 'p-limit'
import { hostsUp, sweep } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { plainOp, whileAnswering } from '../kernel/hosts.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { buriedAmong, laidToRest } from '../kernel/tombstones.ts'
import { specOf } from './pools.ts'

const hostsAtOnce = 16

/**
 * Removes the data of deleted volumes that a host still has, such as after a restored backup. Volumes that no row knows
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

async function removeLeftovers(ctx: Ctx, host: { id: string; endpoint: string }): Promise<void> {
  const drivers = ctx.deps.hosts.at(host.endpoint)
  const pool = specOf({ driver: 'files' })
  await whileAnswering(plainOp(ctx), drivers, async (op) => {
    const ids = (await drivers.volumes.listVolumes(op, pool)).map((one) => one.id)
    const known = await knownAmong(ctx, ids)
    const buried = await buriedAmong(ctx, 'volume', ids, host.id)
    const found = ids.flatMap((id) => (buried.has(id) ? { id } : []))
    const isKnown = async (id: string) => (await knownAmong(ctx, [id])).has(id)
    const look = { hostId: host.id, kind: 'volume' as const, found, known, buried, isKnown }
    const gone = await sweep(ctx, look, ({ id }) => drivers.volumes.removeVolume(op, { id, pool }))
    await laidToRest(
      ctx,
      'volume',
      host.id,
      ids.filter((id) => !gone.has(id)),
    )
  })
}

async function knownAmong(ctx: Ctx, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const rows = await ctx.db.volume.findMany({ where: { id: { in: [...ids] } }, select: { id: true } })
  return new Set(rows.map((row) => row.id))
}
