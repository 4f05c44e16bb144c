import type { z } from 'zod'
import { hostsForPlacement, namesOf } from '../../hosts/service.ts'
import { busyAmong } from '../../kernel/busy.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation, startOperation } from '../../kernel/workflow.ts'
import { type VolumeView, volumeCan, type volumeMoveInput, type volumeRetypeInput } from '../contract.ts'
import { whyCopied } from '../needed.ts'
import { able, type Candidate, candidatesOf, free, whyUnsuited } from '../pools/candidates.ts'
import { specOfPlace } from '../pools/drivers.ts'
import { claimed, reaches } from '../pools.ts'
import { type VolumeRow, withParts } from '../queries.ts'
import { demand, historyOf, loadVolume, lockVolume, noteVolume, viewOfOne } from '../row.ts'
import { isMultiattach, type PlaceWish } from '../types/extra-specs.ts'
import { placeWishOf, specsOf, type TypeRow } from '../types/row.ts'
import { typeFor } from '../types/service.ts'
import { countUnder, countWanted } from './quota.ts'

/** What the workflow of a move knows. `usedOn`: the host of the instance that had the volume when the move began. */
export type MoveInput = { poolId: string; typeId?: string; from: string; usedOn?: string }

/**
 * Gives a volume another type. When the new type does not allow the volume's pool, the volume moves to one that it allows,
 * if `migrate` says so. Throws conflict with the reason when that is not possible, and the old type stays.
 */
export async function retypeVolume(
  ctx: Ctx,
  { id, type: named, migrate }: z.output<typeof volumeRetypeInput>,
): Promise<VolumeView> {
  const row = await inTransaction(ctx, async (tx) => {
    const before = await lockVolume(tx, 'volume:retype', id)
    const type = await typeFor(tx, named)
    demand(volumeCan.retype, before)
    if (type.id === before.typeId)
      throw invalidInput(`The volume has the type ${type.name} already.`, 'newType')
    if (isMultiattach(specsOf(type)) !== before.multiattach)
      throw conflict(
        'Whether several instances may have a volume is decided when it is made: choose a type that agrees.',
      )
    if ((type.encryptionId !== null) !== (before.keyId !== null))
      throw conflict(
        'A plain volume does not become encrypted, nor an encrypted one plain. Make another volume, and copy the data in a guest.',
        'volumeState',
      )
    const wish = placeWishOf(type)
    const all = await everyPool(tx)
    const own = poolOf(all, before)
    if (own && whyUnsuited(own, wish) === null) return changeType(tx, before, type)
    if (migrate === 'never')
      throw conflict(
        `Volumes of the type ${type.name} lie in other pools, and the volume must not be moved. Allow that, or choose another type.`,
        'volumeState',
      )
    const right = all.filter((one) => one.row?.id !== before.poolId && whyUnsuited(one, wish) === null)
    const user = await userOf(tx, before)
    const others = right.filter((one) => whyNotCopied(own, one, user) === null)
    const why = right[0] && others.length === 0 ? whyNotCopied(own, right[0], user) : null
    if (why !== null) throw new CloudError('no_capacity', why)
    return begin(tx, before, others, type)
  })
  return viewOfOne(ctx, row)
}

async function changeType(tx: Ctx, before: VolumeRow, type: TypeRow): Promise<VolumeRow> {
  await countUnder(tx, before, type.id)
  const row = await tx.db.volume.update({
    where: { id: before.id },
    data: { typeId: type.id },
    include: withParts,
  })
  await recordOperation(tx, historyOf(row, 'volume.retype'))
  await noteVolume(tx, row, 'updated')
  return row
}

/** Moves a volume to another pool that its type allows. For administrators. */
export async function moveVolume(
  ctx: Ctx,
  { id, pool: name }: z.output<typeof volumeMoveInput>,
): Promise<VolumeView> {
  authorize(ctx, 'volume:migrate')
  const row = await inTransaction(ctx, async (tx) => {
    const before = await lockVolume(tx, 'volume:migrate', id)
    demand(volumeCan.move, before)
    const all = await everyPool(tx)
    const target = all.find((one) => one.name === name)
    if (!target) throw invalidInput(`There is no pool ${name}.`, 'pool')
    if (target.row?.id === before.poolId) throw invalidInput('The volume lies in this pool already.', 'pool')
    const why = whyNotInto(before, { own: poolOf(all, before), user: await userOf(tx, before) }, target)
    if (why !== null) throw conflict(why, 'volumeState')
    return begin(tx, before, [target])
  })
  return viewOfOne(ctx, row)
}

/** The pools to which an administrator can move a volume, and why the others will not do. */
export async function planMove(
  ctx: Ctx,
  { id }: { id: string },
): Promise<{ pool: string; problem: string | null }[]> {
  authorize(ctx, 'volumePool:list')
  const row = await loadVolume(ctx, 'volume:migrate', id)
  const all = await everyPool(ctx)
  const at = { own: poolOf(all, row), user: await userOf(ctx, row) }
  const stays = await whyStays(ctx, row.id)
  return all
    .filter((one) => one.row?.id !== row.poolId)
    .map((one) => ({ pool: one.name, problem: stays ?? whyNotInto(row, at, one) }))
}

const busyVolumes = busyAmong('volume')
/** Why a volume moves into no pool at the moment; null when nothing keeps it. */
async function whyStays(ctx: Ctx, id: string): Promise<string | null> {
  if ((await ctx.db.volumeSnapshot.count({ where: { volumeId: id } })) > 0)
    return 'A volume with snapshots does not move to another pool. Delete its snapshots first.'
  // An earlier move still removes the old data from the pool to which the volume might go back.
  if ((await busyVolumes(ctx, [id])).has(id))
    return 'Something is still being done to this volume. Wait until that is over.'
  return whyCopied(ctx, id)
}

