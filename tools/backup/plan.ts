import fs from 'node:fs'
import path from 'node:path'
import type { Places } from '../cloud/paths.ts'
import { hostName } from '../cloud/running.ts'
import { sourceOfBase } from './bases.ts'
import { refuseLinks } from './beneath.ts'
import { connected } from './database.ts'
import { freeBytes, inWords } from './files.ts'
import type { BackedDisk, BackedFile, Manifest } from './format.ts'
import { type Held, heldAs, isMadeAnew } from './holds.ts'
import { tablesInTheWay } from './tables.ts'
import type { Backup } from './verify.ts'

export type RestoreOptions = { at?: string; yes: boolean; disksFromBackup: boolean; replace: boolean }
export type DiskPlan = {
  disk: BackedDisk
  /** The path relative to the data folder. */
  target: string
  do: 'put' | 'keep' | 'replace' | 'leave' | 'done'
  why: string
}
export const comesBack = (one: DiskPlan): boolean => one.do === 'put' || one.do === 'replace'
/** A file of the backup, its kind, and its place relative to the data folder. */
export type FilePlan = { file: BackedFile; held: Extract<Held, { kind: 'file' }>; place: string }
export type Plan = {
  backup: Backup
  /** The name of each host in the backup → its name here. */
  hosts: Map<string, string>
  blobs: string[]
  files: FilePlan[]
  disks: DiskPlan[]
  /** The database to restore into; null: the embedded one. */
  databaseUrl: string | null
  databaseFilled: boolean
}

/** Plans a restore from the present state, without changing anything. Throws the sentence that forbids it. */
export async function planRestore(
  where: Places,
  backup: Backup,
  options: RestoreOptions,
  /** The ids of disks that an interrupted attempt has put back. */
  done: readonly string[] = [],
): Promise<Plan> {
  const { manifest } = backup
  refuseOtherCloud(where, manifest)
  const hosts = mapHosts(where, manifest)
  const runs = runningGuests()
  const disks = manifest.disks
    .map((disk) => planDisk(where, hosts, runs, disk, options.disksFromBackup))
    .map((one) => (one.do !== 'put' && done.includes(one.disk.diskId) ? putBefore(one) : one))
    .map((one) => (comesBack(one) ? withBase(where, backup, one) : one))
  const blobs = manifest.blobs
    .map(({ id }) => id)
    .filter((id) => !fs.existsSync(path.join(where.data, 'images/blobs', id)))
  const databaseUrl = process.env.DATABASE_URL ?? null
  const plan: Plan = {
    backup,
    hosts,
    blobs,
    files: manifest.files.flatMap((file) => planFile(where, manifest, hosts, disks, file)),
    disks,
    databaseUrl,
    databaseFilled: databaseUrl !== null && (await connected(databaseUrl, tablesInTheWay)).length > 0,
  }
  for (const place of ['images/blobs/any', 'images/bases/any']) refuseLinks(where.data, place)
  for (const { target } of disks.filter(comesBack)) refuseLinks(where.data, target)
  for (const { place } of plan.files) refuseLinks(where.data, place)
  askForRoom(where, plan)
  return plan
}

/** True when anything is there, also a broken link. */
export const isThere = (file: string): boolean => fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined

function refuseOtherCloud(where: Places, { facts }: Manifest): void {
  const read = (name: string) => {
    const file = path.join(where.data, name)
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : null
  }
  const short = read('cloud-id')
  const mark = read('cloud.json')
  const id = mark === null ? null : ((JSON.parse(mark) as { id?: string }).id ?? null)
  if (
    (short !== null && short !== facts.cloud) ||
    (id !== null && facts.cloudId !== null && id !== facts.cloudId)
  )
    throw new Error(
      `The data folder ${where.data} is of another cloud (${id ?? short}) than this backup (${facts.cloudId ?? facts.cloud}). Choose another with STRATOLITH_DATA.`,
    )
  const namespaces = fs.existsSync('/run/netns') ? fs.readdirSync('/run/netns') : []
  if (short === null && namespaces.some((name) => name.startsWith(`st${facts.cloud}-`)))
    throw new Error(
      `This cloud has networks on this machine already, and ${where.data} is not its data folder. Set STRATOLITH_DATA to that, or end that one with: npm run destroy`,
    )
}

