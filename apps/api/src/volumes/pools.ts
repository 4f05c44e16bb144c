import { Prisma, type VolumePoolModel } from '@stratolith/db'
import type { PoolSpec } from '@stratolith/drivers/volumes/interface'
import { claimHost, giveRoomBack, hostsForPlacement, type PlacementHost } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { CloudError, conflict, invalidInput } from '../kernel/errors.ts'
import { isNear, type Near } from './hints.ts'
import {
  able,
  type Candidate,
  candidatesOf,
  free,
  isBound,
  suited,
  whyNot,
  whyUnsuited,
} from './pools/candidates.ts'
import { localPool, specOfPlace, withSecrets } from './pools/drivers.ts'
import { secretsOf } from './pools/secrets.ts'
import type { PlaceWish } from './types/extra-specs.ts'

/** Whose host a new volume must be on: that of the instance that is to get it, or of what it is made from. */
export type HostOf = 'instance' | 'image' | 'snapshot' | 'volume' | 'backup'

type Specified = Pick<VolumePoolModel, 'id' | 'driver' | 'config' | 'shared' | 'capacityGib'>
/** The pool is the disk of a host. */
export const isLocal = (pool: { capacityGib: number | null }): boolean => pool.capacityGib === null

/** What a host must know to reach a pool. Nothing of it is a secret: it stands in documents and in files of hosts. */
export const specOf = (pool: Specified): PoolSpec => (isLocal(pool) ? localPool : specOfPlace(pool))

/** What a call must tell a host of a pool, with the pool's secrets. */
export const callSpecOf = (ctx: Ctx, pool: Specified & Pick<VolumePoolModel, 'name' | 'secrets'>): PoolSpec =>
  withSecrets(specOf(pool), secretsOf(ctx, pool))

/** What is known of the place of a new volume. */
export type PlaceOfNew = {
  sizeGib: number
  zone?: string
  /** The host that must reach the volume. */
  hostId?: string
  hostOf?: HostOf
  /** The pool of what the volume is made from. */
  poolId?: string
  type?: PlaceWish
  /** The hosts of which one must reach the volume; absent: any. */
  among?: readonly At[]
  /** What the caller says about the place. */
  near?: Near
}
type At = { id: string; zone: string }

/**
 * Takes room for a new volume: chooses the pool with the most room among the disks of hosts and then among the other
 * pools, and returns the pool and the zone. Call this in the transaction that makes the volume. Throws no_capacity with a
 * sentence when the volume fits nowhere, and invalid_input for a zone that does not exist.
 */
export async function claimPool(ctx: Ctx, wish: PlaceOfNew): Promise<{ poolId: string; zone: string }> {
  const { sizeGib, zone, type = {} } = wish
  const all = await candidatesFor(ctx, wish)
  if (all.length === 0 && wish.near !== undefined)
    throw new CloudError('no_capacity', 'No pool is where the scheduler hints ask for. Leave them out.')
  if (zone !== undefined && !all.some((one) => one.zones.includes(zone)))
    throw invalidInput(`There is no zone ${zone}.`, 'zone')
  const right = suited(all, type).filter((one) => zone === undefined || one.zones.includes(zone))
  for (const one of able(right, sizeGib)) {
    const poolId = await claimed(ctx, one, sizeGib)
    if (poolId !== null) return { poolId, zone: zone ?? one.zones[0] ?? '' }
  }
  throw new CloudError('no_capacity', whyNot(right, { ...wish, type }))
}

/** The pools that a new volume may lie in as far as its origin and its instance matter. */
async function candidatesFor(ctx: Ctx, { hostId, poolId, among, near }: PlaceOfNew): Promise<Candidate[]> {
  const hosts = await hostsForPlacement(ctx)
  const all = candidatesOf(hosts, await ctx.db.volumePool.findMany({ orderBy: { name: 'asc' } }))
  const at = hosts.find(({ id }) => id === hostId)
  return all
    .filter((one) => poolId === undefined || one.row?.id === poolId)
    .filter((one) => hostId === undefined || one.hostId === hostId || (at !== undefined && reaches(one, at)))
    .filter((one) => near === undefined || isNear(one, near))
    .filter((one) => among === undefined || among.some((host) => reaches(one, host)))
}

