import { Prisma } from '@stratolith/db'
import type { PoolSpec } from '@stratolith/drivers/volumes/interface'
import { claimHost, giveRoomBack, hostsForPlacement, type PlacementHost } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { CloudError, conflict, invalidInput } from '../kernel/errors.ts'
import type { PlaceWish } from './types/extra-specs.ts'

/** The id of the pool on the disk of each host. */
const local: PoolSpec = { driver: 'files', id: 'local' }

/** Whose host a new volume must be on: that of the instance that is to get it, or of what it is made from. */
type HostOf = 'instance' | 'image' | 'snapshot' | 'volume' | 'backup'

/** What a host must know to reach a pool. */
export const specOf = (_pool: { driver: string }): PoolSpec => local

/**
 * Takes room for a new volume: chooses the host with the most free disk, and returns the pool there and the zone. Call
 * this in the transaction that makes the volume. Throws no_capacity with a sentence when the volume fits nowhere, and
 * invalid_input for a zone that does not exist.
 */
export async function claimPool(
  ctx: Ctx,
  wish: { sizeGib: number; zone?: string; hostId?: string; hostOf?: HostOf; type?: PlaceWish },
): Promise<{ poolId: string; zone: string }> {
  const { sizeGib, zone, hostId, type = {} } = wish
  const hosts = await hostsForPlacement(ctx)
  const asked = hosts.filter((host) => hostId === undefined || host.id === hostId)
  const inZone = asked.filter((host) => zone === undefined || host.zone === zone)
  if (inZone.length === 0 && zone !== undefined) throw invalidInput(`There is no zone ${zone}.`, 'zone')
  const right = suited(inZone, type)
  for (const host of able(right, sizeGib))
    if (await claimHost(ctx, host.id, { vcpus: 0, memoryMib: 0, diskGib: sizeGib }, host.zone))
      return { poolId: await poolOn(ctx, host), zone: host.zone }
  throw new CloudError('no_capacity', whyNot(right, wish))
}

/** Returns the sentence why a new volume of that size and type fits nowhere at the moment; null when it fits. */
export async function whyNoRoom(
  ctx: Ctx,
  { sizeGib, type }: { sizeGib: number; type: PlaceWish },
): Promise<string | null> {
  const hosts = suited(await hostsForPlacement(ctx), type)
  return able(hosts, sizeGib).length > 0 ? null : whyNot(hosts, { sizeGib, type })
}

/** The machines on whose pools volumes of such a type may lie. */
const suited = (hosts: readonly PlacementHost[], { backend, pool, zones }: PlaceWish): PlacementHost[] =>
  hosts.filter((host) => {
    const names = [local.id, poolName(host)]
    return (
      (backend === undefined || names.includes(backend)) &&
      (pool === undefined || names.includes(pool)) &&
      (zones === undefined || zones.includes(host.zone))
    )
  })

const isBound = (type: PlaceWish): boolean => Object.values(type).some((wish) => wish !== undefined)
const nowhere =
  'Volumes of this type may lie on none of the machines that are asked for. Choose another type or zone.'

/**
 * The host on which an instance must be to get a new volume of such a type: the one with the most room among those that
 * the type allows; null when every host will do. `fixed`: the host of what the volume is made from. Throws conflict when
 * no host is right.
 */
export async function hostForType(ctx: Ctx, type: PlaceWish, fixed: string | null): Promise<string | null> {
  if (!isBound(type)) return fixed
  const hosts = await hostsForPlacement(ctx)
  const right = suited(hosts, type)
  const [best] = able(right, 0).filter(({ id }) => fixed === null || id === fixed)
  if (!best) throw conflict(nowhere)
  return fixed === null && right.length === hosts.length ? null : best.id
}

/** Returns the sentence why a pool does not have so much more room at the moment; null when it has the room. */
export async function whyNoMore(
  ctx: Ctx,
  pool: { hostId: string | null },
  diskGib: number,
): Promise<string | null> {
  if (pool.hostId === null) return null
  const hosts = await hostsForPlacement(ctx)
  const own = hosts.filter(({ id }) => id === pool.hostId)
  return able(own, diskGib).length > 0 ? null : noMore(diskGib)
}

