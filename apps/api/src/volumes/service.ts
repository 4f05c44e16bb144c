import type { z } from 'zod'
import { hostsForPlacement } from '../hosts/service.ts'
import { type Ctx, inTransaction, isAdmin, projectOf } from '../kernel/context.ts'
import type { Page, pageInput } from '../kernel/contract.ts'
import { conflict, invalidInput } from '../kernel/errors.ts'
import { type Ask, askOf, pageView } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import { recordOperation, startOperation } from '../kernel/workflow.ts'
import { reserveQuota } from '../quota/service.ts'
import { beginRestoring, creationOf } from './backups/settling.ts'
import {
  failedStates,
  type VolumePlan,
  type VolumeView,
  volumeCan,
  type volumeCreateInput,
  type volumeExtendInput,
  type volumeListInput,
  type volumePlanInput,
  type volumeUpdateInput,
} from './contract.ts'
import { makeKey, newKeyFor } from './encryption/keys.ts'
import type { GroupRow } from './groups/row.ts'
import { demandInGroup, groupForVolume } from './groups/service.ts'
import { nearOf, type PlaceHints } from './hints.ts'
import { refuseWhileKept } from './needed.ts'
import { hostsFor, originOf } from './origin.ts'
import { claimMore, claimPool, whyNoMore, whyNoRoom, whyNotEach } from './pools.ts'
import {
  countVolumes,
  queryVolumes,
  sortableVolumes,
  type VolumeRow,
  type VolumeWhere,
  withParts,
} from './queries.ts'
import { ofType, whyNoQuota } from './quota.ts'
import { demand, historyOf, loadVolume, lockVolume, noteVolume, stateOf, viewOfOne, viewsOf } from './row.ts'
import { demandShareable, isMultiattach } from './types/extra-specs.ts'
import { placeWishOf, specsOf } from './types/row.ts'
import { typeFor } from './types/service.ts'

/** The functions that other rooms may call. */
export {
  type AttachedVolume,
  attachedVolumes,
  bindVolume,
  finishAttachment,
  forgetVolumesOf,
  keepAfterTermination,
  releaseVolume,
  takeVolume,
  unbindVolume,
  yieldVolume,
} from './attachments.ts'
export {
  createBackup,
  findBackups,
  getBackup,
  listBackups,
  planBackup,
  resetBackup,
  updateBackup,
} from './backups/service.ts'
export {
  cancelBackup,
  deleteBackup,
  endBackup,
  forceDeleteBackup,
  listBackupTrash,
  takeBackBackup,
} from './backups/trash.ts'
export {
  changeImageMetadata,
  changeMetadata,
  resetVolume,
  setBootable,
  setReadOnly,
  useVolumeAsIs,
} from './changes.ts'
export { waitingForCopiesMs } from './copying.ts'
export { giveKeysFirst } from './encryption/reconcile.ts'
export { forceDetachVolume } from './force-detach.ts'
export { seedGroupTypes } from './groups/types.ts'
export { makeVolumeImage, reimageVolume } from './images/service.ts'
export { defineInstances } from './instances.ts'
export {
  type LaunchVolumes,
  planLaunchVolumes,
} from './launch.ts'
export { areLaunchVolumesMade, bindLaunchVolumes, volumesAtLaunch } from './launch-rows.ts'
export { volumesLeaving } from './leaving.ts'
export { tellAttachmentFailure } from './messages/service.ts'
export { moveVolume, planMove, retypeVolume } from './moves/service.ts'
export { stopMove } from './moves/stop.ts'
export {
  changeSnapshotMetadata,
  confirmSnapshotState,
  createSnapshot,
  findSnapshots,
  getSnapshot,
  listSnapshots,
  resetSnapshot,
  revertVolume,
  updateSnapshot,
} from './snapshots/service.ts'
export {
  deleteSnapshot,
  endSnapshot,
  listSnapshotTrash,
  takeBackSnapshot,
} from './snapshots/trash.ts'
export {
  acceptTransfer,
  createTransfer,
  deleteTransfer,
  getTransfer,
  listTransfers,
} from './transfers/service.ts'
export {
  deleteVolume,
  endVolume,
  forceDeleteVolume,
  listTrash,
  takeBackVolume,
  trashSummary,
} from './trash/service.ts'
export { getVolumeType, listVolumeTypes, seedVolumeTypes, typeOfVolume } from './types/service.ts'

export async function listVolumes(
  ctx: Ctx,
  input: z.output<typeof volumeListInput>,
): Promise<Page<VolumeView>> {
  const { allProjects, projectId, search, state, instanceId, bootable, pool, groupId } = input
  const states = state === 'failed' ? failedStates : state && [state]
  const where = { allProjects, projectId, search, instanceId, bootable, pool, groupId, states }
  const slice = await queryVolumes(ctx, { where, ...askOf(input, sortableVolumes) })
  return pageView(slice, await viewsOf(ctx, slice.rows))
}