/** Takes the room, and returns the id of the pool; null when there is not enough. */
export async function claimed(ctx: Ctx, one: Candidate, sizeGib: number): Promise<string | null> {
  if (!one.local) return (await claimIn(ctx, one.row.id, sizeGib)) ? one.row.id : null
  const { host } = one
  // An administrator may have closed the disk since the pools were read.
  if ((await hostsWithShutDisk(ctx)).includes(host.id)) return null
  const isThere = await claimHost(ctx, host.id, { vcpus: 0, memoryMib: 0, diskGib: sizeGib }, host.zone)
  return isThere ? poolOn(ctx, host) : null
}

/**
 * Takes room in a pool with a capacity of its own; false when there is not enough, when the pool is being removed, or when it
 * is closed and the room is for a new volume.
 */
export async function claimIn(
  ctx: Ctx,
  poolId: string,
  diskGib: number,
  what: 'new' | 'more' = 'new',
): Promise<boolean> {
  const count = await ctx.db.$executeRaw`
    UPDATE "VolumePool" SET "usedGib" = "usedGib" + ${diskGib}::int
    WHERE "id" = ${poolId}::uuid AND "usedGib" + ${diskGib}::int <= floor("capacityGib" * "overcommit")
      AND ("enabled" OR ${what === 'more'}) AND "deletingAt" IS NULL`
  return count > 0
}

/** Returns the sentence why a new volume of that size and type fits nowhere at the moment; null when it fits. */
export async function whyNoRoom(
  ctx: Ctx,
  { sizeGib, type }: { sizeGib: number; type: PlaceWish },
): Promise<string | null> {
  const right = suited(await candidatesFor(ctx, { sizeGib }), type)
  return able(right, sizeGib).length > 0 ? null : whyNot(right, { sizeGib, type })
}

/** Why each of the pools will not take a new volume of that size and type; those that would are left out. */
export async function whyNotEach(
  ctx: Ctx,
  { sizeGib, type }: { sizeGib: number; type: PlaceWish },
): Promise<{ pool: string; problem: string }[]> {
  return (await candidatesFor(ctx, { sizeGib })).flatMap((one) => {
    const full = free(one) >= sizeGib ? null : `It has ${Math.max(0, free(one))} GiB free.`
    const problem = whyUnsuited(one, type) ?? one.closed ?? full
    return problem === null ? [] : { pool: one.name, problem }
  })
}

const nowhere =
  'Volumes of this type may lie in none of the pools that are asked for. Choose another type or zone.'

/** Where the new volumes of a launch lie. */
export type LaunchPlace = {
  /** The host on which the instance must be; null: every host will do. */
  hostId: string | null
  /** The zone in which the instance must be; null: every zone will do. */
  zone: string | null
  /** The pool with a capacity of its own; null: the disk of the instance's host. */
  poolId: string | null
  /** How much is free in that pool; null for the disk of a host, which the placement of instances judges. */
  freeGib: number | null
  /** The hosts on whose disk the volume may not lie, so that the instance may not be there. */
  notOn: readonly string[]
}
/** What is known of the new volumes of a launch. */
export type LaunchPlaceWish = {
  /** The host and the pool of what the volume is made from. */
  fixed: { hostId: string | null; poolId?: string; hostOf?: HostOf }
  /** The hosts on which the instance may be; what a volume is made from has its place all the same. */
  among: readonly At[]
  /** How much a pool with a capacity of its own must have free besides `taken`. */
  roomGib: number
  /** How much earlier volumes of the same launch take in pools. */
  taken: ReadonlyMap<string, number>
}

/**
 * Decides where a new volume of an instance that is launched lies, and so on which host the instance must be: on the disk
 * of the instance's host when the type allows that, and otherwise in the pool with the most room among those that the type
 * allows. Throws conflict when no pool is right, and no_capacity when none of those that are right takes volumes or has
 * the room. Where no host is left for the instance, the place stays undecided: the caller knows why no host is left.
 */