/** Maps the hosts of a backup to those here. A backup of a single machine can be restored on a machine with another name. */
function mapHosts(where: Places, { facts }: Manifest): Map<string, string> {
  const names = facts.hosts.map((host) => host.name)
  const [only] = names
  const alone =
    names.length === 1 && only !== undefined && !fs.existsSync(path.join(where.data, 'hosts', only))
  return new Map(names.map((name) => [name, alone ? hostName() : name]))
}

/** The ids of the guests that run on this machine. */
export function runningGuests(): Set<string> {
  const ids = fs.readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    try {
      const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      return /qemu/.test(words) ? (/-uuid\0([0-9a-f-]{36})\0/.exec(words)?.[1] ?? []) : []
    } catch {
      return [] // The process ended meanwhile.
    }
  })
  return new Set(ids)
}

function planDisk(
  where: Places,
  hosts: ReadonlyMap<string, string>,
  runs: ReadonlySet<string>,
  disk: BackedDisk,
  fromBackup: boolean,
): DiskPlan {
  const here = hosts.get(disk.host) ?? disk.host
  const target = `hosts/${here}/instances/${disk.instanceId}/disk-${disk.diskId}.qcow2`
  if (!isThere(path.join(where.data, target))) return { disk, target, do: 'put', why: 'it is not there' }
  if (!fromBackup) return { disk, target, do: 'keep', why: 'it is there' }
  return runs.has(disk.instanceId)
    ? { disk, target, do: 'keep', why: 'its guest runs' }
    : { disk, target, do: 'replace', why: 'its guest does not run' }
}

const putBefore = (one: DiskPlan): DiskPlan => ({ ...one, do: 'done', why: 'it was put back before' })

/** Leaves out a disk whose base cannot be made. */
const withBase = (where: Places, backup: Backup, one: DiskPlan): DiskPlan =>
  one.disk.base === null || sourceOfBase(where, backup, one.disk.base) !== null
    ? one
    : { ...one, do: 'leave', why: 'what it lies on is not in the backup' }

/** Plans a file. Existing files stay: keys and settings of the same cloud, records of its networks and guests. */
function planFile(
  where: Places,
  manifest: Manifest,
  hosts: ReadonlyMap<string, string>,
  disks: readonly DiskPlan[],
  file: BackedFile,
): FilePlan[] {
  const held = heldAs(file.path, manifest.facts)
  if (held?.kind !== 'file' || isMadeAnew(held.place)) return []
  const { host, instanceId, isNetwork } = held
  const here = host === null ? null : (hosts.get(host) ?? host)
  const place = here === null ? held.place : held.place.replace(/^hosts\/[^/]+/, `hosts/${here}`)
  if (isThere(path.join(where.data, place))) return []
  // Records of a guest are written again when it is started, and records of networks are kept under the host's own name.
  if (instanceId !== null) {
    const back = disks.some(
      (one) => one.disk.instanceId === instanceId && (comesBack(one) || one.do === 'done'),
    )
    if (!back || place.endsWith('/spec.json')) return []
  }
  if (isNetwork && (here !== host || isThere(path.join(where.data, `hosts/${here}/network`)))) return []
  return [{ file, held, place }]
}

