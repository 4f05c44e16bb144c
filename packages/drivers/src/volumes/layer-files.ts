import { constants } from 'node:fs'
import { chmod, copyFile, link, open, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import { giveFile } from '../give-file.ts'
import type { Op } from '../op.ts'
import { qemuImg } from '../qemu-img.ts'
import { syncDirectory } from '../sync.ts'
import type { OpenedLayers } from './interface.ts'
import { type Layer, layerBytes, type Manifest } from './manifest.ts'

/** The files of layers. A layer that is not the last one of a volume has many names: hard links in the folders of all that need it. */

/** A file that is a layer, by one of its names. */
export type LayerFile = { path: string; format: Layer['format'] }

export const numberOf = ({ name }: Pick<Layer, 'name'>): number => Number.parseInt(name, 10)

/** The layers of a manifest as files of that folder. */
export const filesIn = (dir: string, { layers }: Pick<Manifest, 'layers'>): LayerFile[] =>
  layers.map(({ name, format }) => ({ path: path.join(dir, name), format }))

/** The layers of a volume as the guest that has the volume opens them, by the links in the guest's own folder. */
export const openedIn = (own: string, id: string, { layers }: Pick<Manifest, 'layers'>): OpenedLayers => ({
  layers: layers.map((layer) => ({
    path: path.join(own, linkName(id, layer)),
    format: layer.format,
    number: numberOf(layer),
  })),
})
export const linkName = (id: string, { name }: Pick<Layer, 'name'>): string => `${id}-${name}`

/** Gives the guest whose folder of links this is the layers that the manifest names, and no others of the volume. */
export async function linkOwn(own: string, id: string, dir: string, manifest: Manifest): Promise<void> {
  const wanted = new Map(manifest.layers.map((layer) => [linkName(id, layer), path.join(dir, layer.name)]))
  for (const name of await readdir(own))
    if (name.startsWith(`${id}-`) && !wanted.has(name)) await rm(path.join(own, name), { force: true })
  for (const [name, from] of wanted) {
    const to = path.join(own, name)
    // An interrupted call may have left a link to another file.
    if ((await inodeOf(to)) === (await inodeOf(from))) continue
    await rm(to, { force: true })
    await link(from, to)
  }
}
const inodeOf = (file: string): Promise<string | null> =>
  stat(file, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => null,
  )

/** The most layers that a volume may have. */
export const mostLayers = 100

/** The number of a further layer: QEMU's names of layers have only the last three digits (volume-node.ts). */
export function nextNumber(layers: readonly Layer[]): number {
  const taken = new Set(layers.map((layer) => numberOf(layer) % 1000))
  let number = layers.length === 0 ? 0 : Math.max(...layers.map(numberOf)) + 1
  while (taken.has(number % 1000)) number += 1
  return number
}

/** Makes the file of a further layer. Nothing names the file until the manifest is written. */
export async function addLayer(op: Op, dir: string, manifest: Manifest): Promise<Layer> {
  const last = manifest.layers.at(-1)
  const name = `${nextNumber(manifest.layers)}.qcow2`
  const file = path.join(dir, name)
  await rm(file, { force: true })
  const below = last ? ['-u', '-F', last.format, '-b', last.name] : []
  await qemuImg(op, ['create', '-q', '-f', 'qcow2', ...below, file, String(layerBytes(manifest))])
  await chmod(file, 0o600)
  await syncFile(file)
  return { name, format: 'qcow2' }
}

/** Gives files further names in `dir`, numbered from `first`. Raises `not_found` when one of the files is gone. */
export async function linkLayers(dir: string, files: readonly LayerFile[], first = 0): Promise<Layer[]> {
  const layers: Layer[] = []
  for (const { path: from, format } of files) {
    const name = `${first + layers.length}.${format}`
    const to = path.join(dir, name)
    await rm(to, { force: true })
    await linkOrCopy(from, to).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') throw new DriverError('not_found', `${from} is gone.`)
      throw error
    })
    layers.push({ name, format })
  }
  return layers
}

