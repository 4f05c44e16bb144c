import { constants } from 'node:fs'
import { chmod, chown, mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { InstanceSpec } from './interface.ts'
import { recordedSpec } from './spec.ts'

/**
 * Paths of one guest's files below instances/<id>/, which nobody but root and the guest's own QEMU may enter.
 * The records and logs belong to root; `run` is QEMU's working directory with its sockets. Disks may
 * lie in the same directory: the storage driver makes and removes them, and giveFile() sets their owner.
 */
export type GuestPaths = {
  home: string
  spec: string
  record: string
  serialLog: string
  qemuLog: string
  /** The password that the guest has posted to the metadata service. The agent writes the file, which is removed with the guest. */
  password: string
  /** The guest's config drive, if any. */
  configDrive: string
  /** The record of the guest's user id. */
  uid: string
  run: string
}

export function guestPaths(hostDirectory: string, id: string): GuestPaths {
  const home = join(hostDirectory, 'instances', id)
  return {
    home,
    spec: join(home, 'spec.json'),
    record: join(home, 'run.json'),
    serialLog: join(home, 'serial.log'),
    qemuLog: join(home, 'qemu.log'),
    password: join(home, 'password'),
    configDrive: join(home, 'config.iso'),
    uid: join(home, 'uid'),
    run: join(home, 'run'),
  }
}

/**
 * The record of the guest's process, which outlives restarts of the agent. `off` marks a clean end; a
 * record that says `running` while there is no process means a crash. `bootId` names the boot of the
 * machine's kernel, to tell a crash from a restart of the machine.
 */
const recordSchema = z.object({
  phase: z.enum(['off', 'starting', 'running', 'crashed']),
  pid: z.int().nullable(),
  startedAt: z.string().nullable(),
  bootId: z.string(),
  reason: z.string().nullable(),
  /** Somebody has paused the running guest: then it does not go on by itself when the disk has room. */
  paused: z.literal(true).optional(),
})
export type RunRecord = z.infer<typeof recordSchema>

/** Replaces a file whole: a reader, or the next process after a crash, sees the old text or the new one. */
export async function writeAtomic(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  await rm(temporary, { force: true })
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

/** The recorded spec; null when there is no file. Raises when the file cannot be parsed. */
export async function readSpec(paths: GuestPaths): Promise<InstanceSpec | null> {
  const text = await readIfThere(paths.spec)
  return text === null ? null : recordedSpec.parse(JSON.parse(text))
}

export const writeSpec = (paths: GuestPaths, spec: InstanceSpec): Promise<void> =>
  writeAtomic(paths.spec, JSON.stringify(spec))

export async function readRecord(paths: GuestPaths): Promise<RunRecord | null> {
  const text = await readIfThere(paths.record)
  return text === null ? null : recordSchema.parse(JSON.parse(text))
}

export const writeRecord = (paths: GuestPaths, record: RunRecord): Promise<void> =>
  writeAtomic(paths.record, JSON.stringify(record))

/** Ids of the guests that have a spec on this host. */
export async function listGuestIds(hostDirectory: string): Promise<string[]> {
  const names = await readdir(join(hostDirectory, 'instances')).catch(orNone)
  const found = await Promise.all(
    names.map(async (id) => ({
      id,
      known: (await readIfThere(guestPaths(hostDirectory, id).spec)) !== null,
    })),
  )
  return found.filter((entry) => entry.known).map((entry) => entry.id)
}

export async function makeHome(paths: GuestPaths): Promise<void> {
  await mkdir(paths.home, { recursive: true, mode: 0o711 })
}

/**
 * Makes an empty run directory that belongs to the guest's user. Home gets the group of this user, which no
 * other user has: the guest's user may pass through home to its disks but not list it.
 */
export async function makeRunDirectory(paths: GuestPaths, uid: number): Promise<void> {
  await chown(paths.home, 0, uid)
  await chmod(paths.home, 0o710)
  await rm(paths.run, { recursive: true, force: true })
  await mkdir(paths.run, { mode: 0o700 })
  await chown(paths.run, uid, uid)
}

/** Removes our files of the guest, the spec last: as long as the spec is there the guest is known and the removal can be repeated. */
export async function removeFiles(paths: GuestPaths): Promise<void> {
  await rm(paths.run, { recursive: true, force: true })
  for (const path of [
    paths.serialLog,
    paths.qemuLog,
    paths.password,
    paths.configDrive,
    paths.uid,
    paths.record,
    paths.spec,
  ])
    for (const name of [`${path}.tmp`, path]) await rm(name, { force: true })
  for (const name of await readdir(paths.home).catch(orNone))
    if (/^copy-[0-9a-zA-Z_-]+\.qcow2$/.test(name)) await rm(join(paths.home, name), { force: true })
  await rmdir(paths.home).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error
  })
}

/** The last lines of a log, at most 2 KiB, without control characters. */
export async function tailOf(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => null)
  if (file === null) return ''
  try {
    const { size } = await file.stat()
    const length = Math.min(size, 2048)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length)
    return buffer
      .subarray(0, bytesRead)
      .toString('utf8')
      .replace(/[^\P{Cc}\n]+/gu, ' ')
      .trim()
  } finally {
    await file.close()
  }
}

export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
}

function orNone(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}

/** The password that the guest has posted to the agent's metadata service; "" when none. */
export async function readPassword(paths: GuestPaths): Promise<string> {
  return readFile(paths.password, 'latin1').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
}
export async function clearPassword(paths: GuestPaths): Promise<void> {
  await rm(paths.password, { force: true })
}
