import pLimit from 'p-limit'
import { z } from 'zod'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { type Ceph, errnos, isErrno } from './ceph.ts'
import { fence } from './rbd-fence.ts'
import { imageOf, listImages, orNull, volumeIn } from './rbd-images.ts'

/**
 * Which guest has a volume, where all hosts see it: a lock of RADOS on the header of the image, taken by one command or
 * refused. Ceph's own exclusive lock of an image does not refuse a second writer: it moves from one to the other.
 */
export type Owner = { guest: string; host: string }

const lock = 'stratolith'
const header = (imageId: string) => `rbd_header.${imageId}`

const lockSchema = z.object({
  lockers: z
    .array(z.object({ name: z.string(), cookie: z.string(), description: z.string().default('') }))
    .default([]),
})

async function lockers(ceph: Ceph, op: Op, imageId: string) {
  const words = ['-p', ceph.pool.pool, 'lock', 'info', header(imageId), lock]
  return (await orNull(ceph.json(op, lockSchema, 'rados', words)))?.lockers ?? []
}

/** The guest that has the image with that id of Ceph's; null when none has. */
export async function ownerOf(ceph: Ceph, op: Op, imageId: string): Promise<Owner | null> {
  const [first] = await lockers(ceph, op, imageId)
  return first ? { guest: first.cookie, host: first.description } : null
}

/**
 * Gives the image to a guest of that host. A guest that had it on another host has moved, and the control plane knows
 * that it runs there no more. Raises `conflict` when another guest has the image.
 */
export async function own(
  ceph: Ceph,
  op: Op,
  { imageId, volumeId }: { imageId: string; volumeId: string },
  owner: Owner,
): Promise<void> {
  const words = ['--lock-cookie', owner.guest, '--lock-description', owner.host, '--lock-type', 'exclusive']
  const take = () =>
    ceph.run(op, 'rados', ['-p', ceph.pool.pool, 'lock', 'get', header(imageId), lock, ...words])
  const isTaken = (error: unknown) => isErrno(error, errnos.busy, errnos.exists)
  try {
    await take()
  } catch (error) {
    if (!isTaken(error)) throw error
    const now = await ownerOf(ceph, op, imageId)
    if (now?.guest !== owner.guest) throw taken(now, volumeId)
    if (now.host === owner.host) return
    await disown(ceph, op, imageId, now)
    await take()
  }
}

const taken = (owner: Owner | null, volumeId: string): DriverError =>
  new DriverError(
    'conflict',
    `The guest ${owner?.guest ?? 'of somebody else'} has the volume ${volumeId} on ${owner?.host || 'another host'}.`,
  )

/** Takes the image away from that guest of that host, if it has it. A guest that has moved has it on another host. */
export async function disown(ceph: Ceph, op: Op, imageId: string, { guest, host }: Owner): Promise<void> {
  for (const { name, cookie, description } of await lockers(ceph, op, imageId))
    if (cookie === guest && description === host) {
      const words = ['-p', ceph.pool.pool, 'lock', 'break', header(imageId), lock, name, '--lock-cookie']
      await orNull(ceph.run(op, 'rados', [...words, cookie]))
    }
}

/** How many images are looked at at once for what a host has: each takes two programs, and a pool may have thousands. */
const looksAtOnce = 4

/**
 * Takes everything from the guests of a host that is off for sure. Ceph takes nothing more from their servers: neither from
 * those that are known, nor from one that the host starts just now, which `serve` in rbd-open.ts ends or the second look finds.
 * An image that cannot be looked at keeps no other one; then the call raises, and is to be repeated.
 */
export async function disownHost(ceph: Ceph, op: Op, host: string): Promise<void> {
  const volumes = (await listImages(ceph, op)).filter(
    (one) => one.snapshot === undefined && volumeIn(one.image),
  )
  const failures: unknown[] = []
  await pLimit(looksAtOnce).map(volumes, async ({ image }) => {
    if (!op.signal.aborted) await disownImage(ceph, op, image, host).catch((error) => failures.push(error))
  })
  if (op.signal.aborted) throw new DriverError('unavailable', 'The call was cancelled before it was done.')
  if (failures.length > 0) throw failures[0]
}

async function disownImage(ceph: Ceph, op: Op, image: string, host: string): Promise<void> {
  const found = await imageOf(ceph, op, image)
  const owner = found && (await ownerOf(ceph, op, found.id))
  if (!found || owner?.host !== host) return
  // Before the owner is changed, because a call that was cut off is repeated only for what the host still has.
  await fence(ceph, op, found.id)
  await disown(ceph, op, found.id, owner)
  await fence(ceph, op, found.id)
}