/** The machines that have so much room, the one with the most room first. */
const able = (hosts: readonly PlacementHost[], sizeGib: number): PlacementHost[] =>
  hosts
    .filter((host) => host.state === 'up' && host.enabled && freeOf(host) >= sizeGib)
    .sort((a, b) => freeOf(b) - freeOf(a))

const noMore = (diskGib: number) => `The machine of the volume has no ${diskGib} GiB more.`

/** Takes more room in the pool of a volume. Throws no_capacity when there is not enough. */
export async function claimMore(ctx: Ctx, pool: { hostId: string | null }, diskGib: number): Promise<void> {
  if (pool.hostId === null) return
  if (await claimHost(ctx, pool.hostId, { vcpus: 0, memoryMib: 0, diskGib })) return
  throw new CloudError('no_capacity', noMore(diskGib))
}

/** Gives room in a pool back that is not taken any more. */
export async function giveBack(ctx: Ctx, pool: { hostId: string | null }, diskGib: number): Promise<void> {
  if (pool.hostId !== null) await giveRoomBack(ctx, pool.hostId, { vcpus: 0, memoryMib: 0, diskGib })
}

/** What volumes and snapshots take of the room of hosts. */
export const roomOfVolumes = [
  Prisma.sql`
    SELECT p."hostId", 0 AS "vcpus", 0 AS "memoryMib", v."reservedGib" AS "diskGib"
    FROM "Volume" v JOIN "VolumePool" p ON p."id" = v."poolId" WHERE p."hostId" IS NOT NULL`,
  Prisma.sql`
    SELECT p."hostId", 0 AS "vcpus", 0 AS "memoryMib", s."sizeGib" AS "diskGib"
    FROM "VolumeSnapshot" s JOIN "VolumePool" p ON p."id" = s."poolId" WHERE p."hostId" IS NOT NULL`,
]

/** Refuses the deletion of a host whose store has backups. */
export async function backupsOnHost(ctx: Ctx, hostId: string): Promise<string | null> {
  const count = await ctx.db.volumeBackup.count({ where: { hostId } })
  return count === 0
    ? null
    : `${count} backups of volumes lie in the store of this host, those counted that are deleted and can be taken back. Delete them for good first.`
}

/** Refuses the deletion of a host that has volumes. A snapshot keeps its volume, so that it needs no words of its own. */
export async function volumesOnHost(ctx: Ctx, hostId: string): Promise<string | null> {
  const count = await ctx.db.volume.count({ where: { pool: { hostId } } })
  return count === 0
    ? null
    : `${count} volumes lie on the disk of this host, those counted that are deleted and can be taken back. Delete them for good first.`
}

/** The name of the pool on that host's disk, as Cinder writes it. */
export const poolName = (host: { name: string }): string => `${host.name}@${local.id}`
const freeOf = ({ diskGib }: PlacementHost) => diskGib.total - diskGib.used

function whyNot(
  hosts: readonly PlacementHost[],
  {
    sizeGib,
    hostId,
    hostOf = 'instance',
    type = {},
  }: { sizeGib: number; hostId?: string; hostOf?: HostOf; type?: PlaceWish },
): string {
  if (hosts.length === 0 && isBound(type)) return nowhere
  const up = hosts.filter((host) => host.state === 'up' && host.enabled)
  if (up.length === 0) return 'No machine takes volumes at the moment. Ask an administrator.'
  const most = Math.max(0, ...up.map(freeOf))
  if (hostId !== undefined)
    return `The machine of the ${hostOf} has ${most} GiB free, so that a volume of ${sizeGib} GiB does not fit there.`
  return `A volume of ${sizeGib} GiB fits on no machine: at most ${most} GiB are free on one.`
}

/** The pool on that host's disk, which is written down when its first volume is made. */
export async function poolOn(ctx: Ctx, host: { id: string; name: string }): Promise<string> {
  await ctx.db.$executeRaw`
    INSERT INTO "VolumePool" ("id", "name", "driver", "hostId") VALUES (${crypto.randomUUID()}::uuid, ${poolName(host)},
      ${local.driver}, ${host.id}::uuid) ON CONFLICT DO NOTHING`
  const { id } = await ctx.db.volumePool.findUniqueOrThrow({
    where: { hostId: host.id },
    select: { id: true },
  })
  return id
}
