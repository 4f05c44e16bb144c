import type { VolumePoolModel } from '@stratolith/db'
import type { PoolSpace } from '@stratolith/drivers/volumes/interface'
import pLimit from 'p-limit'
import { driversOf, hostsForPlacement, type PlacementHost } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { toCloudError } from '../../kernel/errors.ts'
import { plainOp, whileAnswering } from '../../kernel/hosts.ts'
import type { PoolReach } from '../contract.ts'
import { callSpecOf, reaches } from '../pools.ts'

const hostsAtOnce = 16
const answerMs = 20_000

/** What a host must know of a pool, and which hosts are to reach it. */
export type ReachedPool = Pick<
  VolumePoolModel,
  'id' | 'name' | 'driver' | 'config' | 'secrets' | 'shared' | 'capacityGib' | 'hostId' | 'zone'
>

/** Asks each machine that is to reach the pool whether it does. For administrators: the answers have the drivers' words. */
export async function reachOf(ctx: Ctx, pool: ReachedPool): Promise<PoolReach[]> {
  const hosts = (await hostsForPlacement(ctx)).filter((host) => reaches(pool, host))
  return pLimit(hostsAtOnce).map(hosts, (host) => askHost(ctx, host, pool, 'probePool'))
}

/** Lets one of the machines make what the pool needs; returns their answers up to the first that has made it. */
export async function makeOnOne(ctx: Ctx, pool: ReachedPool): Promise<PoolReach[]> {
  const answers: PoolReach[] = []
  for (const host of (await hostsForPlacement(ctx)).filter((one) => reaches(pool, one))) {
    const answer = await askHost(ctx, host, pool, 'makePool')
    answers.push(answer)
    if (answer.problem === null) break
  }
  return answers
}

async function askHost(
  ctx: Ctx,
  host: PlacementHost,
  pool: ReachedPool,
  question: 'probePool' | 'makePool',
): Promise<PoolReach> {
  const named = { id: host.id, name: host.name }
  const nothing = { host: named, totalGib: null, freeGib: null }
  if (host.state !== 'up') return { ...nothing, problem: 'The machine does not answer.' }
  try {
    const drivers = await driversOf(ctx, host.id)
    const space: PoolSpace = await whileAnswering(plainOp(ctx, answerMs), drivers, (op) =>
      drivers.volumes[question](op, callSpecOf(ctx, pool)),
    )
    return { host: named, problem: null, ...space }
  } catch (error) {
    ctx.log.info({ err: error, host: host.name, pool: pool.id }, 'a machine does not reach a pool')
    return { ...nothing, problem: wordsOf(error) }
  }
}

/** The words of the driver, which only administrators read. */
export function wordsOf(error: unknown): string {
  const { message, detail } = toCloudError(error)
  return detail?.replace(/^[a-z_]+: /, '') ?? message
}
