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
    await rbd(from, op, 'cp', '--no-progress', at(from, name), at(to, part))
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
