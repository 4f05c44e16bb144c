import { rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import { giveFile } from '../give-file.ts'
import type { Op } from '../op.ts'
import { filesIn, linkOwn, lookAt, numberOf, openedIn, readableByAll, tidy } from './layer-files.ts'
import { commitLayer } from './layers.ts'
import { type Layer, type Manifest, readManifest, writeManifest } from './manifest.ts'
import type { Held } from './snapshots.ts'

/**
 * Merging removes layers that nothing but their volume needs, from the top down into the lowest of them. What a layer
 * above has is read there, so the data are the same at every moment: a crash leaves a layer more, and no harm.
 */

/** How much is merged at once of a volume whose guest does not run: its next start waits for the end. */
const mostBytesAtRest = 4 * 1024 ** 3

/** What is left to do outside of the locks: `into` gets what the others have; null when everything is done. */
export type Merging = { into: Layer; gone: readonly Layer[]; done: (op: Op) => Promise<void> } | null

/** All of these layers are merged into the lowest of them; null when there is nothing to merge. */
export function mergingOf(mergeable: readonly Layer[]): { into: Layer; gone: Layer[] } | null {
  const [into, ...gone] = mergeable
  return into && gone.length > 0 ? { into, gone } : null
}

export async function beginMerge(
  op: Op,
  { id, dir, own, running }: Held,
  converter: number | undefined,
): Promise<Merging> {
  const manifest = await readManifest(dir)
  if (!manifest) throw new DriverError('not_found', `The volume ${id} is gone from its pool.`)
  // A move in use would have to begin anew, and what it copies has one layer.
  if (await running?.mirrorOf(id)) return null
  await tidy(dir, manifest)
  if (own) await linkOwn(own, id, dir, manifest)
  const wish = mergingOf((await lookAt({ id, dir, own }, manifest)).mergeable)
  if (!wish) return null
  if (!own || !running) {
    const after = await mergeAtRest(op, dir, manifest, wish, converter)
    if (own) await linkOwn(own, id, dir, after)
    return null
  }
  const { into, gone } = manifest.luks ? upwards(wish) : wish
  const top = path.join(dir, manifest.layers.at(-1)?.name ?? '')
  const { uid } = await stat(top)
  await giveFile(path.join(dir, into.name), uid)
  const opened = openedIn(own, id, manifest)
  const numbers = gone.map(numberOf)
  const done = await running.merge({ id, opened, into: numberOf(into), gone: numbers })
  return { into, gone, done }
}

/** The same layers merged into the uppermost of them. */
function upwards({ into, gone }: { into: Layer; gone: Layer[] }): { into: Layer; gone: Layer[] } {
  const last = gone.at(-1)
  return last ? { into: last, gone: [into, ...gone.slice(0, -1)] } : { into, gone }
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

/** Merges the upper layers into those below them, as much as the next start of the guest can wait for. */
async function mergeAtRest(
  op: Op,
  dir: string,
  manifest: Manifest,
  { into, gone }: { into: Layer; gone: Layer[] },
  converter: number | undefined,
): Promise<Manifest> {
  let left = manifest
  let bytes = 0
  for (const [index, layer] of [...gone.entries()].reverse()) {
    const [top, below] = filesIn(dir, { layers: [layer, gone[index - 1] ?? into] })
    if (!top || !below) continue
    // Each merge makes the lower of two layers larger, which is then the upper one.
    bytes += (await stat(top.path)).blocks * 512
    if (bytes > mostBytesAtRest) break
    await commitLayer(op, { top, below, sizeBytes: manifest.sizeBytes }, converter)
    left = { ...left, layers: left.layers.filter(({ name }) => name !== layer.name) }
    await writeManifest(dir, left)
    await rm(top.path, { force: true })
  }
  return left
}
