import type { VolumeTransferModel } from '@stratolith/db'
import type { z } from 'zod'
import { findBootImage } from '../../images/service.ts'
import {
  asMember,
  asReaderOf,
  asSystem,
  type Ctx,
  inTransaction,
  projectOf,
  visible,
} from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { type Ask, askOf, pageView } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation } from '../../kernel/workflow.ts'
import { releaseQuota, reserveQuota } from '../../quota/service.ts'
import { volumeCan } from '../contract.ts'
import { sharesData } from '../needed.ts'
import { type VolumeRow, withParts } from '../queries.ts'
import { ofType } from '../quota.ts'
import { demand, historyOf, lockVolume, noteVolume, stateOf, viewOfOne } from '../row.ts'
import { said } from '../states.ts'
import type {
  AcceptedTransfer,
  NewTransfer,
  TransferView,
  transferAcceptInput,
  transferCreateInput,
  transferListInput,
} from './contract.ts'
import { hashOfKey, isKeyOf, newKey } from './key.ts'
import { queryTransfers, type TransferWhere } from './queries.ts'

/** Volumes go from project to project by a transfer: a member of the one offers, and a member of the other accepts with the key. */

export async function listTransfers(
  ctx: Ctx,
  input: z.output<typeof transferListInput>,
): Promise<Page<TransferView>> {
  const where = { allProjects: input.allProjects, volumeId: input.volumeId }
  const slice = await queryTransfers(ctx, { where, ...askOf(input, {}) })
  return pageView(slice, slice.rows.map(viewOf))
}

/** For OpenStack's clients. */
export async function findTransfers(
  ctx: Ctx,
  ask: Ask<TransferWhere>,
): Promise<{ transfers: TransferView[]; more: boolean }> {
  const { rows, next } = await queryTransfers(ctx, ask)
  return { transfers: rows.map(viewOf), more: next !== null }
}

export async function getTransfer(ctx: Ctx, { id }: { id: string }): Promise<TransferView> {
  return viewOf(await loadTransfer(ctx, 'volumeTransfer:get', id))
}

async function loadTransfer(ctx: Ctx, action: string, id: string): Promise<VolumeTransferModel> {
  const row = await ctx.db.volumeTransfer.findFirst({ where: { id, ...visible(ctx) } })
  if (!row) throw notFound('volume transfer', id)
  authorize(ctx, action, row)
  return row
}

/**
 * Offers an available volume to whoever has the key, which is in this answer alone. `plainOnly`: an encrypted volume is
 * refused, for clients that do not know that such volumes can be offered.
 */
export async function createTransfer(
  ctx: Ctx,
  input: z.output<typeof transferCreateInput>,
  { plainOnly = false }: { plainOnly?: boolean } = {},
): Promise<NewTransfer> {
  const key = newKey()
  return inTransaction(ctx, async (tx) => {
    const volume = await lockVolume(tx, 'volumeTransfer:create', input.volumeId)
    demand(volumeCan.transfer, volume)
    if (plainOnly && volume.keyId !== null)
      throw conflict(
        'An encrypted volume is offered to another project since 3.70 of the API.',
        'volumeState',
      )
    await checkSnapshots(tx, volume, input.noSnapshots)
    await refuseShared(tx, volume)
    const row = await tx.db.volumeTransfer.create({
      data: {
        id: crypto.randomUUID(),
        volumeId: volume.id,
        projectId: volume.projectId,
        userId: ctx.actor.userId,
        name: input.name,
        noSnapshots: input.noSnapshots,
        keyHash: hashOfKey(key),
      },
    })
    await tx.db.volume.update({ where: { id: volume.id }, data: { state: 'awaiting-transfer' } })
    await recordOperation(tx, historyOf(volume, 'volume.offer'))
    await noteVolume(tx, volume, 'updated')
    return { ...viewOf(row), key }
  })
}

