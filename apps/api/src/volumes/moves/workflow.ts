import { DriverError } from '@stratolith/drivers/errors'
import type { HostDrivers } from '@stratolith/drivers/host'
import type { Op } from '@stratolith/drivers/op'
import type { CopySpec } from '@stratolith/drivers/volumes/interface'
import { deliverThings, hostsForPlacement } from '../../hosts/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { whileAnswering } from '../../kernel/hosts.ts'
import { bury, spared } from '../../kernel/tombstones.ts'
import type { Wait, Workflow } from '../../kernel/workflow.ts'
import { copyingMs } from '../copying.ts'
import { tellFailure } from '../messages/service.ts'
import { giveBackAt } from '../pools.ts'
import { type VolumeRow, withParts } from '../queries.ts'
import { noteVolume } from '../row.ts'
import type { VolumeState } from '../states.ts'
import { hasMovedFromAfar, lookIn, type Move, placesOfMove, rootOf } from './places.ts'
import { countUnder, dropCount } from './quota.ts'
import type { MoveInput } from './service.ts'
import { isStopped, refuseStopped, untilStopped } from './stop.ts'

const moving = ['retyping', 'maintenance']
const learning: Wait = { waitMs: 500, for: 'the host of the instance to learn where the volume is' }
const settledAction = 'The volume is not being moved any more.'

const current = (run: Move): Promise<VolumeRow | null> =>
  run.ctx.deps.root.volume.findUnique({ where: { id: run.resourceId }, include: withParts })

/** The places of a move whose hosts answer, or may do so again. */
async function placesThatAnswer(run: Move) {
  const places = await placesOfMove(run)
  if (places) return places
  throw new CloudError(
    'unavailable',
    'The machine that reaches both pools was declared to be off, or removed.',
  )
}

/** Runs `work` under the lock of the volume's row, while this move is what happens to the volume. */
async function whileMoving(run: Move, work: (tx: Ctx, row: VolumeRow) => Promise<void>): Promise<boolean> {
  return inTransaction(rootOf(run), async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Volume" WHERE "id" = ${run.resourceId}::uuid FOR UPDATE`
    const where = { id: run.resourceId, movingToId: run.input.poolId, state: { in: moving } }
    const row = await tx.db.volume.findFirst({ where, include: withParts })
    if (!row) return false
    await work(tx, row)
    return true
  })
}

/**
 * Lets reconcilers remove what a pool still has of a volume that lies elsewhere (reconcile.ts). The row of the volume
 * overrides the tombstone in the pool in which the volume lies.
 */
const buryCopies = (tx: Ctx, { id, projectId }: VolumeRow): Promise<void> =>
  bury(tx, { kind: 'volume', id, projectId })

const stateAfter = ({ attachments }: VolumeRow): VolumeState =>
  attachments.length > 0 ? 'in-use' : 'available'

/** The move is over in the database: from here on the copy is the volume. */
const switchPools = (run: Move): Promise<boolean> =>
  whileMoving(run, async (tx, before) => {
    const { poolId, typeId, from } = run.input
    const pool = await tx.db.volumePool.findUniqueOrThrow({ where: { id: poolId } })
    const host = (await hostsForPlacement(tx)).find(({ id }) => id === pool.hostId)
    const zone = host?.zone ?? pool.zone ?? before.zone
    const data = {
      ...{
        poolId,
        zone,
        movingToId: null,
        wantedTypeId: null,
        migrationStatus: 'success',
        state: stateAfter(before),
        faultMessage: null,
      },
      ...(typeId === undefined ? {} : { typeId }),
    }
    if (before.wantedTypeId !== null) await dropCount(tx, before, before.typeId)
    // An earlier version has begun the move, which did not count the volume under its new type yet.
    else if (typeId !== undefined) await countUnder(tx, before, typeId)
    const row = await tx.db.volume.update({ where: { id: before.id }, data, include: withParts })
    await giveBackAt(tx, from, before.reservedGib)
    await buryCopies(tx, row)
    await noteVolume(tx, row, 'updated', run.operationId)
  })

/** How long the old data wait for the guest's host to learn where the volume is. Then they go by the tombstone. */
const learnsMs = 300_000

/**
 * Has the host of the instance move the volume. An agent that does not know the call has made nothing, unless an agent that knew it
 * was asked before: only the host can tell then what has become of that.
 */
async function moveInUse(run: Move, op: Op, drivers: HostDrivers, wish: CopySpec): Promise<void> {
  const isFirst = run.data.asked !== true
  if (isFirst) await run.keep({ asked: true })
  await drivers.volumes.moveInUse(op, wish).catch(async (error: unknown) => {
    if (isFirst && isUnsupported(error)) await run.keep({ refused: true })
    throw error
  })
}
const isUnsupported = (error: unknown) => error instanceof DriverError && error.code === 'unsupported'

/** Whether the host has moved the volume while an instance had it; ends the move when it has not. */
async function hasMoved(run: Move, op: Op, drivers: HostDrivers, wish: CopySpec): Promise<boolean> {
  if (run.input.usedOn === undefined) return false
  return drivers.volumes.endMove(op, wish).catch((error: unknown) => {
    // An older agent knows neither call, so that it moves nothing; one that was asked before may have been newer.
    if (isUnsupported(error) && run.data.asked !== true) return false
    throw error
  })
}

/**
 * Whether the volume lies in the other pool alone. After the database was restored, the row may name a pool that the volume has
 * left long ago; what the other pool has is the only copy then.
 */
