import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { baseOf } from '@stratolith/drivers/disk-base'
import { DriverError } from '@stratolith/drivers/errors'
import type { HostDrivers } from '@stratolith/drivers/host'
import type { Op } from '@stratolith/drivers/op'
import { connectAgent } from '@stratolith/drivers/remote'
import type { ObservedDisk } from '@stratolith/drivers/storage/interface'
import { pino } from 'pino'
import { copyFile, refuseLonger, stampOf, TooLong, usedBytes } from './files.ts'
import type { BackedDisk, Facts } from './format.ts'
import type { Progress } from './progress.ts'
import type { Target } from './target.ts'

export type HostDisk = {
  host: Facts['hosts'][number]
  drivers: HostDrivers
  disk: ObservedDisk
  /** The largest honest size of the file in bytes; null when not known. */
  most: number | null
}

/** Raised for a disk that cannot be backed up because of its guest’s QEMU, which the guest may have taken over. The backup goes on. */
export class LeftOut extends Error {}

/** Makes an Op without a deadline, because a copy may take hours; the agent shows every few seconds that it is alive. */
export const plainOp = (
  progress: (text: string) => void = () => undefined,
  signal = new AbortController().signal,
): Op => ({
  id: 'backup',
  signal,
  log: pino({ level: 'silent' }),
  progress,
})

/** The existing disks of the snapshot's instances, and a line about each instance without a disk. */
export async function findDisks(
  facts: Facts,
): Promise<{ disks: HostDisk[]; notes: string[]; close(): void }> {
  const disks: HostDisk[] = []
  const notes: string[] = []
  const agents: ReturnType<typeof connectAgent>[] = []
  for (const host of facts.hosts) {
    const here = facts.instances.filter((instance) => instance.hostId === host.id)
    if (here.length === 0) continue
    const drivers = connectAgent(host.endpoint)
    agents.push(drivers)
    const found = await drivers.storage.listDisks(plainOp()).catch((error: unknown) => {
      throw new Error(
        `Host ${host.name} does not answer, and ${here.length} instances are on it: ${error instanceof Error ? error.message : error} Start its agent and begin again; what is copied already is not copied again.`,
      )
    })
    for (const instance of here) {
      const own = found.filter((disk) => disk.instanceId === instance.id)
      disks.push(...own.map((disk) => ({ host, drivers, disk, most: mostOf(instance, disk.id) })))
      if (own.length === 0)
        notes.push(
          `Instance ${instance.name} (${instance.id}) has no disk: it was deleted meanwhile or is not built yet.`,
        )
    }
  }
  return { disks, notes, close: () => agents.forEach((agent) => void agent.close()) }
}

/** The largest honest size of the file of a disk of an instance, in bytes; null when not known. */
export function mostOf(
  { diskGib, localDisks = [] }: Pick<Facts['instances'][number], 'diskGib' | 'localDisks'>,
  diskId: string,
): number | null {
  const local = localDisks.find(({ id }) => id === diskId)
  if (local) return mostBytes(local.sizeMib / 1024)
  return diskGib === undefined ? null : mostBytes(diskGib)
}

/** The size of the whole disk plus more than enough for the tables of qcow2. */
const mostBytes = (gib: number): number => gib * 1024 ** 3 * (1 + 1 / 32) + 256 * 1024 ** 2

/** The sentence that says why a disk cannot be copied; null when it can. */
export function faultOf({ disk, most }: HostDisk): string | null {
  try {
    refuseLonger(disk.path, fs.statSync(disk.path, { throwIfNoEntry: false })?.size ?? 0, most)
    return null
  } catch (error) {
    if (error instanceof TooLong) return error.message
    throw error
  }
}

/** How long QEMU may copy, at 1 MiB/s, because a hostile QEMU could report progress for ever. A timer can wait 24 days at most. */
const patienceMs = (disk: string): number => Math.min(10 * 60_000 + usedBytes(disk) / 1024, 2 ** 31 - 1)

const attempts = 5

/**
 * Backs up a disk; null when the disk was deleted meanwhile. A copy in the journal or in the previous backup is used
 * again. Raises LeftOut when the copy fails because of the guest while its host answers.
 */
