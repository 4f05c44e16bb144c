import type { StoredBackup } from '@stratolith/drivers/backups/interface'
import pLimit from 'p-limit'
import type { z } from 'zod'
import { projectExists } from '../../directory/service.ts'
import { driversOf, hostsForPlacement, type PlacementHost } from '../../hosts/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { plainOp, whileAnswering } from '../../kernel/hosts.ts'
import { authorize } from '../../kernel/policy.ts'
import { startOperation, type Workflow } from '../../kernel/workflow.ts'
import { wordsOf } from '../pools/reach.ts'
import type {
  BackupView,
  storedBackupImportInput,
  storedBackupInput,
  UnknownBackup,
  UnknownBackups,
} from './contract.ts'
import { markAt } from './reach.ts'
import { makeKnown, openRecord } from './record.ts'
import { backupHistory } from './row.ts'
import { busyBackups } from './service.ts'
import { driversAt, keyOf, usualStore } from './store.ts'

/**
 * Backups that lie in a store and have no row, such as those that were made after the backup of the database that was
 * restored. Nothing removes them by itself: an administrator makes them known again by their records, or removes them.
 */

const hostsAtOnce = 16
const answerMs = 60_000
/** How many are described, and how many at once: the host reads the whole index of each. */
const mostShown = 100
const describedAtOnce = 4
/** How many rows are looked for at once. */
const atOnce = 10_000

type Found = { host: PlacementHost; backup: StoredBackup }

/** What lies in the stores without a row, and which machines have not told. For administrators. */
export async function listUnknownBackups(ctx: Ctx): Promise<UnknownBackups> {
  authorize(ctx, 'volumeBackup:import')
  const silent: UnknownBackups['silent'] = []
  const found: Found[] = []
  await pLimit(hostsAtOnce).map(await oneOfEachStore(ctx), async (host) => {
    try {
      found.push(...(await unknownAt(ctx, host)))
    } catch (error) {
      ctx.log.info({ err: error, host: host.name }, 'a machine does not tell what its store of backups has')
      silent.push({ host: { id: host.id, name: host.name }, problem: wordsOf(error) })
    }
  })
  const items = await pLimit(describedAtOnce).map(found.slice(0, mostShown), (one) => described(ctx, one))
  return { total: found.length, items: items.flat(), silent }
}

/** One of the hosts that reach each store; one that is up, if there is one. */
async function oneOfEachStore(ctx: Ctx): Promise<PlacementHost[]> {
  const [hosts, reach] = await Promise.all([hostsForPlacement(ctx), ctx.db.volumeBackupReach.findMany()])
  const marks = new Map(reach.map(({ hostId, mark }) => [hostId, mark]))
  const byStore = Map.groupBy(hosts, ({ id }) => marks.get(id) ?? id)
  return [...byStore.values()].flatMap((some) => some.find(({ state }) => state === 'up') ?? some.slice(0, 1))
}

async function unknownAt(ctx: Ctx, host: PlacementHost): Promise<Found[]> {
  const drivers = await driversOf(ctx, host.id)
  const all = await whileAnswering(plainOp(ctx, answerMs), drivers, (op) =>
    drivers.backups.listBackups(op, usualStore),
  )
  const known = new Set<string>()
  // A backup has its row before it is there, so that the rows are read after the store was.
  for (let from = 0; from < all.length; from += atOnce) {
    const ids = all.slice(from, from + atOnce).map(({ id }) => id)
    const rows = await ctx.db.volumeBackup.findMany({ where: { id: { in: ids } }, select: { id: true } })
    for (const { id } of rows) known.add(id)
  }
  return all.flatMap((backup) => (known.has(backup.id) ? [] : { host, backup }))
}

/** Empty for a backup that was removed meanwhile. */
async function described(ctx: Ctx, { host, backup }: Found): Promise<UnknownBackup[]> {
  const where = { ...backup, host: { id: host.id, name: host.name } }
  const nothing = { sizeBytes: null, storedBytes: null, name: '', volumeName: '', projectId: null }
  const key = keyOf({ ...backup, store: usualStore.id })
  try {
    const drivers = await driversOf(ctx, host.id)
    const seen = await whileAnswering(plainOp(ctx, answerMs), drivers, (op) =>
      drivers.backups.getBackup(op, key),
    )
    if (!seen) return []
    const { told, problem } = await recordAt(ctx, host.id, backup)
    const { sizeBytes, storedBytes } = seen
    const words = told && {
      ...{ name: told.name, volumeName: told.volumeName, projectId: told.projectId },
      dataTimestamp: told.dataTimestamp,
    }
    return [{ ...where, ...nothing, dataTimestamp: null, ...words, sizeBytes, storedBytes, problem }]
  } catch (error) {
    return [{ ...where, ...nothing, dataTimestamp: null, problem: wordsOf(error) }]
  }
}

