import type { VolumePoolModel } from '@stratolith/db'
import type { HostDrivers } from '@stratolith/drivers/host'
import type { Op } from '@stratolith/drivers/op'
import type { PoolSpec } from '@stratolith/drivers/volumes/interface'
import { driversOf, hostState, hostsForPlacement } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { whileAnswering } from '../../kernel/hosts.ts'
import type { Run } from '../../kernel/workflow.ts'
import { reaches, specOf } from '../pools.ts'
import type { MoveInput } from './service.ts'

/** The hosts and pools of a move, and what they say of its volume. */
export type Move = Run<MoveInput>
export const rootOf = (run: Move): Ctx => ({ ...run.ctx, db: run.ctx.deps.root })

async function poolOf(run: Move, id: string): Promise<VolumePoolModel> {
  const pool = await run.ctx.deps.root.volumePool.findUnique({ where: { id } })
  if (!pool) throw new CloudError('conflict', 'A pool of the move is gone.')
  return pool
}
const poolsOf = async (run: Move) => ({
  from: await poolOf(run, run.input.from),
  to: await poolOf(run, run.input.poolId),
})

/** Whether a host will not answer any more: it was declared to be off, or nobody knows it. */
async function isGone(ctx: Ctx, hostId: string): Promise<boolean> {
  const state = await hostState(ctx, hostId)
  return state === null || state === 'fenced'
}

/**
 * The drivers of a host that reaches both pools, and what it is asked; null when that host will not answer any more. `from` may
 * be a pool of a host that is the only one to reach it. A volume that an instance had when the move began is the work of the
 * instance's host, unless that will not answer.
 */
export async function placesOfMove(run: Move) {
  const { from, to } = await poolsOf(run)
  const ctx = rootOf(run)
  const hostId = from.hostId ?? to.hostId ?? (await hostOfBoth(ctx, from, to, run.input.usedOn))
  if (await isGone(ctx, hostId)) return null
  const drivers = await driversOf(ctx, hostId)
  const wish = { id: run.resourceId, from: specOf(from), to: specOf(to), copyId: run.operationId }
  return { drivers, wish }
}

async function hostOfBoth(
  ctx: Ctx,
  from: VolumePoolModel,
  to: VolumePoolModel,
  usedOn: string | undefined,
): Promise<string> {
  const hosts = (await hostsForPlacement(ctx)).filter((host) => reaches(from, host) && reaches(to, host))
  const user = hosts.find(({ id }) => id === usedOn)
  if (user && !(await isGone(ctx, user.id))) return user.id
  const host = hosts.find(({ state }) => state === 'up')
  if (host) return host.id
  throw new CloudError('unavailable', 'None of the machines that reach both pools answers.')
}

/** What a host says that a pool has of a volume; null when the pool has nothing that is a volume, or is to become one. */
export async function lookIn(op: Op, drivers: HostDrivers, key: { id: string; pool: PoolSpec }) {
  const found = (await drivers.volumes.listVolumes(op, key.pool)).filter(({ id }) => id === key.id)
  return found.find((one) => one.movedTo === undefined && one.isPart !== true) ?? null
}

/**
 * Whether the copy is the volume although the only host that reaches both pools will not answer any more, so far as another host
 * can tell. A copy has its name only when it is whole, and when it is that of an instance's volume, only after the old pool has
 * decided for it.
 */
export async function hasMovedFromAfar(run: Move): Promise<boolean> {
  const { from, to } = await poolsOf(run)
  const ctx = rootOf(run)
  const hosts = (await hostsForPlacement(ctx)).filter(({ state }) => state === 'up')
  const ask = async <T>(pool: VolumePoolModel, work: (op: Op, drivers: HostDrivers) => Promise<T>) => {
    // A pool of the host that is gone tells nobody anything.
    if (pool.hostId !== null) return null
    const host = hosts.find((one) => reaches(pool, one))
    if (!host)
      throw new CloudError('unavailable', `None of the machines that reach the pool ${pool.name} answers.`)
    const drivers = await driversOf(ctx, host.id)
    return whileAnswering(run.op, drivers, (op) => work(op, drivers))
  }
  const id = run.resourceId
  const isWhole = await ask(to, async (op, drivers) => {
    const copy = await lookIn(op, drivers, { id, pool: specOf(to) })
    return copy?.copyId === run.operationId
  })
  if (isWhole !== null) return isWhole
  const isLeft = await ask(from, async (op, drivers) => {
    const found = await drivers.volumes.listVolumes(op, specOf(from))
    return found.some((one) => one.id === id && one.movedTo === specOf(to).id)
  })
  return isLeft === true
}