/** The volumes that an instance of this project on this host can be given. */
export async function listFreeVolumes(
  ctx: Ctx,
  { id: instanceId, projectId, hostId }: { id: string; projectId: string; hostId: string },
  input: z.output<typeof pageInput>,
): Promise<Page<VolumeView>> {
  const { allProjects, search } = input
  // Of a host that is gone meanwhile, only the pools are known that all hosts reach.
  const zone = (await hostsForPlacement(ctx)).find(({ id }) => id === hostId)?.zone ?? ''
  const where = { allProjects, search, projectId, reachedBy: { hostId, zone }, freeFor: instanceId }
  const slice = await queryVolumes(ctx, { where, ...askOf(input, sortableVolumes) })
  return pageView(slice, await viewsOf(ctx, slice.rows))
}

/** For OpenStack's clients. */
export async function findVolumes(
  ctx: Ctx,
  ask: Ask<VolumeWhere>,
  isCounted = false,
): Promise<{ volumes: VolumeView[]; more: boolean; count: number | null }> {
  const [{ rows, next }, count] = await Promise.all([
    queryVolumes(ctx, ask),
    isCounted ? countVolumes(ctx, ask.where) : null,
  ])
  return { volumes: await viewsOf(ctx, rows), more: next !== null, count }
}

export const getVolume = async (ctx: Ctx, input: { id: string }): Promise<VolumeView> =>
  viewOfOne(ctx, await loadVolume(ctx, 'volume:get', input.id))

/**
 * The project of a volume, and the host that alone reaches the volume; null: every host reaches it. Throws not_found
 * for a volume that the caller may not see.
 */
export async function placeOfVolume(
  ctx: Ctx,
  id: string,
): Promise<{ projectId: string; hostId: string | null }> {
  const { projectId, pool } = await loadVolume(ctx, 'volume:get', id)
  return { projectId, hostId: pool.hostId }
}

/** Says before a volume is made or extended whether there is room for that size. */
export async function planVolume(ctx: Ctx, input: z.output<typeof volumePlanInput>): Promise<VolumePlan> {
  if (input.id === undefined) {
    authorize(ctx, 'volume:create', { projectId: projectOf(ctx) })
    const type = await typeFor(ctx, input.type)
    const wish = { typeId: type.id, sizeGib: input.sizeGib }
    const quota = await whyNoQuota(ctx, projectOf(ctx), [wish], 1)
    if (quota !== null) return { problem: quota }
    const place = { sizeGib: input.sizeGib, type: placeWishOf(type) }
    const problem = await whyNoRoom(ctx, place)
    return problem === null || !isAdmin(ctx) ? { problem } : { problem, pools: await whyNotEach(ctx, place) }
  }
  const row = await loadVolume(ctx, 'volume:extend', input.id)
  const more = input.sizeGib - row.reservedGib
  return { problem: more > 0 ? await whyNoMore(ctx, row.pool, more) : null }
}

/**
 * Makes a volume, empty or with the bytes of an image, of a snapshot or of another volume, in whose pool it then lies, or
 * with the content of a backup. `hostId`: the host that must reach the volume; `restores`: the volume is in the state restoring-backup while it gets the content of its
 * backup, as Cinder's restore has it; `group`: what groupForVolume has returned, for several volumes of one group; `hints`: what the caller says about the place. Throws invalid_input for a size that the source does not allow.
 */
