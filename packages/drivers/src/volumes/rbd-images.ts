import { z } from 'zod'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { type Ceph, errnos, isErrno } from './ceph.ts'
import type { ObservedVolume } from './interface.ts'

/**
 * Our images in a pool of Ceph, by their names:
 * - `volume-<id>`: a volume. Its snapshots are snapshots of this image.
 * - `gone-<id>`: a removed volume of which there are still snapshots, or of whose snapshots there are still volumes. It goes
 *   with the last of them.
 * - `image-<blob>`, with the snapshot `base`: the bytes of an image, of which volumes are clones. It goes with the last of them.
 * - `gone-<id>-<random>`: what a volume contained before it got other contents, while somebody needs that.
 * - `next-<id>`: the whole new content of a volume, which takes the place of `volume-<id>` in a moment.
 * - `part-<id>`: something that is being made. Whoever makes it again removes it first.
 * Clones are of the second format (`--rbd-default-clone-format 2`), which lets a snapshot be removed while volumes need it:
 * Ceph then hides the snapshot until the last of them is gone.
 */
export const names = {
  volume: (id: string) => `volume-${id}`,
  gone: (id: string) => `gone-${id}`,
  image: (blobId: string) => `image-${blobId}`,
  next: (id: string) => `next-${id}`,
  part: (id: string) => `part-${id}`,
  base: 'base',
}
export const volumeIn = (name: string): string | null => /^volume-([0-9a-f-]{36})$/.exec(name)?.[1] ?? null

const infoSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{1,64}$/),
  size: z.int().min(0),
  parent: z.object({ pool: z.string(), image: z.string() }).optional(),
  object_size: z.int().min(1).optional(),
  stripe_unit: z.int().min(1).optional(),
})
export type Image = z.output<typeof infoSchema>

/** An image or a snapshot as an argument of rbd. */
export const at = ({ pool }: Ceph, image: string, snapshot?: string): string =>
  `${pool.pool}/${image}${snapshot === undefined ? '' : `@${snapshot}`}`

/** The work may take as long as there are bytes: `op.signal` ends it, always earlier than this. */
const longMs = 7 * 86_400_000
export const rbd = (ceph: Ceph, op: Op, ...args: string[]): Promise<string> =>
  ceph.run(op, 'rbd', args, longMs)

/** What `work` returns; null when Ceph says that something is not there. */
export async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (isErrno(error, errnos.noEntry)) return null
    throw error
  }
}

export const imageOf = (ceph: Ceph, op: Op, name: string): Promise<Image | null> =>
  orNull(ceph.json(op, infoSchema, 'rbd', ['info', at(ceph, name)]))

/** The image of a volume; null when there is none. */
export async function volumeOf(ceph: Ceph, op: Op, id: string): Promise<Image | null> {
  const there = await imageOf(ceph, op, names.volume(id))
  if (there) return there
  // The exchange for new content may have been cut off in the middle.
  const [next, name] = [at(ceph, names.next(id)), at(ceph, names.volume(id))]
  return (await orNull(rbd(ceph, op, 'rename', next, name))) === null
    ? null
    : imageOf(ceph, op, names.volume(id))
}

export const gone = (id: string) => new DriverError('not_found', `The volume ${id} is gone from its pool.`)

/** What we say of a volume. To find out what it takes in the pool takes long, and nobody needs it: the pool says its space. */
export function observed(id: string, image: Pick<Image, 'size'> | null): ObservedVolume {
  if (!image) throw gone(id)
  return { id, sizeBytes: image.size, usedBytes: 0, mergeable: 0 }
}

const listed = z.array(z.object({ image: z.string(), size: z.int().min(0), snapshot: z.string().optional() }))
/** How often a list is begun again because an image has gone meanwhile. */
const listings = 5
/**
 * All images of the pool, and all their snapshots that are not hidden. Ceph reads the names first and opens the images then, and
 * refuses the whole list when one of them has been removed in between.
 */
export async function listImages(ceph: Ceph, op: Op): Promise<z.output<typeof listed>> {
  for (let left = listings; left > 0; left -= 1) {
    const found = await orNull(ceph.json(op, listed, 'rbd', ['ls', '-l', ceph.pool.pool]))
    if (found) return found
  }
  throw new DriverError('unavailable', 'Images of the pool go faster than Ceph lists them.')
}

const snapshotsSchema = z.array(
  z.object({ name: z.string(), size: z.int().min(0), namespace: z.object({ type: z.string() }).optional() }),
)
/** The snapshots of an image, with those that Ceph hides; null when there is no such image. */
export const snapshotsOf = (ceph: Ceph, op: Op, image: string) =>
  orNull(ceph.json(op, snapshotsSchema, 'rbd', ['snap', 'ls', '--all', at(ceph, image)]))