export async function placeForType(
  ctx: Ctx,
  type: PlaceWish,
  { fixed, among, roomGib, taken }: LaunchPlaceWish,
): Promise<LaunchPlace> {
  const onDisk = { zone: null, poolId: null, freeGib: null }
  const notOn = await hostsWithShutDisk(ctx)
  const isOpen = ({ id }: At) => !notOn.includes(id) && [null, id].includes(fixed.hostId)
  if (fixed.poolId === undefined && (among.length === 0 || (!isBound(type) && among.some(isOpen))))
    return { hostId: fixed.hostId, ...onDisk, notOn }
  const place = { hostId: fixed.hostId ?? undefined, poolId: fixed.poolId, hostOf: fixed.hostOf }
  const all = await candidatesFor(ctx, {
    ...{ ...place, sizeGib: roomGib, among: fixed.poolId === undefined ? among : undefined },
  })
  const right = suited(all, type)
  if (right.length === 0) throw conflict(nowhere)
  const open = able(right, Number.NEGATIVE_INFINITY)
  const left = (one: Candidate) => free(one) - (taken.get(one.row?.id ?? '') ?? 0)
  const best = open.find((one) => one.local || left(one) >= roomGib)
  if (!best) throw new CloudError('no_capacity', whyNot(right, { ...place, sizeGib: roomGib, type }))
  if (!best.local) {
    const zone = best.hostId === null ? best.zone : null
    return { hostId: best.hostId, zone, poolId: best.row.id, freeGib: free(best), notOn: [] }
  }
  const locals = (some: readonly Candidate[]) => some.filter((one) => one.local).length
  const isAnywhere = fixed.hostId === null && fixed.poolId === undefined && locals(right) === locals(all)
  return { hostId: isAnywhere ? null : best.hostId, ...onDisk, notOn }
}

/** Returns the sentence why a pool does not have so much more room at the moment; null when it has the room. */
export async function whyNoMore(ctx: Ctx, pool: VolumePoolModel, diskGib: number): Promise<string | null> {
  const all = candidatesOf(await hostsForPlacement(ctx), [
    { ...pool, enabled: pool.enabled || isLocal(pool) },
  ])
  const own = all.find(({ row }) => row?.id === pool.id)
  // A pool that is closed for new volumes still has room for its own.
  const isThere = own !== undefined && free(own) >= diskGib && !(own.local && own.closed !== null)
  return isThere ? null : noMore(diskGib)
}

/** The hosts on whose disks an administrator lets no new volumes lie. */
async function hostsWithShutDisk(ctx: Ctx): Promise<string[]> {
  const where = { capacityGib: null, enabled: false }
  const rows = await ctx.db.volumePool.findMany({ where, select: { hostId: true } })
  return rows.flatMap(({ hostId }) => hostId ?? [])
}

const noMore = (diskGib: number) => `The pool of the volume has no ${diskGib} GiB more.`

/** Takes more room in the pool of a volume. Throws no_capacity when there is not enough. */
export async function claimMore(ctx: Ctx, pool: Held, diskGib: number): Promise<void> {
  const isThere =
    isLocal(pool) && pool.hostId !== null
      ? await claimHost(ctx, pool.hostId, { vcpus: 0, memoryMib: 0, diskGib })
      : await claimIn(ctx, pool.id, diskGib, 'more')
  if (!isThere) throw new CloudError('no_capacity', noMore(diskGib))
}
type Held = Pick<VolumePoolModel, 'id' | 'hostId' | 'capacityGib'>

/** Gives room in a pool back that is not taken any more. */
export async function giveBack(ctx: Ctx, pool: Held, diskGib: number): Promise<void> {
  if (!isLocal(pool))
    await ctx.db.$executeRaw`
      UPDATE "VolumePool" SET "usedGib" = GREATEST(0, "usedGib" - ${diskGib}::int) WHERE "id" = ${pool.id}::uuid`
  else if (pool.hostId !== null) await giveRoomBack(ctx, pool.hostId, { vcpus: 0, memoryMib: 0, diskGib })
}

/** The same by the id of the pool. */
export async function giveBackAt(ctx: Ctx, poolId: string, diskGib: number): Promise<void> {
  const pool = await ctx.db.volumePool.findUnique({ where: { id: poolId } })
  if (pool) await giveBack(ctx, pool, diskGib)
}