/** The snapshots go with their volume, which they need and which needs them: so none can stay, or be in the middle of something. */
async function checkSnapshots(tx: Ctx, { id }: VolumeRow, noSnapshots: boolean): Promise<void> {
  if ((await tx.db.volumeSnapshot.count({ where: { volumeId: id, trashedUntil: { not: null } } })) > 0)
    throw conflict(
      'The volume has a deleted snapshot that can still be taken back. Take it back, or delete it now.',
      'volumeState',
    )
  const where = { volumeId: id, ...(noSnapshots ? {} : { state: { not: 'available' } }) }
  if ((await tx.db.volumeSnapshot.count({ where: { volumeId: id, NOT: { groupSnapshotId: null } } })) > 0)
    throw conflict(
      'A group snapshot has a snapshot of the volume. Delete the group snapshot first.',
      'volumeState',
    )
  const count = await tx.db.volumeSnapshot.count({ where })
  if (count === 0) return
  throw conflict(
    noSnapshots
      ? 'The volume has snapshots, which go with it. Delete them first, or leave no_snapshots out.'
      : 'A snapshot of the volume is not available. Wait until what is being done to it is over, or delete it.',
    'volumeState',
  )
}

/** Deleted volumes count that can be taken back. */
async function refuseShared(tx: Ctx, volume: VolumeRow): Promise<void> {
  if (volume.isOriginUnknown)
    throw conflict(
      'The volume was taken over from its pool, so that nobody knows with which volumes it shares data. Copy what it contains to a new, empty volume, and offer that one.',
      'volumeState',
    )
  if (await sharesData(tx, volume))
    throw conflict(
      'The volume shares data with another one: one of them was made from the other or from its snapshot. Copy what it contains to a new, empty volume, in an instance that has both, and offer the new volume.',
      'volumeState',
    )
}

/** Takes an offer back: the volume is available again. */
export async function deleteTransfer(ctx: Ctx, { id }: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const { volumeId } = await loadTransfer(tx, 'volumeTransfer:delete', id)
    const volume = await lockVolume(tx, 'volumeTransfer:delete', volumeId)
    const { count } = await tx.db.volumeTransfer.deleteMany({ where: { id } })
    if (count === 0) throw notFound('volume transfer', id)
    if (stateOf(volume) === 'awaiting-transfer')
      await tx.db.volume.update({ where: { id: volumeId }, data: { state: 'available' } })
    await recordOperation(tx, historyOf(volume, 'volume.withdraw'))
    await noteVolume(tx, volume, 'updated')
  })
}

/**
 * Makes an offered volume one of the caller's project. Throws the same not_found for an unknown transfer and for a wrong
 * key, and quota_exceeded when the project has no room for the volume.
 */
export async function acceptTransfer(
  ctx: Ctx,
  input: z.output<typeof transferAcceptInput>,
): Promise<AcceptedTransfer> {
  const projectId = projectOf(ctx)
  authorize(ctx, 'volumeTransfer:accept', { projectId })
  const offer = await ctx.db.volumeTransfer.findUnique({ where: { id: input.id } })
  if (!isKeyOf(offer?.keyHash ?? null, input.key) || !offer) throw notFound('volume transfer', input.id)
  const row = await inTransaction(ctx, async (tx) => {
    const volume = await lockOffered(tx, offer.volumeId)
    // Somebody else may have accepted it, or its owner may have taken it back, while this waited for the lock.
    const { count } = await tx.db.volumeTransfer.deleteMany({ where: { id: input.id } })
    if (!volume || count === 0) throw notFound('volume transfer', input.id)
    if (stateOf(volume) !== 'awaiting-transfer' || volume.attachments.length > 0)
      throw conflict(`The volume is ${said(volume)}. Ask its owner to offer it again.`, 'volumeState')
    return moveVolume(tx, volume, projectId)
  })
  return { transfer: viewOf(offer), volume: await viewOfOne(ctx, row) }
}

/** The key is the right to see the volume, which belongs to another project. */
async function lockOffered(tx: Ctx, id: string): Promise<VolumeRow | null> {
  await tx.db.$queryRaw`SELECT 1 FROM "Volume" WHERE "id" = ${id}::uuid FOR UPDATE`
  return tx.db.volume.findFirst({ where: { id, trashedUntil: null }, include: withParts })
}

