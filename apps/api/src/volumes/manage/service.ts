import type { z } from 'zod'
import { projectExists } from '../../directory/service.ts'
import { asReaderOf, type Ctx, inTransaction, isAdmin, projectOf } from '../../kernel/context.ts'
import { CloudError, conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import { buriedAmong, spared } from '../../kernel/tombstones.ts'
import { recordOperation } from '../../kernel/workflow.ts'
import { releaseQuota, reserveQuota } from '../../quota/service.ts'
import { type VolumeView, volumeCan } from '../contract.ts'
import { sharesData, whyNeeded } from '../needed.ts'
import { claimMore, giveBack, poolOn } from '../pools.ts'
import { withParts } from '../queries.ts'
import { ofType } from '../quota.ts'
import { demand, historyOf, lockVolume, noteVolume, stateOf, viewOfOne } from '../row.ts'
import type { SnapshotView } from '../snapshots/contract.ts'
import { withVolume } from '../snapshots/queries.ts'
import {
  lockSnapshot,
  noteSnapshot,
  snapshotHistory,
  snapshotStateOf,
  snapshotView,
} from '../snapshots/row.ts'
import { said } from '../states.ts'
import { isMultiattach } from '../types/extra-specs.ts'
import { specsOf } from '../types/row.ts'
import { typeFor } from '../types/service.ts'
import type { Manageable, snapshotManageInput, volumeManageInput } from './contract.ts'
import { manageableSnapshots, manageableVolumes, poolNamed } from './list.ts'

/**
 * Volumes and snapshots that lie in a pool are taken over by the cloud, and left to the pool. The name in the pool is
 * the id in the cloud, so that what the cloud has left comes back as what it was.
 */

/** Gives the caller's project, or the named one, a volume that lies in a pool and has no row. */
export async function manageVolume(ctx: Ctx, input: z.output<typeof volumeManageInput>): Promise<VolumeView> {
  const projectId = input.projectId ?? projectOf(ctx)
  // The policy may let others take volumes over, and those take them for their own project.
  if (input.projectId !== undefined && !isAdmin(ctx))
    throw new CloudError('forbidden', 'Only an administrator may name the project that gets the volume.')
  authorize(ctx, 'volume:manage', { projectId })
  if (!(await projectExists(ctx, projectId, 'live')))
    throw invalidInput('There is no such project. Choose the project that gets the volume.', 'projectId')
  const found = manageable(await manageableVolumes(ctx, input), input.ref)
  const { sizeGib } = found
  const place = await poolNamed(ctx, input.pool)
  const row = await inTransaction(ctx, async (tx) => {
    const type = await typeFor(asReaderOf(tx, projectId), input.type)
    // The volume may have several layers, which two guests cannot write.
    if (isMultiattach(specsOf(type)))
      throw conflict('Volumes of this type are made for several instances. Choose another type.')
    if (type.encryptionId !== null)
      throw conflict(
        'Volumes of this type are encrypted, and the cloud has no key of this one. Choose another type.',
      )
    const delta = ofType(type.id, { volumes: 1, volumeGib: sizeGib })
    await reserveQuota(tx, projectId, { ...delta, volumeGibEach: sizeGib })
    const poolId = place.local ? await poolOn(tx, place.host) : place.row.id
    const pool = await tx.db.volumePool.findUniqueOrThrow({ where: { id: poolId } })
    await claimMore(tx, pool, sizeGib)
    const { name, description, bootable, metadata } = input
    const made = await tx.db.volume.create({
      data: {
        ...{ id: found.id, projectId, userId: tx.actor.userId, name, description, bootable, metadata },
        ...{ sizeGib, reservedGib: sizeGib, typeId: type.id, poolId, state: 'available' },
        ...{ zone: place.zone ?? place.zones[0] ?? 'nova', isOriginUnknown: true },
      },
      include: withParts,
    })
    await recordOperation(tx, historyOf(made, 'volume.manage'))
    await noteVolume(tx, made, 'created')
    return made
  })
  return viewOfOne(ctx, row)
}

/** Throws not_found for what does not lie in the pool, conflict with the reason for what cannot be taken over. */
function manageable(all: readonly Manageable[], ref: string): Manageable {
  const found = all.find(({ id }) => id === ref)
  if (!found) throw invalidInput(`Nothing of the name ${ref} lies in this pool.`, 'ref')
  if (found.problem !== null) throw conflict(found.problem)
  return found
}

/** Leaves a volume to its pool: the cloud forgets the volume, whose data stay there. */
export async function unmanageVolume(ctx: Ctx, input: { id: string }): Promise<void> {
  authorize(ctx, 'volume:manage')
  await inTransaction(ctx, async (tx) => {
    const row = await lockVolume(tx, 'volume:manage', input.id)
    if (!['available', 'error'].includes(stateOf(row)))
      throw conflict(
        `Only an available volume can be left to its pool; this one is ${said(row)}.`,
        'volumeState',
      )
    if (row.keyId !== null)
      throw conflict(
        'The key of an encrypted volume would be lost. Delete the volume instead.',
        'volumeState',
      )
    if (row.groupId !== null)
      throw conflict('This volume is in a group. Take it out of the group first.', 'volumeState')
    if (row.attachments.length > 0)
      throw conflict('An instance has this volume. Detach it first.', 'volumeState')
    const why = (await whyNeeded(tx, row.id)) ?? (await whyKept(tx, row.id))
    if (why !== null) throw conflict(why, 'volumeState')
    // Any project could get the volume afterwards.
    if (await sharesData(tx, row))
      throw conflict(
        'The volume shares data with another one: one of them was made from the other or from its snapshot. Copy what it contains to a new, empty volume, and leave that one to the pool.',
        'volumeState',
      )
    await tx.db.volume.delete({ where: { id: row.id } })
    await spared(tx, 'volume', row.id)
    await releaseQuota(tx, row.projectId, ofType(row.typeId, { volumes: 1, volumeGib: row.reservedGib }))
    await giveBack(tx, row.pool, row.reservedGib)
    await recordOperation(tx, historyOf(row, 'volume.unmanage'))
    await noteVolume(tx, row, 'deleted')
  })
}

/** Why a volume cannot be forgotten: something would be lost that the row alone tells. */
async function whyKept(tx: Ctx, id: string): Promise<string | null> {
  // Those that are not deleted are refused already.
  if ((await tx.db.volumeSnapshot.count({ where: { volumeId: id } })) > 0)
    return 'The volume has deleted snapshots. Take them back, or remove them for good, first.'
  return (await buriedAmong(tx, 'volume', [id])).size > 0
    ? 'The volume was moved, and the cloud still removes what its old pool may have of it. Leave the volume to its pool later, or delete it.'
    : null
}

/** Makes what lies in the pool of a volume, and has no row, a snapshot of that volume. */
export async function manageSnapshot(
  ctx: Ctx,
  input: z.output<typeof snapshotManageInput>,
): Promise<SnapshotView> {
  authorize(ctx, 'volumeSnapshot:manage')
  const volume = await ctx.db.volume.findFirst({
    where: { id: input.volumeId, trashedUntil: null },
    include: { pool: true },
  })
  if (!volume) throw notFound('volume', input.volumeId)
  const found = manageable(await manageableSnapshots(ctx, { pool: volume.pool.name }), input.ref)
  if (found.volumeId !== volume.id) throw invalidInput('It is a snapshot of another volume.', 'ref')
  return inTransaction(ctx, async (tx) => {
    const row = await lockVolume(tx, 'volumeSnapshot:manage', volume.id)
    demand(volumeCan.snapshot, row)
    // It may have moved to another pool meanwhile.
    if (row.poolId !== volume.poolId) throw conflict('The volume lies in another pool now.', 'volumeState')
    const { projectId, typeId, poolId, pool, bootable, imageId, imageName } = row
    const { sizeGib, quiesced } = found
    await reserveQuota(tx, projectId, ofType(typeId, { volumeSnapshots: 1, volumeGib: sizeGib }))
    await claimMore(tx, pool, sizeGib)
    const { name, description, metadata } = input
    const made = await tx.db.volumeSnapshot.create({
      data: {
        ...{ id: found.id, projectId, userId: tx.actor.userId, volumeId: volume.id, poolId, sizeGib },
        ...{ name, description, metadata, bootable, imageId, imageName, state: 'available', quiesced },
      },
      include: withVolume,
    })
    await recordOperation(tx, snapshotHistory(made, 'volumeSnapshot.manage'))
    await noteSnapshot(tx, made, 'created')
    return snapshotView(made)
  })
}

/** Leaves a snapshot to its pool. */
export async function unmanageSnapshot(ctx: Ctx, input: { id: string }): Promise<void> {
  authorize(ctx, 'volumeSnapshot:manage')
  await inTransaction(ctx, async (tx) => {
    const row = await lockSnapshot(tx, 'volumeSnapshot:manage', input.id)
    if (!['available', 'error'].includes(snapshotStateOf(row)))
      throw conflict(
        `Only an available snapshot can be left to its pool; this one is ${said(row)}.`,
        'snapshotState',
      )
    if (row.groupSnapshotId !== null) throw conflict('This is a part of a group snapshot.', 'snapshotState')
    const users = await tx.db.volume.count({ where: { snapshotId: row.id, state: 'creating' } })
    if (users > 0)
      throw conflict('A volume is being made of this snapshot. Wait until that is over.', 'snapshotState')
    await tx.db.volumeSnapshot.delete({ where: { id: row.id } })
    await spared(tx, 'volumeSnapshot', row.id)
    const delta = ofType(row.volume.typeId, { volumeSnapshots: 1, volumeGib: row.sizeGib })
    await releaseQuota(tx, row.projectId, delta)
    await giveBack(tx, row.pool, row.sizeGib)
    await recordOperation(tx, snapshotHistory(row, 'volumeSnapshot.unmanage'))
    await noteSnapshot(tx, row, 'deleted')
  })
}
