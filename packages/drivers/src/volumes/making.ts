import { open, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { DriverError, isDiskFull } from '../errors.ts'
import type { Op } from '../op.ts'
import type { BaseSpec } from '../storage/interface.ts'
import type { ObservedVolume, VolumeSpec } from './interface.ts'
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
import { type Layer, type Manifest, privateFolder, readManifest, writeManifest } from './manifest.ts'
import { mergingOf } from './merge.ts'
import type { Held } from './snapshots.ts'

const gib = 1024 ** 3

/** The layers with which a new volume begins. None of them is written any more. */
export type Source = { layers: readonly LayerFile[]; sizeBytes: number }

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
export async function make(op: Op, spec: VolumeSpec, source: Source, dir: string): Promise<ObservedVolume> {
  const sizeBytes = spec.sizeGib * gib
  demandFits(source.sizeBytes, sizeBytes)
  const part = `${dir}.part`
  try {
    await privateFolder(part)
    const below = { sizeBytes, layers: await linkLayers(part, source.layers) }
    const own =
      source.layers.length === 0 ? await emptyLayer(part, sizeBytes) : await addLayer(op, part, below)
    const manifest = { sizeBytes, layers: [...below.layers, own] }
    await writeManifest(part, manifest)
    await finishPart(dir)
    return observed({ id: spec.id, dir, own: null }, manifest)
  } catch (error) {
    await rm(part, { recursive: true, force: true })
    throw isDiskFull(error) ? new DriverError('no_space', 'the disk is full', { cause: error }) : error
  }
}

/** Raises `invalid` when the source is larger than the volume. */
export function demandFits(source: number, sizeBytes: number): void {
  if (source > sizeBytes)
    throw new DriverError('invalid', `the source has ${source} bytes, the volume ${sizeBytes}`)
}

async function emptyLayer(dir: string, sizeBytes: number): Promise<Layer> {
  const file = await open(path.join(dir, '0.raw'), 'wx', 0o600)
  try {
    await file.truncate(sizeBytes)
    await file.sync()
  } finally {
    await file.close()
  }
  return { name: '0.raw', format: 'raw' }
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
    } else await growLayer(op, { file: top.path, format: top.format, sizeBytes }, converter)
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
