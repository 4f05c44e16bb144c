import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { type Places, places, root } from '../cloud/paths.ts'
import { type Running, running } from '../cloud/running.ts'
import { withoutSupervisor } from '../cloud/status.ts'
import { leftServices } from '../cloud/supervisor.ts'
import { baseBytes, copyBases } from './bases.ts'
import { dumpDatabase } from './database.ts'
import { backUpDisk, blobOfBase, faultOf, findDisks, type HostDisk, LeftOut } from './disks.ts'
import { readFactsOf } from './facts.ts'
import { copyFile, Damaged, freeBytes, hashFile, inWords, stampOf, TooLong, usedBytes } from './files.ts'
import {
  type BackedDisk,
  type BackedFile,
  blobFile,
  type Facts,
  formatVersion,
  type Manifest,
  readFacts,
  readManifest,
  syncFolder,
  writeDurably,
  writeManifest,
} from './format.ts'
import { Progress } from './progress.ts'
import { stateOf } from './state.ts'
import { openTarget, type Target } from './target.ts'

/**
 * Backs up a running cloud: first the database, at one moment; then everything that the database names. Things that
 * were deleted after that moment are left out and named; disks are as they are a little later than the database.
 * Returns false when something is missing in the backup because of a guest; the missing thing is named.
 */
export async function backUp(given: string): Promise<boolean> {
  const where = places()
  const cloud = running(where)
  if (!cloud?.databaseUrl) throw new Error(whyNot(where, cloud))
  const id = fs.readFileSync(path.join(where.data, 'cloud-id'), 'utf8').trim()
  const target = openTarget(path.resolve(given), where.data, id)
  try {
    if (target.resumed)
      console.log(`  … going on with ${target.name}: ${target.journal.files.size} files are there already`)
    const facts = await snapshot(target, cloud.databaseUrl, id)
    const { disks: found, notes, close } = await findDisks(facts)
    const left = found.flatMap((one) => faultOf(one) ?? [])
    const disks = found.filter((one) => faultOf(one) === null)
    try {
      await askForRoom(target, where, facts, disks)
      const blobs = await copyBlobs(target, where, facts, notes)
      left.push(...(await copyState(target, where, facts, notes)))
      const backed = await copyDisks(target, disks, notes, left)
      // The bases whose image bytes are gone.
      const bases = new Set(backed.flatMap((disk) => disk.base ?? []))
      for (const { id } of blobs) bases.delete(id)
      notes.push(...(await copyBases(target, where, bases, previousOf(target))))
      notes.push(...left.map((why) => `Left out: ${why}`))
      finish(target, { facts, blobs, disks: backed, notes })
      if (left.length > 0)
        console.error(`\nThis backup is not whole: ${left.length} files are left out. ${left.join(' ')}`)
      return left.length === 0
    } finally {
      close()
    }
  } finally {
    target.unlock()
  }
}

/** The sentence that says why the cloud cannot be backed up. It must run: its agents copy the disks, and its supervisor names the database. */
function whyNot(where: Places, cloud: Running | null): string {
  if (cloud) return `The cloud in ${where.data} is about to start. Try again when it is open.`
  const left = Object.keys(leftServices(where))
  return left.length > 0
    ? `The cloud in ${where.data} is ${withoutSupervisor(left)} Then back up.`
    : `No cloud runs in ${where.data}: its agents copy the disks. Start it with: npm start`
}

/** Dumps the database at one moment. A dump that an interrupted attempt has made is used again. */
async function snapshot(target: Target, url: string, id: string): Promise<Facts> {
  const file = path.join(target.dir, 'facts.json')
  const known = readFacts(file)
  if (known) return known
  const progress = new Progress('Database', 0)
  const folder = path.join(target.dir, 'database')
  const { read, dump } = await dumpDatabase(url, folder, { read: (client) => readFactsOf(client, id) })
  if (!read) throw new Error('The database did not answer the query of its facts.')
  for (const name of fs.readdirSync(folder).sort())
    target.journal.add({ path: `database/${name}`, ...(await hashFile(path.join(folder, name))) })
  writeDurably(file, JSON.stringify(read))
  const rows = dump.tables.reduce((sum, table) => sum + table.rows, 0)
  progress.end(`${dump.tables.length} tables, ${rows} rows`)
  return read
}

/** Checks, before anything big is written, that the backup will fit. */
async function askForRoom(
  target: Target,
  where: Places,
  facts: Facts,
  disks: readonly HostDisk[],
): Promise<void> {
  const images = facts.blobs
    .filter(({ id }) => !fs.existsSync(blobFile(target.folder, id)))
    .reduce((sum, { id }) => sum + usedBytes(path.join(where.data, 'images/blobs', id)), 0)
  const left = disks.filter(
    ({ host, disk }) => !target.journal.files.has(`disks/${host.name}/${disk.instanceId}/${disk.id}.qcow2`),
  )
  const bases = new Set(
    (
      await Promise.all(
        left.map(({ disk }) => (fs.existsSync(disk.path) ? blobOfBase(disk.path) : Promise.resolve(null))),
      )
    ).flatMap((blobId) => blobId ?? []),
  )
  for (const { id } of facts.blobs) bases.delete(id)
  const needed =
    images + baseBytes(where, bases) + left.reduce((sum, { disk }) => sum + usedBytes(disk.path), 0)
  const free = freeBytes(target.folder)
  if (free < needed * 1.05)
    throw new Error(
      `${target.folder} has ${inWords(free)} free and this backup needs ${inWords(needed)}. Make room and begin again; what is copied already is not copied again.`,
    )
}

