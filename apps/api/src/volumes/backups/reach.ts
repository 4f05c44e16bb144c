import type { HostDrivers } from '@stratolith/drivers/host'
import pLimit from 'p-limit'
import { driversOf, hostsForPlacement, hostsUp, type PlacementHost } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { driverCode, plainOp, whileAnswering } from '../../kernel/hosts.ts'
import type { Reconciler } from '../../kernel/reconciler.ts'
import type { Run } from '../../kernel/workflow.ts'
import { hostFor } from '../driver.ts'
import type { VolumeRow } from '../queries.ts'
import { usualStore } from './store.ts'

/** Which hosts reach a store of backups. Hosts that have mounted one folder tell the same mark of it. */

type Stored = { hostId: string; storeMark: string | null }

/** The mark of the store of a host; null when the host has not told it yet. */
export async function markAt(ctx: Pick<Ctx, 'db'>, hostId: string): Promise<string | null> {
  return (await ctx.db.volumeBackupReach.findUnique({ where: { hostId } }))?.mark ?? null
}

/** The store in which new backups of a volume lie: the one that the host reaches which works on the volume. */
export async function storeFor(ctx: Ctx, volume: VolumeRow): Promise<Stored & { store: string }> {
  const hostId = await hostFor(ctx, volume.pool, volume.id)
  return { hostId, store: usualStore.id, storeMark: await markAt(ctx, hostId) }
}

/** The drivers of a host that reaches the store of a backup. */
export async function driversOfStore(run: Run<unknown>, row: Stored) {
  const ctx = { ...run.ctx, db: run.ctx.deps.root }
  return driversOf(ctx, await hostOfStore(ctx, row))
}

/** The hosts that reach the store of a backup, first the one that has made it. */
export async function hostsOfStore(
  ctx: Pick<Ctx, 'db'>,
  { hostId, storeMark }: Stored,
): Promise<PlacementHost[]> {
  const hosts = await hostsForPlacement(ctx)
  const rows =
    storeMark === null
      ? []
      : await ctx.db.volumeBackupReach.findMany({ where: { OR: [{ mark: storeMark }, { hostId }] } })
  const marks = new Map(rows.map((row) => [row.hostId, row.mark]))
  // A host may have been told to use another folder since.
  const reaching = hosts.filter(
    ({ id }) => (marks.get(id) ?? (id === hostId ? storeMark : undefined)) === storeMark,
  )
  return reaching.toSorted((a, b) => Number(b.id === hostId) - Number(a.id === hostId))
}

/** The host that is to be asked for a backup: one that is up, if there is one, and the one that has made it if that is up. */
export async function hostOfStore(
  ctx: Pick<Ctx, 'db'>,
  row: Stored,
  isRight: (host: PlacementHost) => boolean = () => true,
): Promise<string> {
  const right = (await hostsOfStore(ctx, row)).filter(isRight)
  return (right.find(({ state }) => state === 'up') ?? right[0])?.id ?? row.hostId
}

const hostsAtOnce = 16

/** Asks each host for the mark of its store. */
export const backupReach: Reconciler = {
  name: 'volumes.backup-stores',
  everyMs: 60_000,
  async run(ctx) {
    await pLimit(hostsAtOnce).map(await hostsUp(ctx), (host) =>
      learn(ctx, host.id).catch((err: unknown) =>
        ctx.log.info({ err, host: host.name }, 'a machine does not reach its store of backups'),
      ),
    )
    const hosts = (await hostsForPlacement(ctx)).map(({ id }) => id)
    await ctx.db.volumeBackupReach.deleteMany({ where: { hostId: { notIn: hosts } } })
  },
}

/** The hosts of which this process has proven that they reach the store of another host with the same mark, each with the mark. */
const proven = new Set<string>()

