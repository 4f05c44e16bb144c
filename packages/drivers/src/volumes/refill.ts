import { open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { DriverError, isDiskFull } from '../errors.ts'
import { syncDirectory } from '../sync.ts'
import type { Refill } from './interface.ts'
import { numberOf, tidy } from './layer-files.ts'
import { type Luks, layerBytes, type Manifest, readManifest, writeManifest } from './manifest.ts'

/** The new content of a volume while it is being written. Its name is not that of a layer. */
const draftIn = (dir: string) => path.join(dir, 'refill.draft')

/** Makes the file of a volume's new content by `fill`; nothing of the volume changes until `putInPlace`. */
export async function writeDraft(
  dir: string,
  id: string,
  luks: Luks | null,
  fill: (volume: Refill) => Promise<void>,
): Promise<void> {
  const { sizeBytes: visible, luks: own } = await manifestOf(dir, id)
  if (own?.keyHash !== luks?.keyHash)
    throw new DriverError('invalid', 'The content is encrypted in another way than the volume.')
  const sizeBytes = layerBytes({ sizeBytes: visible, luks: luks ?? undefined })
  await rm(draftIn(dir), { force: true })
  const file = await open(draftIn(dir), 'wx', 0o600)
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
    await rm(draftIn(dir), { force: true })
    throw isDiskFull(error) ? new DriverError('no_space', 'the disk is full', { cause: error }) : error
  } finally {
    await file.close()
  }
}

/** Makes the draft the only layer of a volume that no guest has. */
export async function putInPlace(dir: string, id: string, luks: Luks | null): Promise<Manifest> {
  const { sizeBytes, layers } = await manifestOf(dir, id)
  await tidy(dir, { sizeBytes, layers })
  const number = Math.max(...layers.map(numberOf)) + 1
  const name = `${number}.raw`
  // The volume may have become larger meanwhile.
  const draft = await open(draftIn(dir), 'r+')
  try {
    await draft.truncate(layerBytes({ sizeBytes, luks: luks ?? undefined }))
    await draft.sync()
  } finally {
    await draft.close()
  }
  await rename(draftIn(dir), path.join(dir, name))
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
