import { readdir } from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import type { Op } from '../op.ts'
import type { ObservedVolume } from './interface.ts'
import { observed } from './making.ts'
import { readAnyManifest } from './manifest.ts'
import { movingIn } from './moving.ts'
import { type Folders, nothing } from './pool-folders.ts'

/** How many volumes are looked at at once. */
const filesAtOnce = 16
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What lies in that folder, by id. One damaged thing does not hide the others: it is left out, and the log has the reason. */
export async function listIn<T>(
  op: Op,
  folder: string,
  look: (dir: string, id: string) => Promise<T | null>,
): Promise<T[]> {
  const names = (await readdir(folder).catch(nothing)).filter((name) => uuid.test(movingIn(name) ?? name))
  const found = await pLimit(filesAtOnce).map(names, async (name) => {
    const id = movingIn(name) ?? name
    try {
      return await look(path.join(folder, name), id)
    } catch (err) {
      op.log.error({ err, id, folder }, 'a volume or snapshot cannot be listed')
      return null
    }
  })
  return found.filter((one) => one !== null)
}

export async function listVolumesIn(op: Op, { data, open }: Folders): Promise<ObservedVolume[]> {
  const ownOf = new Map<string, string>()
  for (const guest of await readdir(open).catch(nothing))
    for (const name of await readdir(path.join(open, guest)).catch(nothing))
      ownOf.set(name.slice(0, 36), path.join(open, guest))
  return listIn(op, data, async (dir, id) => {
    // What moves have left is told, too, so that it is removed one day.
    const manifest = await readAnyManifest(dir)
    if (!manifest) return null
    const seen = await observed({ id, dir, own: ownOf.get(id) ?? null }, manifest)
    if (manifest.movedTo) return { ...seen, mergeable: 0, movedTo: manifest.movedTo.pool.id }
    if (movingIn(path.basename(dir)) !== null) return { ...seen, isPart: true as const }
    const encrypted = manifest.luks ? { encrypted: true as const } : {}
    return { ...seen, ...encrypted, copyId: manifest.copyId ?? null }
  })
}