/** What volumes and snapshots take of the room of hosts. */
export const roomOfVolumes = [
  Prisma.sql`
    SELECT p."hostId", 0 AS "vcpus", 0 AS "memoryMib", v."reservedGib" AS "diskGib"
    FROM "Volume" v JOIN "VolumePool" p ON p."id" = v."poolId" WHERE p."hostId" IS NOT NULL AND p."capacityGib" IS NULL`,
  // A volume that is being moved has room in both pools.
  Prisma.sql`
    SELECT p."hostId", 0 AS "vcpus", 0 AS "memoryMib", v."reservedGib" AS "diskGib"
    FROM "Volume" v JOIN "VolumePool" p ON p."id" = v."movingToId"
    WHERE v."movingToId" IS NOT NULL AND p."hostId" IS NOT NULL AND p."capacityGib" IS NULL`,
  Prisma.sql`
    SELECT p."hostId", 0 AS "vcpus", 0 AS "memoryMib", s."sizeGib" AS "diskGib"
    FROM "VolumeSnapshot" s JOIN "VolumePool" p ON p."id" = s."poolId" WHERE p."hostId" IS NOT NULL AND p."capacityGib" IS NULL`,
]

/** Refuses the deletion of a host whose store has backups. */
export async function backupsOnHost(ctx: Ctx, hostId: string): Promise<string | null> {
  const count = await ctx.db.volumeBackup.count({ where: { hostId } })
  return count === 0
    ? null
    : `${count} backups of volumes lie in the store of this host, those counted that are deleted and can be taken back. Delete them for good first.`
}

/** Refuses the deletion of a host that has volumes or pools. A snapshot keeps its volume, so that it needs no words of its own. */
export async function volumesOnHost(ctx: Ctx, hostId: string): Promise<string | null> {
  const count = await ctx.db.volume.count({ where: { pool: { hostId } } })
  if (count > 0)
    return `${count} volumes lie on the disk of this host, those counted that are deleted and can be taken back. Delete them for good first.`
  const own = await ctx.db.volumePool.findMany({ where: { hostId }, select: { id: true } })
  const coming = await ctx.db.volume.count({ where: { movingToId: { in: own.map(({ id }) => id) } } })
  if (coming > 0)
    return `${coming === 1 ? 'A volume is' : `${coming} volumes are`} being moved to the disk of this host. Wait until that is over.`
  const pool = await ctx.db.volumePool.findFirst({ where: { hostId, capacityGib: { not: null } } })
  return pool && `The volume pool ${pool.name} is on this host. Remove the pool first.`
}

/** The name of the pool on that host's disk, as Cinder writes it. */
export const poolName = (host: { name: string }): string => `${host.name}@${localPool.id}`

/** Whether a host reaches a pool. */
export const reaches = (
  pool: { hostId: string | null; zone: string | null },
  host: { id: string; zone: string },
): boolean => (pool.hostId === null ? pool.zone === null || pool.zone === host.zone : pool.hostId === host.id)

/** Whether that host reaches a pool; false for no host. */
export async function reachesFrom(
  ctx: Ctx,
  pool: { hostId: string | null; zone: string | null },
  hostId: string | null,
): Promise<boolean> {
  if (hostId === null || (pool.hostId !== null && pool.hostId !== hostId)) return false
  if (pool.hostId !== null || pool.zone === null) return true
  const host = (await hostsForPlacement(ctx)).find(({ id }) => id === hostId)
  return host !== undefined && reaches(pool, host)
}

/**
 * The pool on that host's disk, which is written down when its first volume is made. A host that is registered again
 * under its name gets the pool of the one before, in which no volume was left.
 */
export async function poolOn(ctx: Ctx, host: Pick<PlacementHost, 'id' | 'name'>): Promise<string> {
  const name = poolName(host)
  await ctx.db.$executeRaw`
    INSERT INTO "VolumePool" ("id", "name", "driver", "hostId") VALUES (${crypto.randomUUID()}::uuid, ${name},
      ${localPool.driver}, ${host.id}::uuid)
    ON CONFLICT ("name") DO UPDATE SET "hostId" = EXCLUDED."hostId" WHERE "VolumePool"."hostId" <> EXCLUDED."hostId"`
  return (await ctx.db.volumePool.findUniqueOrThrow({ where: { name }, select: { id: true } })).id
}
