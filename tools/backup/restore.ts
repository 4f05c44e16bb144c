import fs from 'node:fs'
import path from 'node:path'
import { ask } from '../cloud/ask.ts'
import { askDatabase, nameOf } from '../cloud/database.ts'
import { makePlaces, type Places, places } from '../cloud/paths.ts'
import { restoreFile } from '../cloud/running.ts'
import { serviceUsers } from '../cloud/users.ts'
import { within } from './beneath.ts'
import { checkDump, readDump } from './database.ts'
import { copyFile, usedBytes } from './files.ts'
import { blobFile, writeDurably } from './format.ts'
import { keepStopped, refuseRunning, refuseUsed } from './locks.ts'
import { comesBack, isThere, type Plan, planRestore, type RestoreOptions, sentences } from './plan.ts'
import { Progress } from './progress.ts'
import { restoreTheDatabase } from './restore-database.ts'
import { makeBases, putDisk } from './restore-disks.ts'
import { chooseBackup, refuseUnnamed, verify } from './verify.ts'

/** The file in the data folder that records the progress of a restore, so that finished parts are not repeated. */
export type Marker = {
  folder: string
  backup: string
  /** The time that is part of the names of databases and folders that are set aside. */
  time: string
  disksFromBackup: boolean
  /** The disks whose place was free: a disk that is there now was put there by this restore. */
  disks: string[]
  database: boolean
  /** The database of the restore, without user and password; null: the embedded one. */
  into?: string | null
}

/**
 * Restores a backup into a data folder, which may be absent, empty or that of the same cloud (stopped; its
 * guests may run). Everything is verified before anything is changed. A restore that was cut short goes on.
 */
export async function restore(given: string, options: RestoreOptions): Promise<void> {
  const where = places()
  const folder = path.resolve(given)
  const begun = readMarker(where)
  if (begun && (begun.folder !== folder || (options.at !== undefined && options.at !== begun.backup)))
    throw new Error(
      `A restore of ${begun.backup} from ${begun.folder} into ${where.data} was cut short. End it first: npm run restore -- ${begun.folder}`,
    )
  if (begun) refuseOtherDatabase(begun)
  refuseRunning(where)
  if (process.env.DATABASE_URL) {
    await askDatabase(process.env.DATABASE_URL)
    await refuseUsed(process.env.DATABASE_URL)
  }
  const backup = chooseBackup(folder, begun?.backup ?? options.at)
  await verify(backup)
  const dump = readDump(path.join(backup.dir, 'database'))
  refuseUnnamed(backup, dump)
  checkDump(dump)
  const wanted = { ...options, disksFromBackup: begun?.disksFromBackup ?? options.disksFromBackup }
  const how = begun ? { ...wanted, replace: true } : wanted
  const plan = await planRestore(where, backup, how, begun?.disks)
  for (const line of sentences(where, plan, how)) console.log(`\n${line}`)
  if (begun) console.log('\nIt was begun before and goes on where it was.')
  if (!options.yes) {
    const answer = await ask('\nType “restore” to go on: ', 'restore')
    if (answer === 'nobody')
      throw new Error('Nothing was changed. Nobody is there to answer; without a question: add --yes')
    if (answer === 'no') {
      console.log('Nothing was changed.')
      return
    }
  }
  console.log('')
  await apply(where, plan, begun, wanted.disksFromBackup)
}

