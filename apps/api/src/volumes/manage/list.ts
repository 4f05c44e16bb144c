import { hostsForPlacement } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { plainOp, whileAnswering } from '../../kernel/hosts.ts'
import { authorize } from '../../kernel/policy.ts'
import { buriedAmong } from '../../kernel/tombstones.ts'
import { driversOfPool } from '../driver.ts'
import { type Candidate, candidatesOf } from '../pools/candidates.ts'
import { localPool } from '../pools/drivers.ts'
import type { ReachedPool } from '../pools/reach.ts'
import type { Manageable } from './contract.ts'

/** What lies in a pool, with and without a row. Administrators take over what has none, or leave it alone. */

const gib = 1024 ** 3
const answerMs = 20_000

/** The pool of that name; Cinder's name of a pool may have a second part. Throws not_found for a name that no pool has. */
export async function poolNamed(ctx: Ctx, name: string): Promise<Candidate> {
  const [hosts, rows] = await Promise.all([hostsForPlacement(ctx), ctx.db.volumePool.findMany()])
  const found = candidatesOf(hosts, rows).find((one) => one.name === name.split('#')[0])
  if (!found) throw notFound('volume pool', name)
  return found
}

/** The disk of a host is a pool also before it has a row. */
export const reachedPool = (pool: Candidate): ReachedPool =>
  pool.row ?? {
    ...{ id: '', name: pool.name, driver: localPool.driver, config: {}, secrets: null, shared: false },
    capacityGib: null,
    ...{ hostId: pool.hostId, zone: null },
  }

export async function manageableVolumes(ctx: Ctx, input: { pool: string }): Promise<Manageable[]> {
  authorize(ctx, 'volume:manage')
  const pool = await poolNamed(ctx, input.pool)
  const { drivers, pool: spec } = await driversOfPool(ctx, reachedPool(pool))
  const found = await whileAnswering(plainOp(ctx, answerMs), drivers, (op) =>
    drivers.volumes.listVolumes(op, spec),
  )
  const ids = found.map(({ id }) => id)
  const rows = await ctx.db.volume.findMany({ where: { id: { in: ids } }, select: { id: true } })
  const judge = await judgeOf(ctx, 'volume', rows, ids)
  // What a move that is under way has copied so far may stand beside a volume of the same id.
  const all = found.filter((one) => one.isPart !== true)
  return all.map(({ id, sizeBytes, guest, movedTo, encrypted }) => {
    const moved = movedTo === undefined ? null : 'It was moved to another pool, and is no volume any more.'
    const sealed = encrypted ? 'It is encrypted, and the cloud does not have its key any more.' : null
    const problem = judge(id, sizeBytes) ?? moved ?? sealed ?? (guest ? `The guest ${guest} has it.` : null)
    const isKnown = rows.some((row) => row.id === id)
    return { ...sizedAs(sizeBytes), id, volumeId: null, quiesced: null, isKnown, problem }
  })
}

export async function manageableSnapshots(ctx: Ctx, input: { pool: string }): Promise<Manageable[]> {
  authorize(ctx, 'volumeSnapshot:manage')
  const pool = await poolNamed(ctx, input.pool)
  const { drivers, pool: spec } = await driversOfPool(ctx, reachedPool(pool))
  const found = await whileAnswering(plainOp(ctx, answerMs), drivers, (op) =>
    drivers.volumes.listSnapshots(op, spec),
  )
  const ids = found.map(({ id }) => id)
  const [rows, volumes] = await Promise.all([
    ctx.db.volumeSnapshot.findMany({ where: { id: { in: ids } }, select: { id: true } }),
    ctx.db.volume.findMany({
      where: { id: { in: found.map(({ volumeId }) => volumeId) }, trashedUntil: null },
      select: { id: true },
    }),
  ])
  const judge = await judgeOf(ctx, 'volumeSnapshot', rows, ids)
  const withRow = new Set(volumes.map(({ id }) => id))
  return found.map(({ id, sizeBytes, volumeId, quiesced }) => {
    const homeless = withRow.has(volumeId)
      ? null
      : 'The cloud does not know its volume: take that over first.'
    const problem = judge(id, sizeBytes) ?? homeless
    const isKnown = rows.some((row) => row.id === id)
    return { ...sizedAs(sizeBytes), id, volumeId, quiesced, isKnown, problem }
  })
}

const sizedAs = (sizeBytes: number) => ({ sizeGib: Math.ceil(sizeBytes / gib) })

/** The reasons that volumes and snapshots have in common. */
async function judgeOf(
  ctx: Ctx,
  kind: 'volume' | 'volumeSnapshot',
  rows: readonly { id: string }[],
  ids: readonly string[],
): Promise<(id: string, sizeBytes: number) => string | null> {
  const known = new Set(rows.map(({ id }) => id))
  const buried = await buriedAmong(ctx, kind, ids)
  return (id, sizeBytes) => {
    if (known.has(id)) return 'The cloud knows it already.'
    if (buried.has(id)) return 'It was deleted, and its data are being removed.'
    return sizeBytes % gib === 0 ? null : 'Its size is no whole number of GiB.'
  }
}