export async function createVolume(
  ctx: Ctx,
  input: z.output<typeof volumeCreateInput>,
  {
    hostId,
    restores = false,
    ...more
  }: { hostId?: string; restores?: boolean; group?: GroupRow | null; hints?: PlaceHints } = {},
): Promise<VolumeView> {
  const projectId = projectOf(ctx)
  authorize(ctx, 'volume:create', { projectId })
  const row = await inTransaction(ctx, async (tx) => {
    const group = more.group === undefined ? await groupForVolume(tx, input.groupId) : more.group
    const origin = await originOf(tx, input)
    const sizeGib = input.sizeGib ?? origin?.leastGib
    if (sizeGib === undefined) throw invalidInput('Say how large the volume is to be.', 'sizeGib')
    if (origin && sizeGib < origin.leastGib)
      throw invalidInput(`The ${origin.words} needs ${origin.leastGib} GiB.`, 'sizeGib')
    const type = await typeFor(tx, input.type, origin?.typeId)
    demandInGroup(group, type)
    const multiattach = isMultiattach(specsOf(type))
    demandShareable(multiattach, origin)
    const newKey = newKeyFor(type, origin)
    await reserveQuota(tx, projectId, {
      ...ofType(type.id, { volumes: 1, volumeGib: sizeGib }),
      volumeGibEach: sizeGib,
    })
    const place = await claimPool(tx, {
      ...{ sizeGib, zone: input.zone, ...hostsFor(origin, hostId), poolId: origin?.poolId },
      ...{ hostOf: origin?.poolId === undefined ? 'instance' : origin.words },
      ...{ type: placeWishOf(type), near: more.hints && (await nearOf(tx, more.hints)) },
    })
    const made = await tx.db.volume.create({
      data: {
        id: crypto.randomUUID(),
        projectId,
        userId: ctx.actor.userId,
        name: input.name,
        description: input.description,
        sizeGib,
        reservedGib: sizeGib,
        typeId: type.id,
        groupId: group?.id,
        multiattach,
        ...place,
        ...(origin?.data ?? {}),
        ...(newKey === null ? {} : { keyId: await makeKey(tx, newKey) }),
        metadata: input.metadata,
        ...(restores ? { state: 'restoring-backup' } : {}),
      },
      include: withParts,
    })
    if (made.backupId !== null) await beginRestoring(tx, made.backupId)
    await startOperation(tx, { ...creationOf(made), hostId: made.pool.hostId })
    await noteVolume(tx, made, 'created')
    return made
  })
  return viewOfOne(ctx, row)
}

/** Changes what the owner says of a volume. Throws conflict for another `readOnly` unless the volume is available. */
export async function updateVolume(ctx: Ctx, input: z.output<typeof volumeUpdateInput>): Promise<VolumeView> {
  const { id, ...data } = input
  const row = await inTransaction(ctx, async (tx) => {
    const before = await lockVolume(tx, 'volume:update', id)
    if (data.bootable !== undefined && data.bootable !== before.bootable)
      authorize(tx, 'volume:set_bootable', before)
    if (data.readOnly !== undefined && data.readOnly !== before.readOnly) {
      authorize(tx, 'volume:set_read_only', before)
      demand(volumeCan.setReadOnly, before)
    }
    const after = await tx.db.volume.update({ where: { id }, data, include: withParts })
    await recordOperation(tx, historyOf(after, 'volume.update'))
    await noteVolume(tx, after, 'updated')
    return after
  })
  return viewOfOne(ctx, row)
}

/**
 * Makes a volume larger, also while an instance uses it, unless `unusedOnly`, for clients that do not know of that. Throws
 * invalid_input when the size is no larger than the present one.
 */
export async function extendVolume(
  ctx: Ctx,
  input: z.output<typeof volumeExtendInput>,
  { unusedOnly = false }: { unusedOnly?: boolean } = {},
): Promise<VolumeView> {
  return begin(ctx, input.id, 'volume.extend', async (tx, row) => {
    demand(volumeCan.extend, row)
    if (unusedOnly && stateOf(row) === 'in-use')
      throw conflict('The status of the volume must be available to extend it; it is in-use.', 'volumeState')
    if (input.sizeGib <= row.sizeGib)
      throw invalidInput(`The volume has ${row.sizeGib} GiB already. Choose a larger size.`, 'sizeGib')
    await refuseWhileKept(tx, row.id)
    // An earlier extension may have left more reserved, because nobody knows whether its host has made it.
    const reservedGib = Math.max(row.reservedGib, input.sizeGib)
    const more = reservedGib - row.reservedGib
    if (more > 0) {
      const delta = ofType(row.typeId, { volumeGib: more })
      await reserveQuota(tx, row.projectId, { ...delta, volumeGibEach: input.sizeGib })
      await claimMore(tx, row.pool, more)
    }
    return {
      data: { state: 'extending', reservedGib },
      input: { sizeGib: input.sizeGib, reservedGib: row.reservedGib },
    }
  })
}

/** Checks and begins an action under the lock of the volume's row. */
async function begin(
  ctx: Ctx,
  id: string,
  action: 'volume.extend',
  check: (
    tx: Ctx,
    row: VolumeRow,
  ) => Promise<{ data: { state: string; reservedGib?: number }; input: Record<string, number> }>,
): Promise<VolumeView> {
  const row = await inTransaction(ctx, async (tx) => {
    const before = await lockVolume(tx, action.replace('.', ':'), id)
    const { data, input } = await check(tx, before)
    const after = await tx.db.volume.update({ where: { id }, data, include: withParts })
    await startOperation(tx, { ...historyOf(after, action), hostId: after.pool.hostId, input })
    await noteVolume(tx, after, 'updated')
    return after
  })
  return viewOfOne(ctx, row)
}
