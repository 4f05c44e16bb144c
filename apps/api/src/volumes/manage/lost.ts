import type { z } from 'zod'
import type { Ctx } from '../../kernel/context.ts'
import { plainOp, whileAnswering } from '../../kernel/hosts.ts'
import { authorize } from '../../kernel/policy.ts'
import { driversOfPool } from '../driver.ts'
import type { VolumeState } from '../states.ts'
import type { Lost, LostThings, manageableInput } from './contract.ts'
import { poolNamed } from './list.ts'

const answerMs = 20_000
/** How many are told, and how many rows are read at once. */
const mostShown = 100
const atOnce = 10_000

/** The states of what has its data in its pool: it was made, and is neither moved nor removed now. */
const lying: VolumeState[] = [
  ...(['available', 'reserved', 'attaching', 'in-use', 'detaching', 'extending', 'error_extending'] as const),
  ...(['awaiting-transfer', 'uploading', 'backing-up', 'reverting', 'error_restoring'] as const),
]
const lyingSnapshots = ['available', 'backing-up', 'restoring']

/**
 * What does not lie in the pool where its row says, such as what was deleted after the backup of the database that was
 * restored. For administrators; a machine is asked.
 */
export async function lostIn(ctx: Ctx, input: z.output<typeof manageableInput>): Promise<LostThings> {
  authorize(ctx, 'volume:manage')
  const { row: pool } = await poolNamed(ctx, input.pool)
  // Nothing was made yet on this disk.
  if (!pool) return { total: 0, items: [] }
  const kinds = kindsIn(ctx, pool.id)
  // The rows are read before the machine is asked, so that what is made in between is not missed there.
  const known = await Promise.all(kinds.map(({ read }) => read()))
  const { drivers, pool: spec } = await driversOfPool(ctx, pool)
  const found = await whileAnswering(plainOp(ctx, answerMs), drivers, async (op) => [
    // What a move has copied so far, or has left, is no volume.
    (await drivers.volumes.listVolumes(op, spec)).filter(
      ({ isPart, movedTo }) => isPart !== true && movedTo === undefined,
    ),
    await drivers.volumes.listSnapshots(op, spec),
  ])
  const items: Lost[] = []
  for (const [index, { kind, read }] of kinds.entries()) {
    const there = new Set(found[index]?.map(({ id }) => id))
    const missing = (known[index] ?? []).flatMap(({ id }) => (there.has(id) ? [] : id))
    // What was deleted in between is not lost.
    for (let from = 0; from < missing.length; from += atOnce)
      for (const row of await read(missing.slice(from, from + atOnce))) items.push({ kind, ...row })
  }
  return { total: items.length, items: items.slice(0, mostShown) }
}

/** How the rows of each kind are read whose data lie in the pool: all of them, or those with these ids. */
function kindsIn(ctx: Ctx, poolId: string) {
  const select = { id: true, name: true, projectId: true, sizeGib: true, state: true } as const
  // Nobody misses what is deleted, either.
  const here = { poolId, trashedUntil: null }
  const among = (ids?: readonly string[]) => (ids ? { id: { in: [...ids] } } : {})
  return [
    {
      kind: 'volume' as const,
      read: (ids?: readonly string[]) =>
        ctx.db.volume.findMany({ where: { ...here, state: { in: lying }, ...among(ids) }, select }),
    },
    {
      kind: 'volumeSnapshot' as const,
      read: (ids?: readonly string[]) =>
        ctx.db.volumeSnapshot.findMany({
          where: { ...here, state: { in: lyingSnapshots }, ...among(ids) },
          select,
        }),
    },
  ]
}
