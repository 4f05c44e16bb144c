import { open, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { DriverError, isDiskFull } from '../errors.ts'
import type { Op } from '../op.ts'
import type { BaseSpec } from '../storage/interface.ts'
import { copyContent } from './across.ts'
import { readFiles } from './frozen.ts'
import type { ObservedVolume, VolumeSpec } from './interface.ts'
import type { VolumeKeys } from './keys.ts'
import {
  addLayer,
  filesIn,
  finishPart,
  type LayerFile,
  linkLayers,
  linkOwn,
  lookAt,
  openedIn,
} from './layer-files.ts'
import { growLayer } from './layers.ts'
import { demandSameKey, makeEncrypted } from './luks.ts'
import {
  type Layer,
  type Luks,
  layerBytes,
  type Manifest,
  privateFolder,
  readManifest,
  writeManifest,
} from './manifest.ts'
import { mergingOf } from './merge.ts'
import { fillFile } from './refill.ts'
import type { Held } from './snapshots.ts'
import { demandSpace } from './space.ts'

const gib = 1024 ** 3

/** The layers with which a new volume begins. None of them is written any more. */
export type Source = { layers: readonly LayerFile[]; sizeBytes: number; luks?: Luks }
/** What an encrypted volume needs besides. */
export type Encrypting = { keys: VolumeKeys | null; converter: number | undefined }

/** An image as the source of a volume; null while its base is still being made. `inPool` brings the base into the pool. */
export async function imageSource(
  op: Op,
  { baseOf }: { baseOf(op: Op, base: BaseSpec): Promise<string | null> },
  image: BaseSpec,
  inPool: (op: Op, file: string) => Promise<string>,
): Promise<Source | null> {
  const base = await baseOf(op, image)
  if (base === null) return null
  return { layers: [{ path: await inPool(op, base), format: 'raw' }], sizeBytes: (await stat(base)).size }
}

/** Makes a volume whose first layers are those of the source, in the folder `dir`, whose parent exists. */
export async function make(
  op: Op,
  spec: VolumeSpec,
  source: Source,
  dir: string,
  how: Encrypting,
): Promise<ObservedVolume> {
  const sizeBytes = spec.sizeGib * gib
  demandFits(source.sizeBytes, sizeBytes)
  const part = `${dir}.part`
  try {
    await privateFolder(part)
    const manifest = await (isEncryptedAnew(spec)
      ? encrypted(op, spec, part, { image: source.layers[0]?.path ?? null, ...how })
      : layered(op, spec, part, source, how.converter))
    await writeManifest(part, manifest)
    await finishPart(dir)
    return observed({ id: spec.id, dir, own: null }, manifest)
  } catch (error) {
    await rm(part, { recursive: true, force: true })
    throw isDiskFull(error) ? new DriverError('no_space', 'the disk is full', { cause: error }) : error
  }
}

/** Whether the volume has no layers of another encrypted volume. */
const isEncryptedAnew = ({ encryption, source }: VolumeSpec): boolean =>
  encryption !== undefined && (source === null || source.kind === 'image')

async function encrypted(
  op: Op,
  { sizeGib, encryption }: VolumeSpec,
  dir: string,
  { keys, ...how }: Encrypting & { image: string | null },
): Promise<Manifest> {
  if (!keys || !encryption) throw noKeys()
  const sizeBytes = sizeGib * gib
  const { layer, luks } = await makeEncrypted(op, { dir, sizeBytes, encryption, keys, ...how })
  return { sizeBytes, layers: [layer], luks }
}
export const noKeys = () =>
  new DriverError('unsupported', 'This host keeps no keys, and so no encrypted volumes.')

async function layered(
  op: Op,
  spec: VolumeSpec,
  dir: string,
  source: Source,
  converter: number | undefined,
): Promise<Manifest> {
  demandSameKey(spec.encryption, source.luks)
  const sizeBytes = spec.sizeGib * gib
  if (source.layers.length > mostShared)
    return copied(op, { sizeBytes, luks: source.luks }, dir, source, converter)
  const below = { sizeBytes, layers: await linkLayers(dir, source.layers), luks: source.luks }
  const own = source.layers.length === 0 ? await emptyLayer(dir, sizeBytes) : await addLayer(op, dir, below)
  return { ...below, layers: [...below.layers, own] }
}

/**
 * The most layers that a new volume shares with its source. Layers that several volumes share are neither merged nor counted, so
 * without a bound a chain of copies would take any space, and a volume that is copied each night would have no room for
 * a further layer one day.
 */
export const mostShared = 8

/** A volume that has all that the source contains in one layer of its own. */
async function copied(
  op: Op,
  about: Pick<Manifest, 'sizeBytes' | 'luks'>,
  dir: string,
  source: Source,
  converter: number | undefined,
): Promise<Manifest> {
  const name = '0.raw'
  const found = await Promise.all(source.layers.map((layer) => stat(layer.path)))
  const taken = found.reduce((sum, { blocks }) => sum + blocks * 512, 0)
  await demandSpace(dir, Math.min(taken, layerBytes(about)), 'a copy of the volume')
  await readFiles(op, source, converter, (content) =>
    fillFile(path.join(dir, name), layerBytes(about), (into) => copyContent(op, content, into)),
  )
  return { ...about, layers: [{ name, format: 'raw' }] }
}

/** Raises `invalid` when the source is larger than the volume. */
export function demandFits(source: number, sizeBytes: number): void {
  if (source > sizeBytes)
    throw new DriverError('invalid', `the source has ${source} bytes, the volume ${sizeBytes}`)
}

/** Makes a layer that reads as zeros. */
export async function emptyLayer(dir: string, sizeBytes: number, name = '0.raw'): Promise<Layer> {
  const file = await open(path.join(dir, name), 'wx', 0o600)
  try {
    await file.truncate(sizeBytes)
    await file.sync()
  } finally {
    await file.close()
  }
  return { name, format: 'raw' }
}

/** Makes a volume larger. */
export async function grow(
  op: Op,
  { id, dir, own, running }: Held,
  sizeBytes: number,
  converter: number | undefined,
): Promise<ObservedVolume> {
  const manifest = await readManifest(dir)
  const top = manifest && filesIn(dir, manifest).at(-1)
  if (!manifest || !top) throw new DriverError('not_found', `volume ${id}`)
  if (sizeBytes < manifest.sizeBytes)
    throw new DriverError('invalid', `volume ${id} has ${manifest.sizeBytes} bytes already`)
  const grown = { ...manifest, sizeBytes }
  // The manifest comes first: a further layer that is smaller than the disk of a running guest would cut the disk off.
  await writeManifest(dir, grown)
  try {
    if (own && running) {
      await linkOwn(own, id, dir, manifest)
      // An interrupted snapshot may have left QEMU one layer behind, and only the last layer is made larger.
      await running.follow([{ id, opened: openedIn(own, id, manifest) }])
      await running.resize({ id, sizeBytes })
    } else {
      const { path: file, format } = top
      await growLayer(op, { file, format, sizeBytes: layerBytes(grown) }, converter)
    }
  } catch (error) {
    // Without an answer nobody knows the size, and the larger one is right for both.
    if (error instanceof DriverError && error.code !== 'unavailable') await writeManifest(dir, manifest)
    throw error
  }
  return observed({ id, dir, own }, grown)
}

/** What we say of a volume. */
export async function observed(
  volume: Pick<Held, 'id' | 'dir' | 'own'>,
  manifest: Manifest,
): Promise<ObservedVolume> {
  const { usedBytes, mergeable } = await lookAt(volume, manifest)
  const { id, own } = volume
  const guest = own === null ? {} : { guest: path.basename(own).slice(0, 36) }
  const gone = mergingOf(mergeable)?.gone.length ?? 0
  return { id, sizeBytes: manifest.sizeBytes, usedBytes, mergeable: gone, ...guest }
}
