import type { z } from 'zod'
import { busyAmong } from '../../kernel/busy.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { Allowed, Page } from '../../kernel/contract.ts'
import { conflict, invalidInput } from '../../kernel/errors.ts'
import { type Ask, askOf, pageView } from '../../kernel/page.ts'
import { recordOperation, startOperation } from '../../kernel/workflow.ts'
import { reserveQuota } from '../../quota/service.ts'
import { type VolumeView, volumeCan } from '../contract.ts'
import { refuseWhileKept } from '../needed.ts'
import { claimMore } from '../pools.ts'
import { type VolumeRow, withParts } from '../queries.ts'
import { ofType } from '../quota.ts'
import { historyOf, lockVolume, noteVolume, seenOf, stateOf, viewOfOne } from '../row.ts'
import {
  type revertInput,
  type SnapshotView,
  snapshotCan,
  type snapshotCreateInput,
  type snapshotListInput,
  snapshotStates,
  snapshotTransitioning,
  type snapshotUpdateInput,
} from './contract.ts'
import {
  countSnapshots,
  querySnapshots,
  type SnapshotRow,
  type SnapshotWhere,
  sortableSnapshots,
  withVolume,
} from './queries.ts'
import {
  loadSnapshot,
  lockSnapshot,
  noteSnapshot,
  snapshotHistory,
  snapshotStateOf,
  snapshotView,
} from './row.ts'
import { demandUnused } from './used.ts'

export async function listSnapshots(
  ctx: Ctx,
  input: z.output<typeof snapshotListInput>,
): Promise<Page<SnapshotView>> {
  const { allProjects, search, state, volumeId, bootable } = input
  const where = { allProjects, search, volumeId, bootable, states: state && [state] }
  const slice = await querySnapshots(ctx, { where, ...askOf(input, sortableSnapshots) })
  return pageView(slice, slice.rows.map(snapshotView))
}

/** For OpenStack's clients. */
export async function findSnapshots(
  ctx: Ctx,
  ask: Ask<SnapshotWhere>,
  isCounted = false,
): Promise<{ snapshots: SnapshotView[]; more: boolean; count: number | null }> {
  const [{ rows, next }, count] = await Promise.all([
    querySnapshots(ctx, ask),
    isCounted ? countSnapshots(ctx, ask.where) : null,
  ])
  return { snapshots: rows.map(snapshotView), more: next !== null, count }
}

export const getSnapshot = async (ctx: Ctx, input: { id: string }): Promise<SnapshotView> =>
  snapshotView(await loadSnapshot(ctx, 'volumeSnapshot:get', input.id))

/**
 * Keeps what a volume contains now, also while an instance uses the volume. Throws not_found for a volume that the
 * caller may not see, conflict for a volume in another state.
 */
export async function createSnapshot(
  ctx: Ctx,
  input: z.output<typeof snapshotCreateInput>,
): Promise<SnapshotView> {
  const row = await inTransaction(ctx, async (tx) => {
    const volume = await lockVolume(tx, 'volumeSnapshot:create', input.volumeId)
    demand(volumeCan.snapshot(seenOf(volume)), 'volumeState')
    const { projectId } = volume
    // A host that has not answered may have made the volume larger than the row says.
    const sizeGib = volume.reservedGib
    // In the worst case all of the volume changes afterwards, so that its bytes are there twice.
    await reserveQuota(tx, projectId, ofType(volume.typeId, { volumeSnapshots: 1, volumeGib: sizeGib }))
    await claimMore(tx, volume.pool, sizeGib)
    const { name, description, metadata } = input
    const made = await insertSnapshot(tx, volume, { name, description, metadata })
    await startOperation(tx, {
      ...snapshotHistory(made, 'volumeSnapshot.create'),
      hostId: volume.pool.hostId,
      input: { volumeName: volume.name || volume.id },
    })
    return made
  })
  return snapshotView(row)
}

/** Writes the row of a snapshot of a volume, whose quota and room the caller has taken. */
export async function insertSnapshot(
  tx: Ctx,
  volume: VolumeRow,
  more: {
    name: string
    description: string
    metadata?: Record<string, string>
    groupSnapshotId?: string
  },
): Promise<SnapshotRow> {
  const { projectId, poolId, bootable, imageId, imageName, reservedGib: sizeGib } = volume
  const { userId } = tx.actor
  const made = await tx.db.volumeSnapshot.create({
    data: {
      ...{ id: crypto.randomUUID(), userId, projectId, volumeId: volume.id, poolId, sizeGib },
      ...{ ...more, bootable, imageId, imageName },
    },
    include: withVolume,
  })
  await noteSnapshot(tx, made, 'created')
  return made
}

export async function updateSnapshot(
  ctx: Ctx,
  input: z.output<typeof snapshotUpdateInput>,
): Promise<SnapshotView> {
  const { id, ...data } = input
  return change(ctx, { id, policy: 'volumeSnapshot:update', action: 'volumeSnapshot.update' }, () => data)
}

/** Changes the metadata to what `to` makes of the present entries. */
export const changeSnapshotMetadata = (
  ctx: Ctx,
  id: string,
  to: (before: Record<string, string>) => Record<string, string>,
): Promise<SnapshotView> =>
  change(ctx, { id, policy: 'volumeSnapshot:update', action: 'volumeSnapshot.update' }, ({ metadata }) => ({
    metadata: to(metadata as Record<string, string>),
  }))

