import { type Ctx, visible } from '../kernel/context.ts'
import { conflict, notFound } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import { instances } from './instances.ts'

/** Where a new volume is to lie, as OpenStack's scheduler hints say. */
export type PlaceHints = {
  /** In the pool of one of these volumes. */
  sameAs: readonly string[]
  /** In the pool of none of these volumes. */
  differentFrom: readonly string[]
  /** In a pool of the machine on which this instance is. */
  nearInstance?: string
}

/** The same in the words of the scheduler: ids of pools and of a host. */
export type Near = { pools?: ReadonlySet<string>; notPools: ReadonlySet<string>; hostId?: string }

/** Throws not_found for a volume or an instance that the caller may not see, and conflict for an instance without a machine. */
export async function nearOf(ctx: Ctx, hints: PlaceHints): Promise<Near> {
  const same = await poolsOf(ctx, hints.sameAs)
  const near: Near = { notPools: await poolsOf(ctx, hints.differentFrom) }
  if (hints.sameAs.length > 0) near.pools = same
  if (hints.nearInstance === undefined) return near
  const hostId = await instances().hostOf(ctx, hints.nearInstance)
  if (hostId === null) throw conflict('The instance is on no machine yet. Wait until it is there.')
  return { ...near, hostId }
}

async function poolsOf(ctx: Ctx, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const where = { id: { in: [...ids] }, trashedUntil: null, ...visible(ctx) }
  const rows = ids.length > 0 ? await ctx.db.volume.findMany({ where }) : []
  for (const row of rows) authorize(ctx, 'volume:get', row)
  const missing = ids.find((id) => !rows.some((row) => row.id === id))
  if (missing !== undefined) throw notFound('volume', missing)
  return new Set(rows.map(({ poolId }) => poolId))
}

/** Whether a pool is near enough. A disk of a machine on which no volume was made has no row yet. */
export const isNear = (
  pool: { row: { id: string } | null; hostId: string | null },
  { pools, notPools, hostId }: Near,
): boolean =>
  (pools === undefined || (pool.row !== null && pools.has(pool.row.id))) &&
  (pool.row === null || !notPools.has(pool.row.id)) &&
  (hostId === undefined || pool.hostId === hostId)