/** The record that lies beside a backup; null with the reason when it cannot be used. */
async function recordAt(ctx: Ctx, hostId: string, { id, volumeId }: StoredBackup) {
  const drivers = await driversOf(ctx, hostId)
  const key = keyOf({ id, volumeId, store: usualStore.id })
  const text = await whileAnswering(plainOp(ctx, answerMs), drivers, (op) =>
    drivers.backups.readRecord(op, key),
  )
  const useless = (problem: string) => ({ told: null, problem })
  if (text === null)
    return useless(
      'It has no record beside it: a version of before has made it. Only an exported record helps.',
    )
  const told = openRecord(ctx, text)
  if (told === null) return useless('Another cloud has written its record, or one with another secret.')
  if (told.id !== id || told.volumeId !== volumeId) return useless('Its record is that of another backup.')
  return { told, problem: null }
}

/**
 * Makes a backup known again that lies in the store of that host, in the project that its record names, or in the one that
 * the administrator names. The store is asked for it again, as when a record is imported. Throws conflict when there is no
 * record that can be used, and invalid_input when the project is gone.
 */
export async function importStoredBackup(
  ctx: Ctx,
  input: z.output<typeof storedBackupImportInput>,
): Promise<BackupView> {
  authorize(ctx, 'volumeBackup:import')
  await demandHost(ctx, input.hostId)
  const { told, problem } = await recordAt(ctx, input.hostId, input)
  if (told === null) throw conflict(problem, 'backupState')
  const projectId = input.projectId ?? told.projectId
  if (projectId === null || !(await projectExists(ctx, projectId, 'live')))
    throw invalidInput('The project of this backup is gone. Choose the project that gets it.', 'projectId')
  const { hostId } = input
  return inTransaction(ctx, async (tx) => {
    // The record may be older than the mark, or than the way of the store to this host.
    const place = { hostId, store: usualStore.id, storeMark: await markAt(tx, hostId) }
    return makeKnown(tx, { ...told, ...place }, projectId)
  })
}

/** Begins to remove a backup that has no row from the store of that host. Throws conflict when the cloud knows it. */
export async function removeStoredBackup(ctx: Ctx, input: z.output<typeof storedBackupInput>): Promise<void> {
  authorize(ctx, 'volumeBackup:force_delete')
  await demandHost(ctx, input.hostId)
  const { id, volumeId, hostId } = input
  await inTransaction(ctx, async (tx) => {
    if (await isKnown(tx, id)) throw conflict(byNow, 'backupState')
    if ((await busyBackups(tx, [id])).has(id))
      throw conflict('This backup is being removed already.', 'backupState')
    await startOperation(tx, {
      ...{ ...backupHistory({ id, name: id, projectId: '', volumeId }, removal), projectId: null },
      ...{ hostId, input: { volumeId, hostId } },
    })
  })
}

const removal = 'volumeBackup.remove_stored'
const byNow = 'The cloud knows this backup by now. Delete it in the list of backups.'

const isKnown = async (ctx: Pick<Ctx, 'db'>, id: string): Promise<boolean> =>
  (await ctx.db.volumeBackup.findUnique({ where: { id }, select: { id: true } })) !== null

async function demandHost(ctx: Ctx, id: string): Promise<void> {
  if (!(await hostsForPlacement(ctx)).some((host) => host.id === id)) throw notFound('host', id)
}

export const storedBackupRemoval: Workflow<{ volumeId: string; hostId: string }> = {
  action: removal,
  lane: 'long',
  steps: [
    {
      name: 'remove',
      title: 'Removing its data',
      async run(run) {
        const { resourceId: id, input } = run
        // Somebody may have imported it while this waited.
        if (await isKnown({ db: run.ctx.deps.root }, id)) throw new CloudError('conflict', byNow)
        const drivers = await driversAt(run, input)
        const key = keyOf({ id, volumeId: input.volumeId, store: usualStore.id })
        await whileAnswering(run.op, drivers, (op) =>
          drivers.backups.removeBackup(op, { ...key, pool: null }),
        )
      },
    },
  ],
  async onFailed() {
    // What is left lies in the store as before, and the list shows it again.
  },
}