/** Makes an image of `sizeBytes` that begins with a snapshot, and then gives it its name, so that nobody sees a half-made one. */
export async function cloneAs(
  ceph: Ceph,
  op: Op,
  source: { image: string; snapshot: string },
  made: { id: string; name: string; sizeBytes: number; sourceBytes: number },
): Promise<void> {
  const part = names.part(made.id)
  const from = at(ceph, source.image, source.snapshot)
  const words = ['clone', '--rbd-default-clone-format', '2', from, at(ceph, part)]
  try {
    await rbd(ceph, op, ...words)
  } catch (error) {
    if (!isErrno(error, errnos.exists)) throw error
    await removeImage(ceph, op, part)
    await rbd(ceph, op, ...words)
  }
  try {
    if (made.sizeBytes > made.sourceBytes) await resize(ceph, op, part, made.sizeBytes)
    await rbd(ceph, op, 'rename', at(ceph, part), at(ceph, made.name))
  } catch (error) {
    await removeImage(ceph, op, part)
    throw error
  }
}

/** `sizeBytes` is a whole number of MiB. */
export const resize = (ceph: Ceph, op: Op, image: string, sizeBytes: number) =>
  rbd(ceph, op, 'resize', '--no-progress', '--size', `${sizeBytes / 1024 ** 2}M`, at(ceph, image))

/** Removes an image that has no snapshots, with its parent if nothing else needs that. Succeeds when there is none. */
export async function removeImage(ceph: Ceph, op: Op, name: string): Promise<void> {
  const image = await imageOf(ceph, op, name)
  if (!image) return
  await orNull(rbd(ceph, op, 'rm', '--no-progress', at(ceph, name)))
  if (image.parent?.pool === ceph.pool.pool) await collect(ceph, op, image.parent.image)
}

/** Removes an image of which only others had a need, when they have it no more. Any image may be named. */
export async function collect(ceph: Ceph, op: Op, name: string): Promise<void> {
  if (name.startsWith('image-')) return collectBase(ceph, op, name)
  if (!name.startsWith('gone-')) return
  const snapshots = await snapshotsOf(ceph, op, name)
  // Nobody can make a volume of a base that is gone any more, and nobody waits for what a call has left that was cut off.
  for (const one of snapshots ?? [])
    if (one.namespace?.type !== 'trash' && /^(base$|copy-|export-|backing-|backup-)/.test(one.name))
      await orNull(rbd(ceph, op, 'snap', 'rm', '--no-progress', at(ceph, name, one.name)))
  try {
    await removeImage(ceph, op, name)
  } catch (error) {
    if (!isErrno(error, errnos.notEmpty)) throw error
  }
}

/**
 * Removes what is left of a removed volume, or of the earlier contents of a volume (`gone-<id>-<random>`), as far as nobody
 * needs that.
 */
export async function collectGone(ceph: Ceph, op: Op, id: string): Promise<void> {
  const all = await ceph.json(op, z.array(z.string()), 'rbd', ['ls', ceph.pool.pool])
  for (const name of all)
    if (name === names.gone(id) || name.startsWith(`${names.gone(id)}-`)) await collect(ceph, op, name)
}

/** Removes a snapshot that we took of a volume for a while. The volume may have been removed meanwhile. */
export async function dropSnapshot(ceph: Ceph, op: Op, volumeId: string, snapshot: string): Promise<void> {
  const gone = names.gone(volumeId)
  for (const image of [names.volume(volumeId), gone])
    await orNull(rbd(ceph, op, 'snap', 'rm', '--no-progress', at(ceph, image, snapshot)))
  await collect(ceph, op, gone)
}

const diffSchema = z.array(z.object({ length: z.int().min(0) }))
/**
 * How many bytes an image or its snapshot takes where somebody has written, in whole objects; `from` may say since when. To
 * find that out takes long.
 */
export async function usedBytes(
  ceph: Ceph,
  op: Op,
  { image, snapshot, from = [] }: { image: string; snapshot?: string; from?: readonly string[] },
): Promise<number> {
  const words = ['diff', ...(from.length > 0 ? from : ['--whole-object']), at(ceph, image, snapshot)]
  return (await ceph.json(op, diffSchema, 'rbd', words, longMs)).reduce((sum, { length }) => sum + length, 0)
}

/** The base gets another name first, so that nobody makes a volume of it while it is removed. */
async function collectBase(ceph: Ceph, op: Op, name: string): Promise<void> {
  const children = z.array(z.unknown())
  const used = await orNull(ceph.json(op, children, 'rbd', ['children', '--all', at(ceph, name)]))
  if (used === null || used.length > 0) return
  const gone = names.gone(`${name}-${crypto.randomUUID().slice(0, 8)}`)
  if ((await orNull(rbd(ceph, op, 'rename', at(ceph, name), at(ceph, gone)))) !== null)
    await collect(ceph, op, gone)
}

export const demandFits = (source: number, sizeBytes: number): void => {
  if (source > sizeBytes)
    throw new DriverError('invalid', `the source has ${source} bytes, the volume ${sizeBytes}`)
}
