import { constants } from 'node:fs'
import { type FileHandle, readdir } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { FrozenVolume, VolumeContent } from './interface.ts'
import {
  filesIn,
  finishPart,
  type LayerFile,
  linkLayers,
  numberOf,
  readableByAll,
  removePart,
  removeWhole,
} from './layer-files.ts'
import { openPlain } from './layers.ts'
import {
  type FrozenManifest,
  layerBytes,
  type Manifest,
  privateFolder,
  readFrozen,
  readManifest,
  readSnapshot,
  writeManifest,
} from './manifest.ts'
import { type LayerPart, qcow2Parts } from './qcow2.ts'
import { rawParts } from './raw.ts'
import { freeze, type Held } from './snapshots.ts'

/**
 * What a volume contained at one moment, kept for a backup: a folder of links to its layers, like a snapshot. The backup of an
 * attached volume reads the layers while the guest writes into a new one.
 */

/** Keeps what the volume contains now in the folder `dir`, whose parent exists. */
export async function keepVolume(op: Op, held: Held, dir: string): Promise<void> {
  await removePart(dir)
  const { manifest, quiesced } = await freeze(op, held)
  const numbers = manifest.layers.map(numberOf)
  await keep(dir, filesIn(held.dir, manifest), {
    ...{ sizeBytes: manifest.sizeBytes, luks: manifest.luks, volumeId: held.id, quiesced },
    ...{ upTo: numbers.at(-1) ?? 0, since: sinceOf(manifest, numbers) },
  })
}

/** Keeps what a snapshot contains. A snapshot does not say what has changed since another one. */
export async function keepSnapshot(snapshotDir: string, dir: string): Promise<void> {
  await removePart(dir)
  const manifest = await readSnapshot(snapshotDir)
  if (!manifest)
    throw new DriverError('not_found', `The snapshot ${path.basename(snapshotDir)} is gone from its pool.`)
  const { sizeBytes, luks, volumeId, quiesced } = manifest
  const about = { sizeBytes, luks, volumeId, quiesced, upTo: null, since: null }
  await keep(dir, filesIn(snapshotDir, manifest), about)
}

/** The layers above the border of the last backup, when those below it are still the ones of then. */
function sinceOf({ backedUp }: Manifest, numbers: readonly number[]): FrozenManifest['since'] {
  if (!backedUp) return null
  const fresh = numbers.filter((number) => number > backedUp.upTo).length
  // A volume that went back to a snapshot has new numbers for all of its layers.
  return fresh < numbers.length ? { id: backedUp.id, fresh } : null
}

async function keep(
  dir: string,
  files: readonly LayerFile[],
  about: Omit<FrozenManifest, 'layers'>,
): Promise<void> {
  const part = `${dir}.part`
  await privateFolder(part)
  // An interrupted call may have left one of them to a guest.
  for (const file of files) await readableByAll(file.path)
  await writeManifest(part, { ...about, layers: await linkLayers(part, files) })
  await finishPart(dir)
}

/**
 * Writes into the manifest of a volume that a backup has what was kept in `dir`: from now on the volume can tell what has
 * changed since. Nothing happens when the layers of then are not those of the volume any more.
 */
export async function noteBackup(volumeDir: string, dir: string, backupId: string): Promise<void> {
  const [manifest, frozen] = [await readManifest(volumeDir), await readFrozen(dir)]
  if (!manifest || frozen?.upTo === undefined || frozen.upTo === null) return
  const { upTo } = frozen
  if (!manifest.layers.some((layer) => numberOf(layer) === upTo)) return
  await writeManifest(volumeDir, { ...manifest, backedUp: { id: backupId, upTo } })
}

/**
 * Removes what failed backups of a volume have kept in the folder: when the volume goes, nobody needs that any more. Raises
 * `unavailable` while a backup of the volume reads it.
 */
export async function dropAllOf(
  op: Op,
  folder: string,
  volumeId: string,
  isRead: (backupId: string) => boolean,
): Promise<void> {
  const its: string[] = []
  for (const id of await readdir(folder).catch(none)) {
    const kept = await readFrozen(path.join(folder, id)).catch((err: unknown) => {
      op.log.error({ err, id }, 'what a backup has kept is damaged')
      return null
    })
    if (kept?.volumeId === volumeId) its.push(id)
  }
  if (its.some(isRead))
    throw new DriverError('unavailable', `A backup of the volume ${volumeId} is being made.`)
  for (const id of its) await removeWhole(path.join(folder, id.replace(/\.part$/, '')))
}

function none(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}

type OpenLayer = {
  handle: FileHandle
  parts: (at: number, length: number) => Promise<LayerPart[]>
}