/** A hard link; a copy when the source lies in another file system or has as many names as a file can have. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EXDEV' && code !== 'EMLINK') throw error
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    await chmod(to, 0o444)
    await syncFile(to)
  }
}

/** Removes the files of layers that the manifest does not name: an interrupted call has left them, or nobody needs them. */
export async function tidy(dir: string, { layers }: Manifest): Promise<void> {
  const kept = new Set(layers.map((layer) => layer.name))
  for (const name of await readdir(dir))
    if (/^\d+\.(raw|qcow2)$/.test(name) && !kept.has(name)) await rm(path.join(dir, name), { force: true })
  await removeDrafts(dir, Date.now() - abandonedMs)
}

/** A draft of a volume's new content that nobody has written for so long is left behind by an agent that was ended, in ms. */
const abandonedMs = 3_600_000
export const draftName = (id: string): string => `refill-${id}.draft`

/** Removes the drafts of new content (refill.ts) that were not written since that time. */
export async function removeDrafts(dir: string, since = Number.POSITIVE_INFINITY): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!/^refill.*\.draft$/.test(name)) continue
    const file = path.join(dir, name)
    const found = await stat(file).catch(() => null)
    if (found && found.mtimeMs < since) await rm(file, { force: true })
  }
}

/**
 * The space that the layers take, in bytes, and the layers that can be merged: the run of those below the last one that
 * nothing but this volume needs, on one side of the border of the last backup. Such a layer has no name but in the volume's folder and in that of the guest that has
 * the volume (`own`, or null).
 */
export async function lookAt(
  { id, dir, own: links }: { id: string; dir: string; own: string | null },
  { layers, backedUp, luks }: Manifest,
): Promise<{ usedBytes: number; mergeable: Layer[] }> {
  const found = await Promise.all(
    layers.map(async (layer) => {
      const file = path.join(dir, layer.name)
      const { nlink, blocks } = await stat(file)
      // A link of the guest may be missing, or be one to another file, when a call was interrupted.
      const isLinked =
        links !== null && (await inodeOf(path.join(links, linkName(id, layer)))) === (await inodeOf(file))
      return { layer, blocks, isOwn: nlink === (isLinked ? 2 : 1) }
    }),
  )
  const below = found.slice(0, -1)
  const shared = below.findLastIndex(({ isOwn }) => !isOwn)
  // QEMU merges layers below the encryption upwards (running-volumes.ts), which would copy the whole first layer.
  const first = Math.max(shared + 1, luks ? 1 : 0)
  const own = below.slice(first).map(({ layer }) => layer)
  const isOld = (layer: Layer) => numberOf(layer) <= (backedUp?.upTo ?? -1)
  const old = own.filter(isOld)
  return {
    usedBytes: found.reduce((sum, { blocks }) => sum + blocks * 512, 0),
    mergeable: old.length > 1 ? old : own.filter((layer) => !isOld(layer)),
  }
}

/** Makes root the owner of a layer that is not the last one: every guest that has a link to it may read it. */
export async function readableByAll(file: string): Promise<void> {
  const { uid, mode } = await stat(file)
  if (uid === 0 && (mode & 0o777) === 0o444) return
  await giveFile(file, 0)
  await chmod(file, 0o444)
}

/** Removes what an interrupted making or removal of the folder has left. */
export const removePart = (dir: string) => rm(`${dir}.part`, { recursive: true, force: true })

/** Removes the folder of a volume or a snapshot. After an interruption the folder is whole, or its content is gone. */
export async function removeWhole(dir: string): Promise<void> {
  await removePart(dir)
  const isThere = await rename(dir, `${dir}.part`).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
  if (!isThere) return
  await syncDirectory(path.dirname(dir))
  await removePart(dir)
}

/** Puts the folder `${dir}.part`, which is whole, in its place. */
export async function finishPart(dir: string): Promise<void> {
  await rename(`${dir}.part`, dir)
  await syncDirectory(path.dirname(dir))
}

export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