async function isThereAlone(op: Op, drivers: HostDrivers, { id, from, to }: CopySpec): Promise<boolean> {
  if (await lookIn(op, drivers, { id, pool: from })) return false
  return (await lookIn(op, drivers, { id, pool: to })) !== null
}

/** Removes the copy of this move, and nothing else that the pool may have. Returns true when the copy is the volume and stays. */
async function undone(run: Move, op: Op, drivers: HostDrivers, wish: CopySpec): Promise<boolean> {
  if (await hasMoved(run, op, drivers, wish)) return true
  if (await isThereAlone(op, drivers, wish)) return true
  const key = { id: wish.id, pool: wish.to }
  const copy = await lookIn(op, drivers, key)
  // Agents that do not tell whose copy it is replace whatever was there.
  if (copy && (copy.copyId === undefined || copy.copyId === run.operationId))
    await drivers.volumes.removeVolume(op, key)
  return false
}

const steps: Workflow<MoveInput>['steps'] = [
  {
    name: 'copy',
    title: 'Copying it into the other pool',
    async run(run) {
      const row = await current(run)
      if (!row) throw new CloudError('conflict', 'The volume is gone.')
      if (row.poolId === run.input.poolId) return
      // Before the machines: a move whose machine is off can be stopped, too.
      await refuseStopped(run)
      const { drivers, wish } = await placesThatAnswer(run)
      const copy = async (op: Op) => {
        if (row.attachments.some(({ hostId }) => hostId !== null)) return moveInUse(run, op, drivers, wish)
        // The instance may have been deleted since, before or after the volume has moved.
        if (await hasMoved(run, op, drivers, wish)) return
        if (await isThereAlone(op, drivers, wish)) return
        await drivers.volumes.copyVolume(op, wish)
      }
      await untilStopped(run, (op) => whileAnswering(op, drivers, copy))
    },
    /** Where the volume is when an instance has it, its host alone knows: a host that is silent is asked until it answers. */
    async undo(run) {
      if ((await current(run))?.poolId === run.input.poolId || run.data.refused === true) return
      const places = await placesOfMove(run)
      // The copy may be the volume until the host has said that it is not.
      const isMoved = places
        ? await whileAnswering(run.op, places.drivers, (op) => undone(run, op, places.drivers, places.wish))
        : await hasMovedFromAfar(run)
      // The failure came too late: the copy is the volume.
      if (isMoved) await switchPools(run)
    },
  },
  {
    name: 'switch',
    title: 'Taking the copy for the volume',
    async run(run) {
      if (await switchPools(run)) return
      // A worker that died may have written this before it was recorded.
      if ((await current(run))?.poolId !== run.input.poolId) throw new CloudError('conflict', settledAction)
    },
  },
  {
    name: 'remove',
    title: 'Removing the old data',
    async run(run) {
      const { drivers, wish } = await placesThatAnswer(run)
      const users = (await current(run))?.attachments.map(({ instanceId }) => instanceId) ?? []
      try {
        if (users.length > 0) await deliverThings(rootOf(run), 'instance', users)
        await whileAnswering(run.op, drivers, async (op) => {
          const row = await current(run)
          // An administrator's change or a restored database may have brought the volume back meanwhile.
          if (row?.poolId === run.input.from || row?.movingToId === run.input.from) return
          // The row cannot tell after a restored database: what the host has nowhere else is no old data.
          if (row && !(await lookIn(op, drivers, { id: wish.id, pool: wish.to }))) return
          await drivers.volumes.removeVolume(op, { id: wish.id, pool: wish.from })
        })
        // After a restore of the database it would be a wrong reason to remove the volume from a pool to which it has gone back.
        if (await current(run)) await spared(rootOf(run), 'volume', wish.id)
      } catch (error) {
        const isInTime = Date.now() - run.stepStartedAt.getTime() < learnsMs
        if (error instanceof DriverError && error.code === 'conflict' && isInTime) return learning
        // The volume is where it is to be. What cannot be removed now goes later, by the tombstone.
        run.ctx.log.warn({ err: error, volume: run.resourceId }, 'old data of a volume are left')
      }
    },
  },
]

/** The volume stays where it is, with its type. */
async function onFailed(run: Move, error: CloudError): Promise<void> {
  await whileMoving(run, async (tx, before) => {
    const data = {
      ...{ state: stateAfter(before), movingToId: null, wantedTypeId: null, migrationStatus: 'error' },
    }
    if (before.wantedTypeId !== null) await dropCount(tx, before, before.wantedTypeId)
    const row = await tx.db.volume.update({ where: { id: before.id }, data, include: withParts })
    await giveBackAt(tx, run.input.poolId, before.reservedGib)
    // Nothing is buried: the undo has removed the copy, or nobody could say whether it is the volume.
    await noteVolume(tx, row, 'updated', run.operationId)
  })
  const row = await current(run)
  // The undo may have found that the volume has moved all the same.
  if (!row || row.poolId === run.input.poolId || (await isStopped(run))) return
  const about = {
    resource: 'VOLUME',
    resourceId: row.id,
    projectId: row.projectId,
    action: 'makeVolume',
  } as const
  await tellFailure(run, about, error)
}

/** A volume of some TiB takes days. Whoever does not want to wait any longer stops the move. */
const longestMs = 14 * copyingMs

const long = {
  lane: 'long',
  deadlineMs: longestMs,
  /** A host that is silent is asked for so long where the volume is. */
  undoDeadlineMs: longestMs,
  steps,
  onFailed,
} as const
export const volumeRetyping: Workflow<MoveInput> = { ...long, action: 'volume.retype' }
export const volumeMigration: Workflow<MoveInput> = { ...long, action: 'volume.migrate' }
