import { stat } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import { giveFile } from '../give-file.ts'
import type { Op } from '../op.ts'
import type { ObservedSnapshot, OpenedLayers, RunningGuest } from './interface.ts'
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
  type Luks,
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
export async function freeze(op: Op, volume: Held): Promise<Frozen> {
  const [frozen] = await freezeAll(op, [volume], volume.running)
  if (!frozen) throw new DriverError('failed', `The volume ${volume.id} was not kept.`)
  return frozen
}

/** Does the same for several volumes of one guest, whose file systems hold still meanwhile: they end at one instant. */
async function freezeAll(op: Op, volumes: readonly Held[], running: RunningGuest | null): Promise<Frozen[]> {
  const before: Manifest[] = []
  for (const volume of volumes) before.push(await checked(volume))
  const following: { id: string; opened: OpenedLayers }[] = []
  for (const [index, volume] of volumes.entries()) {
    const next = await addTo(op, volume, before[index] as Manifest)
    if (volume.own && volume.running)
      following.push({ id: volume.id, opened: openedIn(volume.own, volume.id, next) })
  }
  let quiesced = true
  if (running && following.length > 0) quiesced = await running.quiesced(() => running.follow(following))
  const frozen: Frozen[] = []
  for (const [index, { dir, running: used }] of volumes.entries()) {
    const manifest = before[index] as Manifest
    await readableByAll(path.join(dir, manifest.layers.at(-1)?.name ?? ''))
    frozen.push({ manifest, quiesced: used ? quiesced : true })
  }
  return frozen
}

/** The manifest of a volume that can get a further layer. QEMU has all layers of it then. */
async function checked({ id, dir, own, running }: Held): Promise<Manifest> {
  const manifest = await readManifest(dir)
  const top = manifest?.layers.at(-1)
  if (!manifest || !top) throw new DriverError('not_found', `The volume ${id} is gone from its pool.`)
  if (manifest.layers.length >= mostLayers)
    throw new DriverError(
      'too_many_layers',
      `The volume ${id} has ${mostLayers} layers, each from a snapshot or a copy. Make a new volume from an image of it.`,
    )
  await tidy(dir, manifest)
  if (own && running) {
    // QEMU may be a layer behind, or merge layers: that is over before the guest's file systems hold still, and when it
    // fails, no layer is added in vain.
    await linkOwn(own, id, dir, manifest)
    await running.follow([{ id, opened: openedIn(own, id, manifest) }])
  }
  return manifest
}

/** Puts a new layer on top in the manifest, which is returned. */
async function addTo(op: Op, { id, dir, own }: Held, manifest: Manifest): Promise<Manifest> {
  const file = path.join(dir, manifest.layers.at(-1)?.name ?? '')
  const owner = (await stat(file)).uid
  const added = await addLayer(op, dir, manifest)
  await giveFile(path.join(dir, added.name), owner)
  const next = { ...manifest, layers: [...manifest.layers, added] }
  await writeManifest(dir, next)
  if (own) await linkOwn(own, id, dir, next)
  return next
}

const observed = (
  id: string,
  { volumeId, sizeBytes, quiesced, guest }: SnapshotManifest,
): ObservedSnapshot => ({ id, volumeId, sizeBytes, quiesced, guest })

/** The snapshot in that folder; null when there is none. */
export async function snapshotIn(dir: string): Promise<ObservedSnapshot | null> {
  const manifest = await readSnapshot(dir)
  return manifest && observed(path.basename(dir), manifest)
}

/** A volume, and the folder of the snapshot of it that is to be made, whose parent exists. */
export type WantedSnapshot = { volume: Held; dir: string }

/** Makes snapshots of volumes of one guest, or of volumes that no guest has, at one instant. */
export async function makeSnapshots(op: Op, wanted: readonly WantedSnapshot[]): Promise<ObservedSnapshot[]> {
  for (const { dir } of wanted) await removePart(dir)
  const volumes = wanted.map(({ volume }) => volume)
  const frozen = await freezeAll(op, volumes, volumes.find(({ running }) => running)?.running ?? null)
  const made: ObservedSnapshot[] = []
  for (const [index, one] of wanted.entries()) made.push(await writeSnapshot(one, frozen[index] as Frozen))
  return made
}

async function writeSnapshot(
  { volume: held, dir }: WantedSnapshot,
  { manifest, quiesced }: Frozen,
): Promise<ObservedSnapshot> {
  const part = `${dir}.part`
  await privateFolder(part)
  const files = filesIn(held.dir, manifest)
  // An interrupted call may have left one of them to a guest.
  for (const file of files) await readableByAll(file.path)
  const layers = await linkLayers(part, files)
  const guest = held.own && held.running ? path.basename(held.own) : null
  const { sizeBytes, luks } = manifest
  const made = { sizeBytes, luks, layers, volumeId: held.id, quiesced, guest }
  await writeManifest(part, made)
  await finishPart(dir)
  return observed(path.basename(dir), made)
}

/** The layers of a snapshot, with which a new volume can begin. */
export async function layersOfSnapshot(
  dir: string,
): Promise<{ layers: LayerFile[]; sizeBytes: number; luks?: Luks }> {
  const manifest = await readSnapshot(dir)
  if (!manifest)
    throw new DriverError('not_found', `The snapshot ${path.basename(dir)} is gone from its pool.`)
  const { sizeBytes, luks } = manifest
  return { layers: filesIn(dir, manifest), sizeBytes, luks }
}

/** Gives a volume that no guest has the layers of a snapshot or an image, and a new layer above them. */
export async function revert(
  op: Op,
  { id, dir }: Held,
  source: { layers: readonly LayerFile[]; sizeBytes: number; luks?: Luks },
): Promise<Manifest> {
  const manifest = await readManifest(dir)
  const top = manifest?.layers.at(-1)
  if (!manifest || !top) throw new DriverError('not_found', `The volume ${id} is gone from its pool.`)
  if (source.sizeBytes > manifest.sizeBytes)
    throw new DriverError(
      'invalid',
      `The source has ${source.sizeBytes} bytes, the volume ${manifest.sizeBytes}.`,
    )
  const { sizeBytes, luks } = manifest
  if (luks?.keyHash !== source.luks?.keyHash)
    throw new DriverError('invalid', 'The source is encrypted in another way than the volume.')
  await tidy(dir, manifest)
  const layers = await linkLayers(dir, source.layers, numberOf(top) + 1)
  const below = { sizeBytes, layers, luks: source.luks }
  const after = { ...below, layers: [...layers, await addLayer(op, dir, below)] }
  await writeManifest(dir, after)
  await tidy(dir, after)
  return after
}