/** Copies image bytes. Their name is their SHA-256, so bytes of an earlier backup are used again. */
async function copyBlobs(
  target: Target,
  where: Places,
  facts: Facts,
  notes: string[],
): Promise<Manifest['blobs']> {
  const source = (id: string) => path.join(where.data, 'images/blobs', id)
  const fresh = facts.blobs.filter(({ id }) => !fs.existsSync(blobFile(target.folder, id)))
  const progress = new Progress(
    'Images',
    fresh.reduce((sum, { id }) => sum + usedBytes(source(id)), 0),
  )
  const blobs: Manifest['blobs'] = []
  let copied = 0
  for (const { id, imageName } of facts.blobs) {
    const file = blobFile(target.folder, id)
    try {
      if (!fs.existsSync(file)) {
        await copyFile(source(id), file, { onBytes: progress.add, wanted: id })
        copied += 1
      }
      blobs.push({ id, sizeBytes: fs.statSync(file).size })
    } catch (error) {
      if (error instanceof Damaged)
        notes.push(`The bytes of image ${imageName} (${id}) are damaged: left out.`)
      else if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        notes.push(`Image ${imageName} was deleted meanwhile or is not there yet: left out.`)
      else throw error
    }
  }
  progress.end(`${copied} copied, ${blobs.length - copied} shared with earlier backups`)
  return blobs
}

/** The largest part of a guest’s serial log, in bytes: no more is ever shown, and the rest of the file is a hole. */
const mostOfSerialLog = 4 * 1024 ** 2
/** The largest record of a guest, in bytes. The config drive is one, and the guest’s QEMU may write to it. */
const mostOfRecord = 64 * 1024 ** 2

/** Copies secrets, settings and the records of hosts and guests. Returns sentences about files that are left out. */
async function copyState(target: Target, where: Places, facts: Facts, notes: string[]): Promise<string[]> {
  const left: string[] = []
  const previous = previousOf(target)
  const files = stateOf(where.data, facts)
  const progress = new Progress('Settings and records', 0)
  for (const name of files) {
    const place = `files/${name}`
    if (target.journal.files.has(place)) continue
    const source = path.join(where.data, name)
    const stamp = stampOf(source)
    if (!stamp || (await previous(place, stamp))) continue
    try {
      const from = name.endsWith('/serial.log') ? fs.statSync(source).size - mostOfSerialLog : 0
      const most = name.startsWith('hosts/') ? mostOfRecord : null
      const copied = await copyFile(source, path.join(target.dir, place), { from: Math.max(0, from), most })
      const still = stampOf(source) === stamp ? { stamp } : {}
      target.journal.add({ path: place, ...copied, ...still })
    } catch (error) {
      if (error instanceof TooLong) left.push(error.message)
      else if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      else notes.push(`${name} went while the backup was made: left out.`)
    }
  }
  progress.end(`${files.length} files`)
  return left
}

async function copyDisks(
  target: Target,
  disks: readonly HostDisk[],
  notes: string[],
  left: string[],
): Promise<BackedDisk[]> {
  const previous = previousOf(target)
  const total = disks.reduce((sum, { disk }) => sum + usedBytes(disk.path), 0)
  const progress = new Progress('Disks', total)
  const backed: BackedDisk[] = []
  for (const one of disks) {
    try {
      const disk = await backUpDisk(target, one, previous, progress)
      if (disk) backed.push(disk)
      else notes.push(`The disk of instance ${one.disk.instanceId} was deleted meanwhile: left out.`)
    } catch (error) {
      if (!(error instanceof LeftOut)) throw error
      left.push(error.message)
    }
  }
  progress.end(`${backed.length} (${backed.filter((disk) => disk.live).length} of guests that run)`)
  return backed
}

/** Makes the function that links a file from the previous backup when the file has not changed since. */
function previousOf(target: Target): (place: string, stamp: string) => Promise<boolean> {
  const { previous } = target
  const before = new Map<string, BackedFile>()
  try {
    if (previous) for (const file of readManifest(previous).files) before.set(file.path, file)
  } catch {
    // The previous backup is damaged or has another format: then everything is copied.
  }
  return async (place, stamp) => {
    const known = before.get(place)
    if (!previous || known?.stamp !== stamp) return false
    const file = path.join(target.dir, place)
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    fs.rmSync(file, { force: true })
    try {
      fs.linkSync(path.join(previous, place), file)
    } catch {
      return false // The file system has no links, or the file is gone there: then the file is copied.
    }
    target.journal.add(known)
    return true
  }
}

function finish(target: Target, parts: Pick<Manifest, 'facts' | 'blobs' | 'disks' | 'notes'>): void {
  const named = new Set(parts.disks.map((disk) => disk.path))
  const files = [...target.journal.files.values()].filter(
    (file) => !file.path.startsWith('disks/') || named.has(file.path),
  )
  const manifest: Manifest = {
    format: formatVersion,
    software: software(),
    finishedAt: new Date().toISOString(),
    files,
    ...parts,
  }
  writeManifest(target.dir, manifest)
  fs.renameSync(target.dir, path.join(target.folder, target.name))
  syncFolder(target.folder)
  for (const note of parts.notes) console.log(`  ! ${note}`)
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  const images = parts.blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0)
  console.log(
    `\nBacked up: ${path.join(target.folder, target.name)} (${inWords(bytes)}, and ${inWords(images)} of image bytes that all backups there share; the database as of ${parts.facts.at})`,
  )
}

function software(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { cwd: root, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown' // This folder is no checkout.
  }
}