async function apply(
  where: Places,
  plan: Plan,
  begun: Marker | null,
  disksFromBackup: boolean,
): Promise<void> {
  makePlaces(where)
  // The cloud may have been started while the backup was read and the question was open, so this is checked again before
  // the marker is written, which keeps the cloud from starting.
  const release = keepStopped(where)
  const marker: Marker = begun ?? {
    folder: plan.backup.folder,
    backup: plan.backup.name,
    time: new Date().toISOString().replace(/\.\d+/, '').replaceAll(':', '-'),
    disksFromBackup,
    disks: [],
    database: false,
    into: databaseName(),
  }
  const note = (change: Partial<Marker>) => {
    Object.assign(marker, change)
    writeDurably(restoreFile(where), JSON.stringify(marker))
  }
  try {
    note({})
    await putBlobs(where, plan)
    await makeBases(where, plan)
    const disks = plan.disks.filter(comesBack)
    const total = disks.reduce((sum, { disk }) => sum + usedBytes(path.join(plan.backup.dir, disk.path)), 0)
    const progress = new Progress('Disks', total)
    for (const one of disks) {
      await putDisk(where, plan, one, progress, () =>
        note({ disks: [...new Set([...marker.disks, one.disk.diskId])] }),
      )
    }
    progress.end(`${marker.disks.length} put back`)
    await putFiles(where, plan)
    if (!marker.database) {
      await restoreTheDatabase(where, plan, marker.time)
      note({ database: true })
    }
    // The record of applied migrations belongs to the former database.
    fs.rmSync(path.join(where.run, 'migrated'), { force: true })
    fs.rmSync(restoreFile(where), { force: true })
  } finally {
    release()
  }
  const database = plan.databaseUrl
    ? ` with DATABASE_URL as it is now (${nameOf(plan.databaseUrl)}):`
    : ' with:'
  console.log(`\nRestored. Start the cloud${database} npm start`)
}

async function putBlobs(where: Places, plan: Plan): Promise<void> {
  const { folder } = plan.backup
  const progress = new Progress(
    'Images',
    plan.blobs.reduce((sum, id) => sum + usedBytes(blobFile(folder, id)), 0),
  )
  for (const id of plan.blobs) {
    const put = (source: string) =>
      within(
        where.data,
        `images/blobs/${id}`,
        async (target) => {
          const { uid, gid } = fs.statSync(path.dirname(target))
          await copyFile(source, target, { onBytes: progress.add, wanted: id, owner: { uid, gid } })
        },
        () => 0o711,
      )
    await within(folder, `blobs/${id}`, put)
  }
  progress.end(`${plan.blobs.length} put back`)
}

/** Puts files back. The network records of a host appear all at once, because half of them would count as all. */
async function putFiles(where: Places, plan: Plan): Promise<void> {
  const drafts = new Set<string>()
  const { api } = serviceUsers()
  const { folder, name } = plan.backup
  for (const { file, held, place } of plan.files) {
    const [, network] = /^(hosts\/[^/]+\/network)\//.exec(place) ?? []
    const target = network ? place.replace(network, `${network}.restoring`) : place
    if (network) drafts.add(network)
    const owner = { uid: 0, gid: held.group === 'api' ? api.gid : 0 }
    const put = (source: string) =>
      within(
        where.data,
        target,
        async (there) => {
          if (isThere(there)) return
          await copyFile(source, there, { mode: held.mode, wanted: file.sha256, owner })
        },
        modeOfFolder,
      )
    await within(folder, `${name}/${file.path}`, put)
  }
  for (const draft of drafts)
    await within(where.data, draft, (network) => fs.renameSync(`${network}.restoring`, network))
}

/** The mode of a folder: other users must be able to pass to their own files; secrets are closed. Each start sets all modes again (ownership.ts). */
const modeOfFolder = (folder: string): number =>
  folder.split('/')[0] === 'secrets' ? 0o700 : folder.includes('/instances') ? 0o711 : 0o755

function databaseName(): string | null {
  if (!process.env.DATABASE_URL) return null
  const { host, pathname } = new URL(process.env.DATABASE_URL)
  return `${host}${pathname}`
}

/** Refuses to continue an interrupted restore with another database, because the database that was set aside belongs to the first. */
function refuseOtherDatabase({ into }: Marker): void {
  if (into === undefined || into === databaseName()) return
  throw new Error(
    `The restore that was cut short goes into ${into ?? 'the embedded database'}, and not into ${databaseName() ?? 'that one'}. Set DATABASE_URL as it was.`,
  )
}

function readMarker(where: Places): Marker | null {
  const file = restoreFile(where)
  return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Marker) : null
}