function askForRoom(where: Places, plan: Plan): void {
  const { manifest } = plan.backup
  const sizes = new Map(manifest.files.map((file) => [file.path, file.sizeBytes]))
  const disks = plan.disks.filter(comesBack)
  const bases = new Set(disks.flatMap(({ disk }) => disk.base ?? []))
  const needed =
    manifest.blobs
      .filter(({ id }) => plan.blobs.includes(id))
      .reduce((sum, blob) => sum + blob.sizeBytes, 0) +
    manifest.facts.blobs.filter(({ id }) => bases.has(id)).reduce((sum, blob) => sum + blob.virtualBytes, 0) +
    disks.reduce((sum, { disk }) => sum + (sizes.get(disk.path) ?? 0), 0)
  let parent = where.data
  while (!fs.existsSync(parent)) parent = path.dirname(parent)
  const free = freeBytes(parent)
  if (free < needed)
    throw new Error(
      `${where.data} has ${inWords(free)} free and this restore needs up to ${inWords(needed)}.`,
    )
}

/** The plan as sentences for the operator. */
export function sentences(where: Places, plan: Plan, options: RestoreOptions): string[] {
  const { manifest } = plan.backup
  const nameOf = new Map(manifest.facts.instances.map((instance) => [instance.id, instance.name]))
  const some = (names: string[]) =>
    `${names.slice(0, 20).join(', ')}${names.length > 20 ? `, and ${names.length - 20} more` : ''}`
  const disksOf = (what: DiskPlan['do']) =>
    plan.disks
      .filter((one) => one.do === what)
      .map(({ disk }) => nameOf.get(disk.instanceId) ?? disk.instanceId)
  const [put, kept, replaced, left] = [disksOf('put'), disksOf('keep'), disksOf('replace'), disksOf('leave')]
  const running = plan.disks.filter((one) => one.why === 'its guest runs')
  const ran = manifest.facts.instances.filter((one) => ['active', 'paused'].includes(one.vmState))
  const renamed = [...plan.hosts].filter(([old, now]) => old !== now)
  return [
    `Restore of the backup ${plan.backup.name} (cloud ${manifest.facts.cloud}, database as of ${manifest.facts.at}, made by ${manifest.software}) into ${where.data}:`,
    databaseSentence(where, plan, options),
    `Images: ${plan.blobs.length} are put back, ${manifest.blobs.length - plan.blobs.length} are there.`,
    put.length > 0 ? `Disks that are put back, because they are not there: ${some(put)}.` : '',
    kept.length > 0
      ? `Disks that stay as they are, because they are there${running.length > 0 ? ` (${running.length} of guests that run)` : ''}: ${some(kept)}.${options.disksFromBackup ? '' : ' --disks-from-backup takes the backup’s for guests that do not run.'}`
      : '',
    replaced.length > 0
      ? `Disks that are taken from the backup; the ones there go into the host’s trash: ${some(replaced)}.`
      : '',
    left.length > 0
      ? `Disks that are left out, because the image that they were made of is not in the backup: ${some(left)}.`
      : '',
    `Secrets, settings and records: ${plan.files.length} are put back; what is there stays.`,
    ...renamed.map(([old, now]) => `Host ${old} of the backup is this machine, ${now}.`),
    'Nothing else is touched: guests that run go on, and what the backup does not know is shown as unknown.',
    ran.length > 0
      ? `These ran when the backup was made; those that do not run now wait to be started: ${some(ran.map((one) => one.name))}.`
      : '',
    ...manifest.notes.map((note) => `Note of the backup: ${note}`),
  ].filter((line) => line !== '')
}

function databaseSentence(
  where: Places,
  { databaseUrl, databaseFilled }: Plan,
  options: RestoreOptions,
): string {
  if (databaseUrl === null)
    return fs.existsSync(path.join(where.data, 'postgres'))
      ? 'The database becomes the backup’s; the one that is there is kept as postgres.before-restore-<time>.'
      : 'The database is made anew.'
  const { host, pathname } = new URL(databaseUrl)
  const name = `The database ${pathname.slice(1)} at ${host}`
  if (!databaseFilled) return `${name}, which is empty, is filled.`
  if (!options.replace)
    throw new Error(
      `${name} is not empty. Give an empty one, or add --replace: then its contents are first written to the data folder and then replaced.`,
    )
  return `${name} becomes the backup’s; what it holds is first written to database.before-restore-<time> in the data folder.`
}