async function learn(ctx: Ctx, hostId: string): Promise<void> {
  const drivers = await driversOf(ctx, hostId)
  const told = await whileAnswering(plainOp(ctx), drivers, (op) => drivers.backups.probeStore(op, usualStore))
  if (told.mark === undefined) return
  const before = await markAt(ctx, hostId)
  const [plain, copied] = [told.mark, copiedMark(told.mark, hostId)]
  // One at a time: each leaves words under the names of the same hosts.
  const proof = await oneByOne(() => proofOf(ctx, hostId, plain))
  if (proof === 'unknown') return
  const mark = proof === 'copied' || (proof === 'alone' && before === copied) ? copied : plain
  if (before === mark) return
  // Backups of versions that knew no marks lie in the first store of which the host tells. Those that were made before the
  // mark was known to be a copied one, or no copied one any more, lie in the store of their host, too.
  const isSameStore = before === null || before === plain || before === copied
  if (
    isSameStore ||
    (isCopyOf(before, hostId) && (await hasBackupOf(ctx, drivers, { hostId, mark: before })))
  )
    await ctx.db.volumeBackup.updateMany({ where: { hostId, storeMark: before }, data: { storeMark: mark } })
  await ctx.db.volumeBackupReach.upsert({
    where: { hostId },
    create: { hostId, mark },
    update: { mark },
  })
}

/** Whether the store that had that mark is the one of this host now: an administrator has given a copied folder a mark of its own. */
async function hasBackupOf(
  ctx: Ctx,
  drivers: HostDrivers,
  { hostId, mark }: { hostId: string; mark: string },
): Promise<boolean> {
  const row = await ctx.db.volumeBackup.findFirst({
    where: { hostId, storeMark: mark, state: 'available' },
    select: { id: true, volumeId: true },
  })
  if (!row) return false
  const key = { ...row, store: usualStore }
  return (await whileAnswering(plainOp(ctx), drivers, (op) => drivers.backups.getBackup(op, key))) !== null
}

const oneByOne = pLimit(1)
/** How many other hosts leave a word at most. */
const mostAsked = 8

/** The mark of a store whose folder was copied with the mark of another one, so that no other host has the same. */
const copiedMark = (mark: string, hostId: string): string => `${mark} of ${hostId}`
const isCopyOf = (mark: string, hostId: string): boolean => mark.endsWith(` of ${hostId}`)
export const isCopiedMark = (mark: string | undefined): boolean => mark?.includes(' of ') === true

/**
 * Whether a host reaches the store of another one that tells the same mark, or a copy of its folder, such as on a machine that was
 * made of the image of the other one: the others leave words, and this host must read one of them. Alone: nobody else tells the
 * mark. Unknown: the others do not answer now. Agents of earlier versions cannot prove it, and are believed.
 */
async function proofOf(
  ctx: Ctx,
  hostId: string,
  mark: string,
): Promise<'same' | 'copied' | 'alone' | 'unknown'> {
  const key = `${hostId} ${mark}`
  if (proven.has(key)) return 'same'
  const others = await ctx.db.volumeBackupReach.findMany({ where: { mark, hostId: { not: hostId } } })
  if (others.length === 0) return 'alone'
  const up = (await hostsUp(ctx)).filter(({ id }) => others.some((row) => row.hostId === id))
  if (up.length === 0) return 'unknown'
  const leave = async (name: string) => {
    const word = crypto.randomUUID()
    const drivers = await driversOf(ctx, name)
    const all = await whileAnswering(plainOp(ctx), drivers, (op) =>
      drivers.backups.proveStore(op, { store: usualStore, name, word }),
    )
    return { word, all }
  }
  try {
    const asked = await Promise.allSettled(
      up.slice(0, mostAsked).map(async ({ id }) => ({ name: id, word: (await leave(id)).word })),
    )
    const left = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    const failure = asked.find((one) => one.status === 'rejected')
    // One whose store is not mounted just now does not keep the others from proving it.
    if (left.length === 0 && failure) throw failure.reason
    const { all } = await leave(hostId)
    const isRead = (one: { name: string; word: string }) =>
      left.some(({ name, word }) => name === one.name && word === one.word)
    if (!all.some(isRead)) return 'copied'
    proven.add(key)
  } catch (error) {
    if (driverCode(error) !== 'unsupported') throw error
  }
  return 'same'
}
