import pLimit from 'p-limit'
import { driversOf, hostsForPlacement, type PlacementHost } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { plainOp, whileAnswering } from '../../kernel/hosts.ts'
import { authorize } from '../../kernel/policy.ts'
import { wordsOf } from '../pools/reach.ts'
import type { StoreView } from './contract.ts'
import { isCopiedMark } from './reach.ts'
import { usualStore } from './store.ts'

const hostsAtOnce = 16
const answerMs = 20_000

/** How full the store of backups is that each machine reaches: every machine is asked. For administrators. */
export async function listStores(ctx: Ctx): Promise<StoreView[]> {
  authorize(ctx, 'volumePool:probe')
  const [hosts, sums, reach] = await Promise.all([
    hostsForPlacement(ctx),
    ctx.db.volumeBackup.groupBy({ by: ['hostId'], _count: true }),
    ctx.db.volumeBackupReach.findMany(),
  ])
  const marks = new Map(reach.map(({ hostId, mark }) => [hostId, mark]))
  const storeOf = (hostId: string) => marks.get(hostId) ?? hostId
  const byStore = Map.groupBy(sums, ({ hostId }) => storeOf(hostId))
  const countAt = (hostId: string) =>
    (byStore.get(storeOf(hostId)) ?? []).reduce((sum, { _count }) => sum + _count, 0)
  const sharedWith = (hostId: string) =>
    hosts.filter(({ id }) => id !== hostId && storeOf(id) === storeOf(hostId)).map(({ name }) => name)
  return pLimit(hostsAtOnce).map(hosts, async (host) => ({
    ...{ id: host.id, host: { id: host.id, name: host.name }, backups: countAt(host.id) },
    sharedWith: sharedWith(host.id),
    isCopied: isCopiedMark(marks.get(host.id)),
    ...(await spaceAt(ctx, host)),
  }))
}

async function spaceAt(
  ctx: Ctx,
  host: PlacementHost,
): Promise<Pick<StoreView, 'totalBytes' | 'freeBytes' | 'sharesDisk' | 'problem'>> {
  const nothing = { totalBytes: null, freeBytes: null, sharesDisk: null }
  if (host.state !== 'up') return { ...nothing, problem: 'The machine does not answer.' }
  try {
    const drivers = await driversOf(ctx, host.id)
    const space = await whileAnswering(plainOp(ctx, answerMs), drivers, (op) =>
      drivers.backups.probeStore(op, usualStore),
    )
    return { ...space, sharesDisk: space.sharesDisk ?? null, problem: null }
  } catch (error) {
    ctx.log.info({ err: error, host: host.name }, 'a machine does not reach its store of backups')
    return { ...nothing, problem: wordsOf(error) }
  }
}
