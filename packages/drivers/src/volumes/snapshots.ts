import { stat } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import { giveFile } from '../give-file.ts'
import type { Op } from '../op.ts'
import type { ObservedSnapshot, RunningGuest } from './interface.ts'
import {
  addLayer,
  filesIn,
  finishPart,
  type LayerFile,
  linkLayers,
  linkOwn,
  mostLayers,
  numberOf,
  openedIn,
  readableByAll,
  removePart,
  tidy,
} from './layer-files.ts'
import {
  type Manifest,
  privateFolder,
  readManifest,
  readSnapshot,
  type SnapshotManifest,
  writeManifest,
} from './manifest.ts'

/**
 * A volume that nothing else changes meanwhile. `own` is the folder of links of the guest that has the volume; `running` is
 * that guest while it runs.
 */
export type Held = { id: string; dir: string; own: string | null; running: RunningGuest | null }

export type Frozen = { manifest: Manifest; quiesced: boolean }

/**
 * Ends the last layer of a volume: from now on it is only read, and writes go into a new layer above. The manifest names
 * the new layer before the guest writes there: after a crash in between, the guest writes on into the old layer, of which
 * nobody has made a snapshot yet, and the next call (or the guest's next start) puts the new layer in its place.
 */
export async function freeze(op: Op, { id, dir, own, running }: Held): Promise<Frozen> {
  const manifest = await readManifest(dir)
  const top = manifest?.layers.at(-1)
  if (!manifest || !top) throw new DriverError('not_found', `The volume ${id} is gone from its pool.`)
  if (manifest.layers.length >= mostLayers)
    throw new DriverError(
      'conflict',
      `The volume ${id} has ${mostLayers} layers, each from a snapshot or a copy. Make a new volume from an image of it.`,
    )
  await tidy(dir, manifest)
  if (own && running) {
    // QEMU may be a layer behind, or merge layers: that is over before the guest's file systems hold still, and when it
    // fails, no layer is added in vain.
    await linkOwn(own, id, dir, manifest)
    await running.follow({ id, opened: openedIn(own, id, manifest) })
  }
  const file = path.join(dir, top.name)
  const owner = (await stat(file)).uid
  const added = await addLayer(op, dir, manifest)
  await giveFile(path.join(dir, added.name), owner)
  const next = { ...manifest, layers: [...manifest.layers, added] }
  await writeManifest(dir, next)
  if (own) await linkOwn(own, id, dir, next)
  let quiesced = true
  if (own && running)
    quiesced = await running.quiesced(() => running.follow({ id, opened: openedIn(own, id, next) }))
  await readableByAll(file)
  return { manifest, quiesced }
}

const observed = (id: string, { volumeId, sizeBytes, quiesced }: SnapshotManifest): ObservedSnapshot => ({
  ...{ id, volumeId, sizeBytes, quiesced },
})

/** The snapshot in that folder; null when there is none. */
export async function snapshotIn(dir: string): Promise<ObservedSnapshot | null> {
  const manifest = await readSnapshot(dir)
  return manifest && observed(path.basename(dir), manifest)
}

/** Makes a snapshot of the volume in the folder `dir`, whose parent exists. */
export async function makeSnapshot(op: Op, held: Held, dir: string): Promise<ObservedSnapshot> {
  await removePart(dir)
  const { manifest, quiesced } = await freeze(op, held)
  const part = `${dir}.part`
  await privateFolder(part)
  const files = filesIn(held.dir, manifest)
  // An interrupted call may have left one of them to a guest.
  for (const file of files) await readableByAll(file.path)
  const layers = await linkLayers(part, files)
  const made = { sizeBytes: manifest.sizeBytes, layers, volumeId: held.id, quiesced }
  await writeManifest(part, made)
  await finishPart(dir)
  return observed(path.basename(dir), made)
}

/** The layers of a snapshot, with which a new volume can begin. */
export async function layersOfSnapshot(dir: string): Promise<{ layers: LayerFile[]; sizeBytes: number }> {
  const manifest = await readSnapshot(dir)
  if (!manifest)
    throw new DriverError('not_found', `The snapshot ${path.basename(dir)} is gone from its pool.`)
  return { layers: filesIn(dir, manifest), sizeBytes: manifest.sizeBytes }
}

/** Gives a volume that no guest has the layers of a snapshot or an image, and a new layer above them. */
export async function revert(
  op: Op,
  { id, dir }: Held,
  source: { layers: readonly LayerFile[]; sizeBytes: number },
): Promise<Manifest> {
  const manifest = await readManifest(dir)
  const top = manifest?.layers.at(-1)
  if (!manifest || !top) throw new DriverError('not_found', `The volume ${id} is gone from its pool.`)
  if (source.sizeBytes > manifest.sizeBytes)
    throw new DriverError(
      'invalid',
      `The source has ${source.sizeBytes} bytes, the volume ${manifest.sizeBytes}.`,
    )
  await tidy(dir, manifest)
  const layers = await linkLayers(dir, source.layers, numberOf(top) + 1)
  const below = { sizeBytes: manifest.sizeBytes, layers }
  const after = { ...below, layers: [...layers, await addLayer(op, dir, below)] }
  await writeManifest(dir, after)
  await tidy(dir, after)
  return after
}