/**
 * Sets the state of a snapshot that is stuck, for administrators. Throws conflict while something is being done to the
 * snapshot, and for the state available when the snapshot was never made.
 */
export const resetSnapshot = (
  ctx: Ctx,
  input: { id: string; to: 'available' | 'error' },
): Promise<SnapshotView> =>
  change(
    ctx,
    { id: input.id, policy: 'volumeSnapshot:reset_state', action: 'volumeSnapshot.reset_state' },
    ({ quiesced }) => {
      // Its host tells this when it has made the snapshot.
      if (input.to === 'available' && quiesced === null)
        throw conflict('This snapshot was never made, so that nothing is there to use.', 'snapshotState')
      const faultMessage = input.to === 'error' ? 'An administrator has set this state.' : null
      return { state: input.to, faultMessage }
    },
  )

type Patch = {
  name?: string
  description?: string
  metadata?: Record<string, string>
  state?: string
  faultMessage?: string | null
}
/** Changes the row under its lock, with history and event. */
async function change(
  ctx: Ctx,
  { id, policy, action }: { id: string; policy: string; action: string },
  patch: (row: SnapshotRow) => Patch,
): Promise<SnapshotView> {
  const row = await inTransaction(ctx, async (tx) => {
    const before = await lockSnapshot(tx, policy, id)
    const data = patch(before)
    if (data.state !== undefined) {
      await demandUnused(tx, before)
      if (await isBusy(tx, id))
        throw conflict('Something is being done to this snapshot. Wait until that is over.', 'snapshotState')
    }
    const after = await tx.db.volumeSnapshot.update({ where: { id }, data, include: withVolume })
    await recordOperation(tx, snapshotHistory(after, action))
    await noteSnapshot(tx, after, 'updated')
    return after
  })
  return snapshotView(row)
}

/**
 * Agrees to the state that a service of OpenStack tells of a snapshot that is being made or deleted. Throws conflict
 * unless it is the state that the snapshot has: our own operations end that.
 */
export async function confirmSnapshotState(ctx: Ctx, input: { id: string; state: string }): Promise<void> {
  const { state } = await loadSnapshot(ctx, 'volumeSnapshot:update', input.id)
  if (state !== input.state || (state !== 'creating' && state !== 'deleting'))
    throw conflict(
      `The status ${input.state} is not allowed for a snapshot with the status ${state}. The cloud ends what it has begun itself.`,
      'snapshotState',
    )
}

/**
 * Gives a volume what one of its snapshots contains; what was written since is lost. `latestOnly`: refuses a snapshot
 * that has a later one.
 */
export async function revertVolume(
  ctx: Ctx,
  input: z.output<typeof revertInput>,
  { latestOnly = false } = {},
): Promise<VolumeView> {
  const row = await inTransaction(ctx, async (tx) => {
    const volume = await lockVolume(tx, 'volume:revert', input.id)
    const snapshot = await lockSnapshot(tx, 'volumeSnapshot:get', input.snapshotId)
    if (snapshot.volumeId !== volume.id)
      throw invalidInput('The snapshot is one of another volume.', 'snapshotId')
    demand(volumeCan.revert({ state: stateOf(volume) }), 'volumeState')
    demand(snapshotCan.use({ state: snapshotStateOf(snapshot) }), 'snapshotState')
    await refuseWhileKept(tx, volume.id, snapshotStates.filter(snapshotTransitioning))
    const where = { volumeId: volume.id, trashedUntil: null, createdAt: { gt: snapshot.createdAt } }
    const later = latestOnly
      ? await tx.db.volumeSnapshot.findFirst({ where, orderBy: { createdAt: 'desc' } })
      : null
    if (later)
      throw invalidInput(
        `The snapshot ${snapshot.id} is not the latest one of the volume, which is ${later.id}. The portal goes back to earlier ones, too.`,
        'snapshotId',
      )
    await tx.db.volumeSnapshot.update({ where: { id: snapshot.id }, data: { state: 'restoring' } })
    const after = await tx.db.volume.update({
      where: { id: volume.id },
      data: { state: 'reverting' },
      include: withParts,
    })
    await startOperation(tx, {
      ...historyOf(after, 'volume.revert'),
      hostId: after.pool.hostId,
      input: { snapshotId: snapshot.id },
    })
    await noteVolume(tx, after, 'updated')
    await noteSnapshot(tx, snapshot, 'updated')
    return after
  })
  return viewOfOne(ctx, row)
}

/** The snapshot of which a volume is made, locked until the transaction ends. Throws conflict unless it is available. */
export async function sourceSnapshot(ctx: Ctx, id: string) {
  const row = await lockSnapshot(ctx, 'volumeSnapshot:get', id)
  demand(snapshotCan.use({ state: snapshotStateOf(row) }), 'snapshotState')
  return row
}

function demand(allowed: Allowed, reason: 'volumeState' | 'snapshotState'): void {
  if (allowed !== true) throw conflict(allowed, reason)
}

const busySnapshots = busyAmong('volumeSnapshot')
const isBusy = async (ctx: Ctx, id: string): Promise<boolean> => (await busySnapshots(ctx, [id])).has(id)
