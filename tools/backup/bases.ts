import fs from 'node:fs'
import path from 'node:path'
import type { Places } from '../cloud/paths.ts'
import { copyFile, stampOf, usedBytes } from './files.ts'
import type { Facts } from './format.ts'
import type { Target } from './target.ts'
import type { Backup } from './verify.ts'

export const baseFile = (where: Places, blobId: string): string =>
  path.join(where.data, 'images/bases', `${blobId}.raw`)

/** The place of a base in a backup, for bases whose image is gone while a disk still uses them. */
const backedBase = (blobId: string) => `bases/${blobId}.raw`

/** The bytes that these bases take. */
export const baseBytes = (where: Places, ids: ReadonlySet<string>): number =>
  [...ids].reduce((sum, id) => sum + usedBytes(baseFile(where, id)), 0)

/** Copies the bases `wanted` as they are; notes each base that does not exist. */
export async function copyBases(
  target: Target,
  where: Places,
  wanted: ReadonlySet<string>,
  previous: (place: string, stamp: string) => Promise<boolean>,
): Promise<string[]> {
  const notes: string[] = []
  for (const id of wanted) {
    const place = backedBase(id)
    if (target.journal.files.has(place)) continue
    const source = baseFile(where, id)
    const stamp = stampOf(source)
    if (stamp === null) notes.push(`The base ${id} is not there: the disks on it cannot be restored.`)
    else if (!(await previous(place, stamp)))
      target.journal.add({ path: place, ...(await copyFile(source, path.join(target.dir, place))), stamp })
  }
  return notes
}

/** The source of a base when a backup is restored (`file`: a file in the backup's folder); null when there is none. */
export function sourceOfBase(
  where: Places,
  { manifest }: Backup,
  id: string,
): 'there' | { image: Facts['blobs'][number] } | { file: string; sha256: string } | null {
  if (fs.existsSync(baseFile(where, id))) return 'there'
  const image = manifest.facts.blobs.find((blob) => blob.id === id)
  const bytes =
    manifest.blobs.some((blob) => blob.id === id) || fs.existsSync(path.join(where.data, 'images/blobs', id))
  if (image && bytes) return { image }
  const file = manifest.files.find((one) => one.path === backedBase(id))
  return file ? { file: file.path, sha256: file.sha256 } : null
}
