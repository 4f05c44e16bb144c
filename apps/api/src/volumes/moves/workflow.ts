import type { VolumePoolModel } from '@stratolith/db'
import { driversOf, hostsForPlacement } from '../../hosts/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { whileAnswering } from '../../kernel/hosts.ts'
import { bury } from '../../kernel/tombstones.ts'
import type { Run, Workflow } from '../../kernel/workflow.ts'
import { tellFailure } from '../messages/service.ts'
import { giveBackAt, reaches, specOf } from '../pools.ts'
import { type VolumeRow, withParts } from '../queries.ts'
import { noteVolume } from '../row.ts'
import { countUnder } from './quota.ts'
import type { MoveInput } from './service.ts'

type Move = Run<MoveInput>
const moving = ['retyping', 'maintenance']
const settledAction = 'The volume is not being moved any more.'

const current = (run: Move): Promise<VolumeRow | null> =>
  run.ctx.deps.root.volume.findUnique({ where: { id: run.resourceId }, include: withParts })

async function poolOf(run: Move, id: string): Promise<VolumePoolModel> {
  const pool = await run.ctx.deps.root.volumePool.findUnique({ where: { id } })
  if (!pool) throw new CloudError('conflict', 'A pool of the move is gone.')
  return pool
}

/** The drivers of a host that reaches both pools; `wish.from` may be a pool of a host that is the only one to reach it. */
async function driversOfMove(run: Move) {
  const [from, to] = await Promise.all([poolOf(run, run.input.from), poolOf(run, run.input.poolId)])
  const ctx = { ...run.ctx, db: run.ctx.deps.root }
  const hostId = from.hostId ?? to.hostId ?? (await hostOfBoth(ctx, from, to))
  return { drivers: await driversOf(ctx, hostId), from: specOf(from), to: specOf(to) }
}

async function hostOfBoth(ctx: Ctx, from: VolumePoolModel, to: VolumePoolModel): Promise<string> {
  const hosts = (await hostsForPlacement(ctx)).filter((host) => reaches(from, host) && reaches(to, host))
  const host = hosts.find(({ state }) => state === 'up')
  if (host) return host.id
  throw new CloudError('unavailable', 'None of the machines that reach both pools answers.')
}

/** Runs `work` under the lock of the volume's row, while this move is what happens to the volume. */
async function whileMoving(run: Move, work: (tx: Ctx, row: VolumeRow) => Promise<void>): Promise<boolean> {
  return inTransaction({ ...run.ctx, db: run.ctx.deps.root }, async (tx) => {
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
        state: 'available',
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

const steps: Workflow<MoveInput>['steps'] = [
  {
    name: 'copy',
    title: 'Copying it into the other pool',
    async run(run) {
      const row = await current(run)
      if (!row) throw new CloudError('conflict', 'The volume is gone.')
      if (row.poolId === run.input.poolId) return
      const { drivers, from, to } = await driversOfMove(run)
      const wish = { id: row.id, from, to, copyId: run.operationId }
      await whileAnswering(run.op, drivers, (op) => drivers.volumes.copyVolume(op, wish))
    },
    async undo(run) {
      if ((await current(run))?.poolId === run.input.poolId) return
      const { drivers, to } = await driversOfMove(run)
      await whileAnswering(run.op, drivers, (op) =>
        drivers.volumes.removeVolume(op, { id: run.resourceId, pool: to }),
      )
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
      const { drivers, from } = await driversOfMove(run)
      // The volume is where it is to be. What cannot be removed now goes later, by the tombstone.
      await whileAnswering(run.op, drivers, (op) =>
        drivers.volumes.removeVolume(op, { id: run.resourceId, pool: from }),
      ).catch((err) => run.ctx.log.warn({ err, volume: run.resourceId }, 'old data of a volume are left'))
    },
  },
]

/** The volume stays where it is, with its type. */
async function onFailed(run: Move, error: CloudError): Promise<void> {
  await whileMoving(run, async (tx, before) => {
    const data = { state: 'available', movingToId: null, migrationStatus: 'error' }
    const row = await tx.db.volume.update({ where: { id: before.id }, data, include: withParts })
    await giveBackAt(tx, run.input.poolId, before.reservedGib)
    await buryCopies(tx, row)
    await noteVolume(tx, row, 'updated', run.operationId)
  })
  const row = await current(run)
  if (!row) return
  const about = {
    resource: 'VOLUME',
    resourceId: row.id,
    projectId: row.projectId,
    action: 'makeVolume',
  } as const
  await tellFailure(run, about, error)
}

const long = { lane: 'long', deadlineMs: 24 * 3_600_000, steps, onFailed } as const
export const volumeRetyping: Workflow<MoveInput> = { ...long, action: 'volume.retype' }
export const volumeMigration: Workflow<MoveInput> = { ...long, action: 'volume.migrate' }
