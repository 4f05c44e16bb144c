import type { BackgroundJobs } from '../background.ts'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { Ceph } from './ceph.ts'
import type { ObservedVolume, RevertSpec } from './interface.ts'
import type { Contents } from './rbd-contents.ts'
import { at, demandFits, type Image, names, observed, orNull, rbd, resize } from './rbd-images.ts'
import { findSnapshot } from './rbd-snapshots.ts'

/** The size that a volume is to have after it went back to a snapshot, because Ceph gives it that of the snapshot. */
const sizeField = 'stratolith.size'

type Parts = Pick<Contents, 'of' | 'held' | 'unused'> & { background: BackgroundJobs }
/**
 * Does so while nobody waits, because Ceph writes each object of the image. Returns null until it is done. An operation that
 * asks anew has a result of its own: somebody may have written to the volume since the last one.
 */
export const revertInBackground = (
  { of, held, unused, background }: Parts,
  op: Op,
  { snapshotId, ...key }: RevertSpec,
): Promise<ObservedVolume | null> =>
  background.ask(op, `revert ${op.id} ${key.id} ${snapshotId}`, (own) =>
    held(own, key, async ({ image }) => {
      const ceph = await of(key.pool)
      await unused(own, ceph, key.id, image)
      return observed(key.id, { size: await revert(ceph, own, { id: key.id, image, snapshotId }) })
    }),
  )

/** Gives a volume that no guest has what a snapshot of it contains. Returns its size, which stays. */
async function revert(
  ceph: Ceph,
  op: Op,
  { id, image, snapshotId }: { id: string; image: Image; snapshotId: string },
): Promise<number> {
  const snapshot = await findSnapshot(ceph, op, snapshotId)
  if (!snapshot) throw new DriverError('not_found', `The snapshot ${snapshotId} is gone from its pool.`)
  const name = names.volume(id)
  // An earlier call may have been interrupted after Ceph had changed the size.
  const size = (await sizeBefore(ceph, op, name)) ?? image.size
  demandFits(snapshot.sizeBytes, size)
  if (snapshot.volumeId !== id)
    throw new DriverError('invalid', `The snapshot ${snapshotId} is not one of the volume ${id}.`)
  await rbd(ceph, op, 'image-meta', 'set', at(ceph, name), sizeField, String(size))
  await rbd(ceph, op, 'snap', 'rollback', '--no-progress', at(ceph, name, snapshot.name))
  if (size > snapshot.sizeBytes) await resize(ceph, op, name, size)
  await rbd(ceph, op, 'image-meta', 'remove', at(ceph, name), sizeField)
  return size
}

async function sizeBefore(ceph: Ceph, op: Op, name: string): Promise<number | null> {
  const text = await orNull(rbd(ceph, op, 'image-meta', 'get', at(ceph, name), sizeField))
  return text !== null && /^\d{1,16}$/.test(text.trim()) ? Number(text) : null
}
