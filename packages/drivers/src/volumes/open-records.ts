import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { VolumeKey } from './interface.ts'
import { volumeKey } from './spec.ts'

/** A volume that a guest of this host has. `uid`: the user of the guest's process. `closing`: the guest has lost it, and the storage does not know that yet. */
export type OpenRecord = { guest: string; uid: number; key: VolumeKey; closing: boolean }

const schema = z.object({ uid: z.int(), key: volumeKey, closing: z.boolean() })
const isMissing = (error: unknown) =>
  ['ENOENT', 'ENOTDIR'].includes(String((error as { code?: unknown }).code))

/**
 * The volumes of storage on other machines that guests of this host have, with what is needed to give them back: one file
 * for each in a folder of the guest, which only root reads. The key of the storage is not in them. The files outlive a
 * restart of the host, as the storage's own knowledge does.
 */
export function openRecords(root: string) {
  const file = (guest: string, volume: string) => path.join(root, guest, `${volume}.json`)

  async function ofGuest(guest: string): Promise<OpenRecord[]> {
    const found: OpenRecord[] = []
    for (const name of await namesIn(path.join(root, guest))) {
      if (!name.endsWith('.json')) continue
      const text = await readFile(path.join(root, guest, name), 'utf8').catch((error: unknown) => {
        if (isMissing(error)) return null
        throw error
      })
      if (text !== null) found.push({ guest, ...schema.parse(JSON.parse(text)) })
    }
    return found
  }
  return {
    ofGuest,
    async all(): Promise<OpenRecord[]> {
      const guests = await namesIn(root)
      return (await Promise.all(guests.map(ofGuest))).flat()
    },
    /** The guest of this host that has the volume; null when none has. */
    async holderOf(volume: string): Promise<string | null> {
      for (const guest of await namesIn(root))
        if ((await namesIn(path.join(root, guest))).includes(`${volume}.json`)) return guest
      return null
    },
    async write({ guest, ...record }: OpenRecord): Promise<void> {
      await mkdir(path.join(root, guest), { recursive: true, mode: 0o700 })
      const draft = `${file(guest, record.key.id)}.tmp`
      await writeFile(draft, JSON.stringify(record), { mode: 0o600, flush: true })
      await rename(draft, file(guest, record.key.id))
    },
    async remove(guest: string, volume: string): Promise<void> {
      await rm(file(guest, volume), { force: true })
      await rmdir(path.join(root, guest)).catch((error: NodeJS.ErrnoException) => {
        if (!isMissing(error) && error.code !== 'ENOTEMPTY') throw error
      })
    },
  }
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
