import { open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { DriverError, isDiskFull } from '../errors.ts'
import { syncDirectory } from '../sync.ts'
import type { Refill } from './interface.ts'
import { draftName, numberOf, removeDrafts, tidy } from './layer-files.ts'
import { type Luks, layerBytes, type Manifest, readManifest, writeManifest } from './manifest.ts'
import { demandSpace } from './space.ts'

/**
 * Makes the file of a volume's new content by `fill`, and returns its path; nothing of the volume changes until `putInPlace`.
 * Each call has a file of its own, whose name is not that of a layer. `neededBytes`: how much `fill` may write.
 */
export async function writeDraft(
  dir: string,
  id: string,
  luks: Luks | null,
  fill: (volume: Refill) => Promise<void>,
  neededBytes: number,
): Promise<string> {
  const { sizeBytes: visible, luks: own } = await manifestOf(dir, id)
  if (own?.keyHash !== luks?.keyHash)
    throw new DriverError('invalid', 'The content is encrypted in another way than the volume.')
  const sizeBytes = layerBytes({ sizeBytes: visible, luks: luks ?? undefined })
  await removeDrafts(dir)
  await demandSpace(dir, neededBytes, 'the new content of the volume')
  const draft = path.join(dir, draftName(crypto.randomUUID()))
  await fillFile(draft, sizeBytes, fill)
  return draft
}

/** Makes a file of that size of what `fill` writes; the rest of the file is a hole. On failure there is no file. */
export async function fillFile(
  place: string,
  sizeBytes: number,
  fill: (volume: Refill) => Promise<void>,
): Promise<void> {
  const file = await open(place, 'wx', 0o600)
  try {
    await file.truncate(sizeBytes)
    await fill({
      sizeBytes,
      async write(at, bytes) {
        for (let done = 0; done < bytes.length; )
          done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten
      },
    })
    await file.sync()
  } catch (error) {
    await rm(place, { force: true })
    throw isDiskFull(error) ? new DriverError('no_space', 'the disk is full', { cause: error }) : error
  } finally {
    await file.close()
  }
}

/** Makes the draft the only layer of a volume that no guest has. */
export async function putInPlace(
  dir: string,
  id: string,
  luks: Luks | null,
  draft: string,
): Promise<Manifest> {
  const { sizeBytes, layers } = await manifestOf(dir, id)
  const number = Math.max(...layers.map(numberOf)) + 1
  const name = `${number}.raw`
  // The volume may have become larger meanwhile.
  const file = await open(draft, 'r+')
  try {
    await file.truncate(layerBytes({ sizeBytes, luks: luks ?? undefined }))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path.join(dir, name))
  await syncDirectory(dir)
  const after: Manifest = { sizeBytes, layers: [{ name, format: 'raw' }], ...(luks ? { luks } : {}) }
  await writeManifest(dir, after)
  await tidy(dir, after)
  return after
}

async function manifestOf(dir: string, id: string): Promise<Manifest> {
  const manifest = await readManifest(dir)
  if (!manifest) throw new DriverError('not_found', `The volume ${id} is gone from its pool.`)
  return manifest
}