/** Opens what is kept in the folder. Close it, which calls `onClosed`. `converter` is the user id for image tools. */
export async function openFrozenIn(
  op: Op,
  dir: string,
  converter: number | undefined,
  onClosed: () => void,
): Promise<FrozenVolume> {
  const manifest = await readFrozen(dir)
  if (!manifest) throw new DriverError('not_found', `What ${dir} kept is gone.`)
  const { sizeBytes, luks, quiesced, since } = manifest
  const files = { ...manifest, layers: filesIn(dir, manifest) }
  const layers = await openLayers(op, files, converter).catch((error: unknown) => {
    onClosed()
    throw error
  })
  const close = async () => {
    onClosed()
    await closeAll(layers)
  }
  return {
    ...{ sizeBytes, luks: luks ?? null, quiesced, close },
    since: since?.id ?? null,
    async hasChanged(at, length) {
      if (!since) return true
      for (const { parts } of layers.slice(0, since.fresh))
        if ((await parts(at, length)).length > 0) return true
      return false
    },
    read: (at, length, into) => readLayers(layers, at, length, into),
  }
}

/** Lets `work` read what the layers in the folder of a volume contain, which nobody changes meanwhile. */
export async function readVolume(
  op: Op,
  dir: string,
  converter: number | undefined,
  work: (content: VolumeContent) => Promise<void>,
): Promise<void> {
  const manifest = await readManifest(dir)
  if (!manifest) throw new DriverError('not_found', `The volume ${path.basename(dir)} is gone from its pool.`)
  await readFiles(op, { ...manifest, layers: filesIn(dir, manifest) }, converter, work)
}

type Files = Pick<Manifest, 'sizeBytes' | 'luks'> & { layers: readonly LayerFile[] }

/** Lets `work` read what these layers contain, which nobody changes meanwhile. */
export async function readFiles(
  op: Op,
  files: Files,
  converter: number | undefined,
  work: (content: VolumeContent) => Promise<void>,
): Promise<void> {
  const layers = await openLayers(op, files, converter)
  try {
    await work({
      ...{ sizeBytes: files.sizeBytes, luks: files.luks ?? null },
      read: (at, length, into) => readLayers(layers, at, length, into),
    })
  } finally {
    await closeAll(layers)
  }
}

/** Opens layers, the newest first. */
async function openLayers(op: Op, files: Files, converter: number | undefined): Promise<OpenLayer[]> {
  const layers: OpenLayer[] = []
  try {
    for (const file of files.layers) layers.unshift(await openLayer(op, file, layerBytes(files), converter))
    return layers
  } catch (error) {
    await closeAll(layers)
    throw error
  }
}

async function closeAll(layers: readonly OpenLayer[]): Promise<void> {
  for (const { handle } of layers) await handle.close()
}

async function openLayer(
  op: Op,
  { path: file, format }: LayerFile,
  sizeBytes: number,
  converter: number | undefined,
): Promise<OpenLayer> {
  const handle = await openPlain(file, constants.O_RDONLY)
  try {
    const parts =
      format === 'raw' ? await rawParts(op, handle, converter) : await qcow2Parts(handle, file, sizeBytes)
    return { handle, parts }
  } catch (error) {
    await handle.close()
    throw error
  }
}

type Gap = { at: number; length: number }

/** Reads a range through layers, the newest first; null when all of it is zeros. */
async function readLayers(
  layers: readonly OpenLayer[],
  at: number,
  length: number,
  into?: Buffer,
): Promise<Buffer | null> {
  let buffer: Buffer | null = null
  let gaps: Gap[] = [{ at, length }]
  const zeros: Gap[] = []
  for (const { handle, parts } of layers) {
    const left: Gap[] = []
    for (const gap of gaps) {
      const found = await parts(gap.at, gap.length)
      for (const part of found) {
        if (part.from === null) {
          zeros.push(part)
          continue
        }
        buffer ??= into ?? Buffer.allocUnsafeSlow(length)
        await readPart(handle, buffer.subarray(part.at - at, part.at - at + part.length), part.from)
      }
      left.push(...gapsBetween(gap, found))
    }
    gaps = left
    if (gaps.length === 0) break
  }
  for (const gap of [...zeros, ...gaps]) buffer?.fill(0, gap.at - at, gap.at - at + gap.length)
  return buffer
}

/** Fills the buffer. What lies behind the end of the file is zeros. */
async function readPart(handle: FileHandle, buffer: Buffer, from: number): Promise<void> {
  for (let done = 0; done < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, done, buffer.length - done, from + done)
    if (bytesRead === 0) return void buffer.fill(0, done)
    done += bytesRead
  }
}

/** What the parts leave out of a range. */
function gapsBetween(range: Gap, parts: readonly LayerPart[]): Gap[] {
  const gaps: Gap[] = []
  let at = range.at
  for (const part of parts) {
    if (part.at > at) gaps.push({ at, length: part.at - at })
    at = part.at + part.length
  }
  const end = range.at + range.length
  if (at < end) gaps.push({ at, length: end - at })
  return gaps
}