const everyPool = async (ctx: Ctx): Promise<Candidate[]> =>
  candidatesOf(await hostsForPlacement(ctx), await ctx.db.volumePool.findMany({ orderBy: { name: 'asc' } }))

const poolOf = (all: readonly Candidate[], { poolId }: VolumeRow): Candidate | undefined =>
  all.find(({ row }) => row?.id === poolId)

/** The host of the instance that has the volume; null when none has it. */
type User = { id: string; zone: string; isOff: boolean } | null
async function userOf(ctx: Ctx, { attachments }: VolumeRow): Promise<User> {
  const one = attachments.find(({ hostId }) => hostId !== null)
  const host = (await hostsForPlacement(ctx)).find(({ id }) => id === one?.hostId)
  if (!one || !host) return null
  const instance = (await namesOf(ctx, 'instance', [one.instanceId])).get(one.instanceId)
  return { id: host.id, zone: host.zone, isOff: instance?.isOff === true }
}

/** Why a volume cannot be moved into the pool; null when it can. */
function whyNotInto(
  row: VolumeRow,
  { own, user }: { own: Candidate | undefined; user: User },
  target: Candidate,
): string | null {
  const wish: PlaceWish = placeWishOf(row.type)
  const unsuited = whyUnsuited(target, wish)
  if (unsuited !== null) return `${unsuited} Change the type of the volume first.`
  const notCopied = whyNotCopied(own, target, user)
  if (notCopied !== null) return notCopied
  if (target.closed !== null) return target.closed
  return free(target) >= row.reservedGib
    ? null
    : `It has ${free(target)} GiB free, and the volume needs ${row.reservedGib} GiB.`
}

/** Whether a machine reaches both pools. */
function haveHostInCommon(a: Candidate | undefined, b: Candidate): boolean {
  if (a?.hostId != null && b.hostId !== null) return a.hostId === b.hostId
  return a?.zones.some((zone) => b.zones.includes(zone)) ?? false
}

/**
 * Why no machine can copy a volume from the one pool into the other; null when one can. The guest's QEMU copies a volume
 * that an instance has, so that its machine must reach both.
 */
function whyNotCopied(own: Candidate | undefined, target: Candidate, user: User): string | null {
  if (!own || !haveHostInCommon(own, target))
    return 'No machine reaches both pools, so that none can copy the volume.'
  // The guest's QEMU copies, and there is none.
  if (user?.isOff)
    return 'The instance that has the volume is off. Start the instance, or detach the volume first.'
  if (user && !reaches(target, user))
    return 'The machine of the instance that has the volume does not reach the pool. Detach the volume first.'
  if (user && [own, target].some(({ driver }) => driver !== 'files'))
    return 'A volume that an instance has moves between pools of files alone. Detach it first.'
  if (own.driver === 'rbd' && target.driver === 'rbd' && !areInOneCluster(own, target))
    return 'The pools are not reached as the same user of the same Ceph cluster, so that no machine copies the volume. Move it into a pool of files first.'
  return null
}

/** A cluster is known by its monitors, of which each pool may name others. */
function areInOneCluster(a: Candidate, b: Candidate): boolean {
  const [one, other] = [a, b].map(({ row }) => (row ? specOfPlace(row) : null))
  if (one?.driver !== 'rbd' || other?.driver !== 'rbd') return false
  return one.user === other.user && one.monitors.some((monitor) => other.monitors.includes(monitor))
}

/** Takes room in the best of the pools and begins the move, under the lock of the volume's row. */
async function begin(
  tx: Ctx,
  before: VolumeRow,
  pools: readonly Candidate[],
  type?: TypeRow,
): Promise<VolumeRow> {
  demand(volumeCan.move, before)
  const why = await whyStays(tx, before.id)
  if (why !== null) throw conflict(why, 'volumeState')
  if (type) {
    // Whoever deletes the type waits, and finds the volume.
    const isThere = await tx.db.$queryRaw<unknown[]>`
      SELECT 1 FROM "VolumeType" WHERE "id" = ${type.id}::uuid FOR KEY SHARE`
    if (isThere.length === 0) throw notFound('volume type', type.name)
    await countWanted(tx, before, type.id)
  }
  for (const one of able(pools, before.reservedGib)) {
    const poolId = await claimed(tx, one, before.reservedGib)
    if (poolId === null) continue
    const data = {
      ...{ state: type ? 'retyping' : 'maintenance', movingToId: poolId, migrationStatus: 'migrating' },
      wantedTypeId: type?.id ?? null,
    }
    const row = await tx.db.volume.update({ where: { id: before.id }, data, include: withParts })
    const user = before.attachments.find(({ hostId }) => hostId !== null)?.hostId ?? undefined
    const input = {
      ...{ poolId, from: before.poolId },
      ...(type ? { typeId: type.id } : {}),
      ...(user === undefined ? {} : { usedOn: user }),
    } satisfies MoveInput
    const action = type ? 'volume.retype' : 'volume.migrate'
    await startOperation(tx, {
      ...historyOf(row, action),
      hostId: before.pool.hostId ?? one.hostId ?? user,
      input,
    })
    await noteVolume(tx, row, 'updated')
    return row
  }
  throw new CloudError(
    'no_capacity',
    pools.length === 0
      ? 'No machine reaches both the pool of the volume and one that the type allows.'
      : `None of the pools that are right for it has ${before.reservedGib} GiB free.`,
  )
}
