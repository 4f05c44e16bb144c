import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { Ceph } from './ceph.ts'
import { at, type Image, imageOf, names, orNull, rbd, removeImage } from './rbd-images.ts'

/** Of which move a volume is the copy. */
const copyField = 'stratolith.copy'

/**
 * Copies a volume that nobody changes into another pool of the same cluster. The copy needs nothing of the pool from which it
 * comes, and has its name only when it is whole. `refuse` raises when the copy of an earlier move is in use.
 */
export async function copyInto(
  op: Op,
  { from, to }: { from: Ceph; to: Ceph },
  { id, copyId }: { id: string; copyId: string },
  refuse: (image: Image) => Promise<void>,
): Promise<Image> {
  const isSame =
    from.pool.user === to.pool.user && from.pool.monitors.some((one) => to.pool.monitors.includes(one))
  if (!isSame)
    throw new DriverError('unsupported', 'A host copies between pools of one Ceph cluster and user alone.')
  return makeCopy(op, to, { id, copyId }, refuse, async (part) => {
    await rbd(from, op, 'cp', '--no-progress', at(from, names.volume(id)), at(to, part))
  })
}

/**
 * Makes the copy of a volume, which has its name only when it is whole. `make` makes the image of that name with the content.
 * `refuse` raises when the copy of an earlier move is in use.
 */
export async function makeCopy(
  op: Op,
  to: Ceph,
  { id, copyId }: { id: string; copyId: string },
  refuse: (image: Image) => Promise<void>,
  make: (part: string) => Promise<void>,
): Promise<Image> {
  const [name, part] = [names.volume(id), names.part(id)]
  const there = await imageOf(to, op, name)
  if (there) {
    const copied = await orNull(rbd(to, op, 'image-meta', 'get', at(to, name), copyField))
    if (copied?.trim() === copyId) return there
    await refuse(there)
    await removeImage(to, op, name)
  }
  await removeImage(to, op, part)
  try {
    await make(part)
    await rbd(to, op, 'image-meta', 'set', at(to, part), copyField, copyId)
    await rbd(to, op, 'rename', at(to, part), at(to, name))
  } catch (error) {
    await removeImage(to, op, part)
    throw error
  }
  const made = await imageOf(to, op, name)
  if (!made) throw new DriverError('failed', `Ceph has not made the copy of the volume ${id}.`)
  return made
}
