import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { type Ceph, errnos, isErrno } from './ceph.ts'
import type { ObservedSnapshot, RunningGuest } from './interface.ts'
import { at, collect, listImages, names, orNull, rbd, snapshotsOf } from './rbd-images.ts'

/**
 * A snapshot of a volume is a snapshot of its image, with our id in its name, and the name says also whether the guest held
 * still. In which volume a snapshot is found stands in one object of the pool, because a snapshot is named by its own id
 * alone, with the guest that ran with the volume meanwhile. The entry is written first and removed last, so that no snapshot is
 * without one.
 */
const index = 'stratolith_snapshots'
const nameOf = (id: string, quiesced: boolean) => (quiesced ? `snapshot-${id}` : `snapshot-${id}-unquiesced`)
const pattern = /^snapshot-([0-9a-f-]{36})(-unquiesced)?$/

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export type FoundSnapshot = ObservedSnapshot & { image: string; name: string }

export async function findSnapshot(ceph: Ceph, op: Op, id: string): Promise<FoundSnapshot | null> {
  const entry = await entryOf(ceph, op, id)
  if (entry === null) return null
  const { volumeId, guest } = entry
  for (const image of [names.volume(volumeId), names.gone(volumeId)])
    for (const { name, size } of (await snapshotsOf(ceph, op, image)) ?? [])
      if (pattern.exec(name)?.[1] === id) {
        const quiesced = name === nameOf(id, true)
        return { id, volumeId, sizeBytes: size, quiesced, guest, image, name }
      }
  return null
}

export const seen = ({ id, volumeId, sizeBytes, quiesced, guest }: FoundSnapshot): ObservedSnapshot => ({
  ...{ id, volumeId, sizeBytes, quiesced, guest },
})

/** The guest that has the volumes. `atOnce` runs the work while nothing is written to any of them. */
type Holder = { id: string; running: RunningGuest; atOnce(work: () => Promise<void>): Promise<void> }

/**
 * Takes snapshots of volumes that one guest has: while its file systems hold still, if it runs here and its agent can do that.
 * Several are taken while the guest's writes wait, so that all have what they contained at one instant.
 */
export async function takeSnapshots(
  ceph: Ceph,
  op: Op,
  wanted: readonly { id: string; volumeId: string }[],
  holder: Holder | 'none' | 'elsewhere',
): Promise<void> {
  const guest = typeof holder === 'string' ? holder : holder.running
  const hasThem = typeof holder === 'string' ? [] : [holder.id]
  for (const { id, volumeId } of wanted) {
    const entry = [volumeId, ...hasThem].join(' ')
    await ceph.run(op, 'rados', ['-p', ceph.pool.pool, 'setomapval', index, id, entry])
  }
  const take = async (quiesced: boolean) => {
    const all = async () => {
      for (const { id, volumeId } of wanted)
        await create(ceph, op, names.volume(volumeId), nameOf(id, quiesced))
    }
    if (typeof holder === 'string' || wanted.length === 1) await all()
    else await holder.atOnce(all)
  }
  if (typeof guest === 'string') return take(guest === 'none')
  // After a crash before the names are changed, they promise too little and not too much.
  if (await guest.quiesced(() => take(false)))
    for (const { id, volumeId } of wanted) {
      const image = names.volume(volumeId)
      const [from, to] = [at(ceph, image, nameOf(id, false)), at(ceph, image, nameOf(id, true))]
      await rbd(ceph, op, 'snap', 'rename', from, to)
    }
}

export async function create(ceph: Ceph, op: Op, image: string, snapshot: string): Promise<void> {
  try {
    await rbd(ceph, op, 'snap', 'create', '--no-progress', at(ceph, image, snapshot))
  } catch (error) {
    if (!isErrno(error, errnos.exists)) throw error
  }
}

export async function removeSnapshotOf(ceph: Ceph, op: Op, id: string): Promise<void> {
  const found = await findSnapshot(ceph, op, id)
  if (found) {
    await orNull(rbd(ceph, op, 'snap', 'rm', '--no-progress', at(ceph, found.image, found.name)))
    await collect(ceph, op, found.image)
  }
  await orNull(ceph.run(op, 'rados', ['-p', ceph.pool.pool, 'rmomapkey', index, id]))
}

export async function listSnapshotsOf(ceph: Ceph, op: Op): Promise<ObservedSnapshot[]> {
  return (await listImages(ceph, op)).flatMap(({ image, snapshot, size }) => {
    const [, id, unquiesced] = pattern.exec(snapshot ?? '') ?? []
    const volumeId = /^(?:volume|gone)-([0-9a-f-]{36})$/.exec(image)?.[1]
    return id && volumeId
      ? [{ id, volumeId, sizeBytes: size, quiesced: unquiesced === undefined, guest: null }]
      : []
  })
}

/** Removes what we keep in a pool beside volumes. Raises `conflict` while volumes or snapshots lie there. */
export async function removeIndex(ceph: Ceph, op: Op): Promise<void> {
  const ours = (await listImages(ceph, op)).filter(({ image }) =>
    /^(volume|next|gone|image)-[0-9a-f-]{36}/.test(image),
  )
  if (ours.length > 0) throw new DriverError('conflict', `The pool has ${ours.length} volumes or snapshots.`)
  await orNull(ceph.run(op, 'rados', ['-p', ceph.pool.pool, 'rm', index]))
}

type Entry = Pick<ObservedSnapshot, 'volumeId' | 'guest'>

async function entryOf(ceph: Ceph, op: Op, id: string): Promise<Entry | null> {
  const words = ['-p', ceph.pool.pool, 'getomapval', index, id]
  try {
    // The value is printed as hexdump does: its characters stand between bars, 16 in a line.
    const lines = (await ceph.run(op, 'rados', words)).matchAll(/\|(.{1,16})\|$/gm)
    const value = [...lines].map(([, text]) => text).join('')
    const [volumeId, guest = null] = value.split(' ')
    return volumeId && [volumeId, guest ?? volumeId].every((one) => uuid.test(one))
      ? { volumeId, guest }
      : null
  } catch (error) {
    if (isErrno(error, errnos.noEntry) || /No such key/.test((error as Error).message)) return null
    throw error
  }
}
