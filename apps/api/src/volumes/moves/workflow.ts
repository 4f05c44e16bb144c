import type { VolumePoolModel } from '@stratolith/db'
import { DriverError } from '@stratolith/drivers/errors'
import { deliverThings, driversOf, hostState, hostsForPlacement } from '../../hosts/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { whileAnswering } from '../../kernel/hosts.ts'
import { bury, spared } from '../../kernel/tombstones.ts'
import type { Run, Wait, Workflow } from '../../kernel/workflow.ts'
import { tellFailure } from '../messages/service.ts'
import { giveBackAt, reaches, specOf } from '../pools.ts'
import { type VolumeRow, withParts } from '../queries.ts'
import { noteVolume } from '../row.ts'
import type { VolumeState } from '../states.ts'
import { countUnder } from './quota.ts'
import type { MoveInput } from './service.ts'

type Move = Run<MoveInput>
const moving = ['retyping', 'maintenance']
const learning: Wait = { waitMs: 500, for: 'the host of the instance to learn where the volume is' }
const settledAction = 'The volume is not being moved any more.'

const rootOf = (run: Move): Ctx => ({ ...run.ctx, db: run.ctx.deps.root })
const current = (run: Move): Promise<VolumeRow | null> =>
  run.ctx.deps.root.volume.findUnique({ where: { id: run.resourceId }, include: withParts })

async function poolOf(run: Move, id: string): Promise<VolumePoolModel> {
  const pool = await run.ctx.deps.root.volumePool.findUnique({ where: { id } })
  if (!pool) throw new CloudError('conflict', 'A pool of the move is gone.')
  return pool
}

/**
 * The drivers of a host that reaches both pools, and what it is asked. `from` may be a pool of a host that is the only one to reach it. A
 * volume that an instance had when the move began is the work of the instance's host, unless that was declared to be off.
 */
async function placesOfMove(run: Move) {
  const [from, to] = await Promise.all([poolOf(run, run.input.from), poolOf(run, run.input.poolId)])
  const ctx = rootOf(run)
  const hostId = from.hostId ?? to.hostId ?? (await hostOfBoth(ctx, from, to, run.input.usedOn))
  const drivers = await driversOf(ctx, hostId)
  const wish = { id: run.resourceId, from: specOf(from), to: specOf(to), copyId: run.operationId }
  return { drivers, wish, isFenced: (await hostState(ctx, hostId)) === 'fenced' }
}

async function hostOfBoth(
  ctx: Ctx,
  from: VolumePoolModel,
  to: VolumePoolModel,
  usedOn: string | undefined,
): Promise<string> {
  const hosts = (await hostsForPlacement(ctx)).filter((host) => reaches(from, host) && reaches(to, host))
  const user = hosts.find(({ id }) => id === usedOn)
  if (user && (await hostState(ctx, user.id)) !== 'fenced') return user.id
  const host = hosts.find(({ state }) => state === 'up')
  if (host) return host.id
  throw new CloudError('unavailable', 'None of the machines that reach both pools answers.')
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
        migrationStatus: 'success',
        state: stateAfter(before),
        faultMessage: null,
      },
      ...(typeId === undefined ? {} : { typeId }),
    }
    if (typeId !== undefined) await countUnder(tx, before, typeId)
    const row = await tx.db.volume.update({ where: { id: before.id }, data, include: withParts })
    await giveBackAt(tx, from, before.reservedGib)
    await buryCopies(tx, row)
    await noteVolume(tx, row, 'updated', run.operationId)
  })

/** How long the old data wait for the guest's host to learn where the volume is. Then they go by the tombstone. */
const learnsMs = 300_000

const steps: Workflow<MoveInput>['steps'] = [
  {
    name: 'copy',
    title: 'Copying it into the other pool',
    async run(run) {
      const row = await current(run)
      if (!row) throw new CloudError('conflict', 'The volume is gone.')
      if (row.poolId === run.input.poolId) return
      const { drivers, wish } = await placesOfMove(run)
      await whileAnswering(run.op, drivers, async (op) => {
        if (row.attachments.some(({ hostId }) => hostId !== null)) {
          await drivers.volumes.moveInUse(op, wish).catch(async (error: unknown) => {
            // An older agent does not know how to end a move either.
            if (error instanceof DriverError && error.code === 'unsupported')
              await run.keep({ refused: true })
            throw error
          })
          return
        }
        // The instance may have been deleted since, before or after the volume has moved.
        if (run.input.usedOn !== undefined && (await drivers.volumes.endMove(op, wish))) return
        await drivers.volumes.copyVolume(op, wish)
      })
    },
    /** Where the volume is when an instance has it, its host alone knows: a host that is silent is asked until it answers. */
    async undo(run) {
      if ((await current(run))?.poolId === run.input.poolId || run.data.refused === true) return
      const { drivers, wish, isFenced } = await placesOfMove(run)
      if (isFenced) return
      // The copy may be the volume until the host has said that it is not.
      const isMoved = await whileAnswering(run.op, drivers, async (op) => {
        if (run.input.usedOn !== undefined && (await drivers.volumes.endMove(op, wish))) return true
        await drivers.volumes.removeVolume(op, { id: wish.id, pool: wish.to })
        return false
      })
      // The failure came too late: the guest uses the copy.
      if (isMoved) await switchPools(run)
      else await run.keep({ notMoved: true })
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
      const { drivers, wish } = await placesOfMove(run)
      const users = (await current(run))?.attachments.map(({ instanceId }) => instanceId) ?? []
      try {
        if (users.length > 0) await deliverThings(rootOf(run), 'instance', users)
        await whileAnswering(run.op, drivers, async (op) => {
          const row = await current(run)
          // An administrator's change or a restored database may have brought the volume back meanwhile.
          if (row?.poolId === run.input.from || row?.movingToId === run.input.from) return
          await drivers.volumes.removeVolume(op, { id: wish.id, pool: wish.from })
        })
        // After a restore of the database it would be a wrong reason to remove the volume from a pool to which it has gone back.
        await spared(rootOf(run), 'volume', wish.id)
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
    const data = { state: stateAfter(before), movingToId: null, migrationStatus: 'error' }
    const row = await tx.db.volume.update({ where: { id: before.id }, data, include: withParts })
    await giveBackAt(tx, run.input.poolId, before.reservedGib)
    // A guest's host that could not be asked may have moved the volume. Then the copy has what the guest wrote last: it stays,
    // and administrators see it among what nobody knows.
    const isKnown = run.input.usedOn === undefined || run.data.notMoved === true || run.data.refused === true
    if (isKnown) await buryCopies(tx, row)
    await noteVolume(tx, row, 'updated', run.operationId)
  })
  const row = await current(run)
  // The undo may have found that the volume has moved all the same.
  if (!row || row.poolId === run.input.poolId) return
  const about = {
    resource: 'VOLUME',
    resourceId: row.id,
    projectId: row.projectId,
    action: 'makeVolume',
  } as const
  await tellFailure(run, about, error)
}

const hourMs = 3_600_000
const long = {
  lane: 'long',
  deadlineMs: 24 * hourMs,
  undoDeadlineMs: 14 * 24 * hourMs,
  steps,
  onFailed,
} as const
export const volumeRetyping: Workflow<MoveInput> = { ...long, action: 'volume.retype' }
export const volumeMigration: Workflow<MoveInput> = { ...long, action: 'volume.migrate' }