export async function backUpDisk(
  target: Target,
  one: HostDisk,
  previous: (path: string, stamp: string) => Promise<boolean>,
  progress: Progress,
): Promise<BackedDisk | null> {
  const { host, drivers, disk } = one
  const place = `disks/${host.name}/${disk.instanceId}/${disk.id}.qcow2`
  const about = path.join(target.dir, `${place}.json`)
  if (target.journal.files.has(place) && fs.existsSync(about))
    return JSON.parse(fs.readFileSync(about, 'utf8')) as BackedDisk
  for (let attempt = 1; ; attempt++) {
    try {
      const base = await blobOfBase(disk.path)
      const common = { host: host.name, instanceId: disk.instanceId, diskId: disk.id, base, path: place }
      const guest = await drivers.hypervisor.get(plainOp(), disk.instanceId)
      const lives = guest?.power === 'running' || guest?.power === 'paused'
      const backed = lives
        ? { ...common, live: true, at: await copyLive(target, one, place, progress) }
        : { ...common, live: false, at: await copyStill(target, one, place, previous, progress) }
      fs.writeFileSync(about, `${JSON.stringify(backed)}\n`, { mode: 0o600, flush: true })
      return backed
    } catch (error) {
      if (!fs.existsSync(disk.path)) return null
      if (error instanceof TooLong) throw new LeftOut(error.message)
      // The guest was started, stopped or has written meanwhile: the other way of copying may be right now.
      if (!(error instanceof DriverError || error instanceof Changed)) throw error
      if (attempt === attempts) {
        await drivers.storage.listDisks(plainOp())
        throw new LeftOut(`${disk.path} could not be copied: ${error.message}`)
      }
      await sleep(1_000)
    }
  }
}

class Changed extends Error {}

/** Lets QEMU copy the disk of a running guest, and copies the result. Returns the moment that the copy shows. */
async function copyLive(
  target: Target,
  { drivers, disk, most }: HostDisk,
  place: string,
  progress: Progress,
): Promise<string> {
  const { backup } = drivers.hypervisor
  if (!backup) throw new Error('The agent is older than this checkout: start the cloud anew.')
  const patience = patienceMs(disk.path)
  const signal = AbortSignal.timeout(patience)
  const tell = plainOp((text) => progress.tell(`${disk.instanceId}: QEMU has copied ${text}`), signal)
  const copy = await backup.copyDisk(tell, disk.instanceId, disk.id).catch((error: unknown) => {
    if (!signal.aborted) throw error
    throw new LeftOut(`${disk.path} was not copied by its QEMU in ${Math.ceil(patience / 60_000)} minutes.`)
  })
  try {
    const how = { onBytes: progress.add, most }
    const copied = await copyFile(copy.path, path.join(target.dir, place), how)
    target.journal.add({ path: place, ...copied })
    return copy.at
  } finally {
    // When the guest was deleted meanwhile, the copy is gone, too.
    await backup.dropCopy(plainOp(), disk.instanceId, disk.id).catch(() => undefined)
  }
}

/** Copies the disk as a file. Raises Changed when it was written meanwhile. */
async function copyStill(
  target: Target,
  { disk, most }: HostDisk,
  place: string,
  previous: (path: string, stamp: string) => Promise<boolean>,
  progress: Progress,
): Promise<string> {
  const stamp = stampOf(disk.path)
  const at = new Date().toISOString()
  if (stamp && (await previous(place, stamp))) {
    progress.add(usedBytes(disk.path))
    return at
  }
  const copied = await copyFile(disk.path, path.join(target.dir, place), { onBytes: progress.add, most })
  if (!stamp || stampOf(disk.path) !== stamp) throw new Changed(`${disk.path} changed while it was copied.`)
  target.journal.add({ path: place, ...copied, stamp })
  return at
}

/** The blob of which a disk's base was made, by the host's link beside the disk; the header of the disk is not trusted. */
export async function blobOfBase(disk: string): Promise<string | null> {
  const base = (await baseOf(disk)) ?? null
  if (base === null) return null
  const blobId = /\/bases\/([0-9a-f]{64})\.raw$/.exec(base)?.[1]
  if (!blobId) throw new Error(`The disk ${disk} lies on ${base}, which is no base of this cloud.`)
  return blobId
}