async function moveVolume(tx: Ctx, volume: VolumeRow, projectId: string): Promise<VolumeRow> {
  const snapshots = await lockSnapshots(tx, volume.id)
  if (projectId !== volume.projectId && snapshots.some(isDeleted))
    throw conflict(
      'The owner of the volume has deleted a snapshot of it since the offer. Ask them to remove it for good, or to take it back.',
      'volumeState',
    )
  await moveSnapshots(tx, volume.id, projectId)
  const delta = ofType(volume.typeId, {
    volumes: 1,
    volumeGib: volume.reservedGib + snapshots.reduce((sum, { sizeGib }) => sum + sizeGib, 0),
    volumeSnapshots: snapshots.length,
  })
  const taken = { ...delta, volumeGibEach: volume.sizeGib }
  if (projectId !== volume.projectId) {
    // A volume may have been made of a snapshot since the offer. The rows of the snapshots are locked now.
    await refuseShared(tx, volume)
    // Nobody in the new project has asked for automatic backups.
    await tx.db.volumeBackupSchedule.deleteMany({ where: { volumeId: volume.id } })
    await forgetHiddenImages(tx, volume, projectId)
    // The counters of both projects are locked in the order of their ids, so that transfers that cross do not deadlock.
    const changes = [
      { of: projectId, change: () => reserveQuota(tx, projectId, taken) },
      { of: volume.projectId, change: () => releaseQuota(tx, volume.projectId, delta) },
    ]
    for (const { change } of changes.sort((a, b) => (a.of < b.of ? -1 : 1))) await change()
  }
  const after = await tx.db.volume.update({
    where: { id: volume.id },
    data: { projectId, userId: tx.actor.userId, state: 'available' },
    include: withParts,
  })
  await recordOperation(tx, historyOf(after, 'volume.accept'))
  await noteVolume(tx, after, 'created')
  if (projectId === volume.projectId) return after
  // The project that has offered it learns that it is gone, and not who has it.
  const donor = { ...asSystem(tx, 'transfer'), db: tx.db }
  await recordOperation(donor, historyOf(volume, 'volume.hand_over'))
  await noteVolume(donor, volume, 'deleted')
  return after
}

/** The new project does not learn the names of images that it does not see, from the volume or from its snapshots. */
async function forgetHiddenImages(tx: Ctx, { id, imageId }: VolumeRow, projectId: string): Promise<void> {
  const kept = await tx.db.volumeSnapshot.findMany({ where: { volumeId: id }, select: { imageId: true } })
  const ids = new Set([imageId, ...kept.map((one) => one.imageId)].filter((one) => one !== null))
  // An administrator who accepts a volume sees more than their project does.
  const reader = asMember(asReaderOf(tx, projectId))
  for (const one of ids) {
    if (await findBootImage(reader, one)) continue
    const none = { imageId: null, imageName: '' }
    await tx.db.volume.updateMany({ where: { id, imageId: one }, data: none })
    await tx.db.volumeSnapshot.updateMany({ where: { volumeId: id, imageId: one }, data: none })
  }
}

type Going = { sizeGib: number; state: string; trashedUntil: Date | null }
/** Nobody but its owner may take back a snapshot that the owner has deleted, or gets it when it cannot be removed. */
const isDeleted = ({ state, trashedUntil }: Going): boolean =>
  trashedUntil !== null || ['deleting', 'error_deleting'].includes(state)

/** Locks the rows of the snapshots in the order of ids, after that of the volume. */
const lockSnapshots = (tx: Ctx, volumeId: string): Promise<Going[]> =>
  tx.db.$queryRaw<Going[]>`
    SELECT "sizeGib", "state", "trashedUntil" FROM "VolumeSnapshot" WHERE "volumeId" = ${volumeId}::uuid
    ORDER BY "id" FOR UPDATE`

async function moveSnapshots(tx: Ctx, volumeId: string, projectId: string): Promise<void> {
  await tx.db.volumeSnapshot.updateMany({ where: { volumeId }, data: { projectId, userId: tx.actor.userId } })
}

const viewOf = ({ keyHash: _, userId: _by, createdAt, ...row }: VolumeTransferModel): TransferView => ({
  ...row,
  createdAt: createdAt.toISOString(),
})
