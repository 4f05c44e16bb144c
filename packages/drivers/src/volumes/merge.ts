import { chmod, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import { giveFile } from '../give-file.ts'
import type { Op } from '../op.ts'
import { filesIn, linkOwn, lookAt, numberOf, openedIn, tidy } from './layer-files.ts'
import { commitLayer } from './layers.ts'
import { type Layer, type Manifest, readManifest, writeManifest } from './manifest.ts'
import type { Held } from './snapshots.ts'

/**
 * Merging removes layers that nothing but their volume needs, from the top down into the lowest of them. What a layer
 * above has is read there, so the data are the same at every moment: a crash leaves a layer more, and no harm.
 */

/** How much is merged at once of a volume whose guest does not run: its next start waits for the end. */
const mostBytesAtRest = 4 * 1024 ** 3

/** What is left to do outside of the locks; null when everything is done. */
export type Merging = { into: Layer; gone: readonly Layer[]; done: (op: Op) => Promise<void> } | null

/** The layers that can be merged: into the first of the volume's own layers, all others of them. */
export function mergeableOf(own: readonly Layer[]): { into: Layer; gone: Layer[] } | null {
  const [into, ...gone] = own
  return into && gone.length > 0 ? { into, gone } : null
}

export async function beginMerge(
  op: Op,
  { id, dir, own, running }: Held,
  converter: number | undefined,
): Promise<Merging> {
  const manifest = await readManifest(dir)
  if (!manifest) throw new DriverError('not_found', `The volume ${id} is gone from its pool.`)
  await tidy(dir, manifest)
  const wish = mergeableOf((await lookAt(dir, manifest, own ? 1 : 0)).own)
  if (!wish) return null
  if (!own || !running) {
    const after = await mergeAtRest(op, dir, manifest, wish, converter)
    if (own) await linkOwn(own, id, dir, after)
    return null
  }
  const { into, gone } = wish
  const top = path.join(dir, manifest.layers.at(-1)?.name ?? '')
  const { uid } = await stat(top)
  await giveFile(path.join(dir, into.name), uid)
  await linkOwn(own, id, dir, manifest)
  const opened = openedIn(own, id, manifest)
  const from = Math.max(...gone.map(numberOf))
  const done = await running.merge({ id, opened, into: numberOf(into), from })
  return { into, gone, done }
}

/** Writes that the merged layers are gone; with `failed`, only takes the lowest layer back from the guest's user. */
export async function endMerge(
  { id, dir, own }: Held,
  { into, gone }: NonNullable<Merging>,
  failed: boolean,
): Promise<void> {
  const manifest = await readManifest(dir)
  if (!manifest?.layers.some(({ name }) => name === into.name)) return
  if (!failed) {
    const names = new Set(gone.map((layer) => layer.name))
    const after = { ...manifest, layers: manifest.layers.filter((layer) => !names.has(layer.name)) }
    await writeManifest(dir, after)
    await tidy(dir, after)
    if (own) await linkOwn(own, id, dir, after)
  }
  await readableByAll(path.join(dir, into.name))
}

async function mergeAtRest(
  op: Op,
  dir: string,
  manifest: Manifest,
  { into, gone }: { into: Layer; gone: Layer[] },
  converter: number | undefined,
): Promise<Manifest> {
  const sizes = await Promise.all(
    filesIn(dir, { layers: gone }).map(async (file) => (await stat(file.path)).blocks),
  )
  if (sizes.reduce((sum, blocks) => sum + blocks * 512, 0) > mostBytesAtRest) return manifest
  let left = manifest
  for (const [index, layer] of [...gone.entries()].reverse()) {
    const [top, below] = filesIn(dir, { layers: [layer, gone[index - 1] ?? into] })
    if (!top || !below) continue
    await commitLayer(op, { top, below, sizeBytes: manifest.sizeBytes }, converter)
    left = { ...left, layers: left.layers.filter(({ name }) => name !== layer.name) }
    await writeManifest(dir, left)
    await rm(top.path, { force: true })
  }
  return left
}

/** Makes root the owner of a layer that is not the last one: every guest that has a link to it may read it. */
export async function readableByAll(file: string): Promise<void> {
  const { uid, mode } = await stat(file)
  if (uid === 0 && (mode & 0o777) === 0o444) return
  await giveFile(file, 0)
  await chmod(file, 0o444)
}
