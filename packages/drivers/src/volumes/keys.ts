import { createHash } from 'node:crypto'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  statfs,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import { giveFile } from '../give-file.ts'

/**
 * The keys of encrypted volumes on this host. They lie in memory alone: a file system on a disk would keep them after their
 * removal. The control plane gives them again after a restart of the machine.
 */
export type VolumeKeys = {
  keep(keys: readonly VolumeKeyText[]): Promise<void>
  /** Forgets the keys of all other volumes, and returns those of the volumes whose keys are not here. */
  retain(ids: readonly string[]): Promise<string[]>
  /**
   * Gives the user of a guest a copy of the key, and returns its file. Raises `unavailable` when the key is not here,
   * `conflict` when it is not the key of the volume.
   */
  lend(id: string, keyHash: string, guest: { id: string; uid: number }): Promise<string>
  /** Removes what lend has made, and the key itself. */
  takeBack(id: string, guestId: string): Promise<void>
  /** Runs `work` with a file of the key that this user may read until the end. */
  during<T>(key: string, uid: number, work: (file: string) => Promise<T>): Promise<T>
}
export type VolumeKeyText = { id: string; key: string }

/** The number of file systems in memory (tmpfs) in the answer of statfs. */
const inMemory = 0x01021994

export const hashOfKey = (key: string): string => createHash('sha256').update(key).digest('hex')

/** The folder of the keys of a host: in memory, also in containers, where /run is not. */
export const keysFolder = (cloud: string, host: string): string => `/dev/shm/stratolith-${cloud}-${host}`

/** `folder` is that of one host. */
export function createVolumeKeys(folder: string): VolumeKeys {
  const [own, lent, short] = ['keys', 'open', 'lent'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ]
  /** Removes, once, what a process that was killed has lent for a moment. */
  let swept: Promise<void> | null = null
  async function sweep(): Promise<void> {
    for (const name of await namesIn(short)) await rm(path.join(short, name), { force: true })
  }
  async function open(): Promise<void> {
    await mkdir(folder, { mode: 0o711 }).catch(unlessThere)
    const seen = await lstat(folder)
    if (!seen.isDirectory() || seen.uid !== 0)
      throw new DriverError('failed', `The folder ${folder} for keys is not root's.`)
    if ((await statfs(folder)).type !== inMemory)
      throw new DriverError(
        'unsupported',
        `${folder} is not in memory, so that no keys of volumes lie there.`,
      )
    await chmod(folder, 0o711)
    for (const [name, mode] of [[own, 0o700] as const, [lent, 0o711] as const, [short, 0o711] as const])
      await mkdir(name, { mode }).catch(unlessThere)
    swept ??= sweep()
    await swept
  }
  const keyOf = (id: string): Promise<string | null> => readFile(path.join(own, id), 'utf8').catch(gone)
  return {
    async keep(keys) {
      await open()
      for (const { id, key } of keys) await writeWhole(path.join(own, id), key)
    },
    async retain(ids) {
      const wanted = new Set(ids)
      const names = new Set(await namesIn(own))
      for (const name of names) if (!wanted.has(name)) await rm(path.join(own, name), { force: true })
      for (const guest of await namesIn(lent))
        for (const name of await namesIn(path.join(lent, guest)))
          if (!wanted.has(name)) await rm(path.join(lent, guest, name), { force: true })
      return ids.filter((id) => !names.has(id))
    },
    async lend(id, keyHash, guest) {
      const key = await keyOf(id)
      if (key === null)
        throw new DriverError(
          'unavailable',
          `This host does not have the key of the encrypted volume ${id} yet. The control plane gives it soon.`,
        )
      if (hashOfKey(key) !== keyHash)
        throw new DriverError('conflict', `The key that this host has is not that of the volume ${id}.`)
      await open()
      const home = path.join(lent, guest.id)
      await mkdir(home, { mode: 0o710 }).catch(unlessThere)
      await chown(home, 0, guest.uid)
      await chmod(home, 0o710)
      const file = path.join(home, id)
      await writeWhole(file, key)
      await giveFile(file, guest.uid)
      return file
    },
    async takeBack(id, guestId) {
      const home = path.join(lent, guestId)
      await rm(path.join(home, id), { force: true })
      await rm(path.join(own, id), { force: true })
      if ((await namesIn(home)).length === 0) await rm(home, { recursive: true, force: true })
    },
    async during(key, uid, work) {
      await open()
      const file = path.join(short, crypto.randomUUID())
      try {
        await writeWhole(file, key)
        await giveFile(file, uid)
        return await work(file)
      } finally {
        await rm(file, { force: true })
      }
    },
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  await rm(`${file}.part`, { force: true })
  await writeFile(`${file}.part`, text, { mode: 0o600, flag: 'wx' })
  await rename(`${file}.part`, file)
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch((error) => gone(error) ?? [])

function gone(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
