import { type Ctx, inTransaction } from '../kernel/context.ts'
import { conflict, notFound } from '../kernel/errors.ts'
import { recordOperation } from '../kernel/workflow.ts'
import { type VolumeView, volumeCan } from './contract.ts'
import { type VolumeRow, withParts } from './queries.ts'
import { demand, historyOf, lockVolume, noteVolume, stateOf, viewOfOne } from './row.ts'
import { isAnnounced, isReserved } from './states.ts'

/**
 * What services outside of this cloud's compute may say about a volume: that nobody else shall take it, and that it is about
 * to be taken from its instances. Both are words in the row of the volume, and no host hears of them: only compute gives a
 * volume to a guest and takes it away, so that a volume never has a second owner.
 */

/** A reservation for a server, as Cinder's attachments have it; the id of the server may be that of any machine. */
export type Reservation = { id: string; instanceId: string | null; readOnly: boolean }
/** Columns of a volume that nobody has reserved by an attachment. */
export const unreserved = { reservationId: null, reservedFor: null, reservedReadOnly: false }

export const reservationOf = (row: {
  state: string
  reservationId: string | null
  reservedFor: string | null
  reservedReadOnly: boolean
}): Reservation | null =>
  row.state === 'reserved' && row.reservationId !== null
    ? { id: row.reservationId, instanceId: row.reservedFor, readOnly: row.reservedReadOnly }
    : null

/** Reserves an available volume by an attachment, whose id it returns. Throws conflict for a volume in another state. */
export async function reserveByAttachment(
  ctx: Ctx,
  input: { volumeId: string; instanceId: string | null; readOnly: boolean },
): Promise<{ id: string }> {
  const id = crypto.randomUUID()
  await change(ctx, input.volumeId, 'volume.reserve', (row) => {
    demand(volumeCan.reserve, row)
    return {
      ...{ state: 'reserved', reservationId: id },
      ...{ reservedFor: input.instanceId, reservedReadOnly: input.readOnly },
    }
  })
  return { id }
}

/** Ends the reservation by that attachment. Throws not_found when it is over already. */
export const endAttachment = (
  ctx: Ctx,
  { volumeId, id }: { volumeId: string; id: string },
): Promise<VolumeView> =>
  change(ctx, volumeId, 'volume.unreserve', (row) => {
    if (reservationOf(row)?.id !== id) throw notFound('attachment', id)
    return { state: 'available', ...unreserved }
  })

/** Reserves an available volume without saying for which server. */
export const reserveVolume = (ctx: Ctx, { id }: { id: string }): Promise<VolumeView> =>
  change(ctx, id, 'volume.reserve', (row) => {
    demand(volumeCan.reserve, row)
    return { state: 'attaching' }
  })

/** Ends what reserveVolume has begun. As in Cinder, nothing happens to a volume that nobody has reserved so. */
export const unreserveVolume = (ctx: Ctx, { id }: { id: string }): Promise<VolumeView> =>
  change(ctx, id, 'volume.unreserve', (row) =>
    stateOf(row) === 'attaching' && row.attachments.length === 0 ? { state: 'available' } : null,
  )

/** Makes a volume available that was reserved in either way. Throws conflict for a volume that nobody has reserved. */
export const endReservation = (ctx: Ctx, { id }: { id: string }): Promise<VolumeView> =>
  change(ctx, id, 'volume.unreserve', (row) => {
    if (!isReserved({ state: stateOf(row), attachments: row.attachments }))
      throw conflict('Nobody has reserved this volume.', 'volumeState')
    return { state: 'available', ...unreserved }
  })

/** Says that a volume is about to be taken from its instances, which keep it. Throws conflict unless it is in use. */
export const announceDetachment = (ctx: Ctx, { id }: { id: string }): Promise<VolumeView> =>
  change(ctx, id, 'volume.announce_detachment', (row) => {
    if (stateOf(row) !== 'in-use')
      throw conflict(
        "Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.",
        'volumeState',
      )
    return { state: 'detaching' }
  })

/**
 * Takes such an announcement back. Nothing happens to a volume that is not being detached. Throws conflict while compute is
 * taking the volume from an instance, which cannot be stopped.
 */
export const takeBackAnnouncement = (ctx: Ctx, { id }: { id: string }): Promise<VolumeView> =>
  change(ctx, id, 'volume.take_back_announcement', (row) => {
    if (stateOf(row) !== 'detaching') return null
    if (!isAnnounced({ state: 'detaching', attachments: row.attachments }))
      throw conflict('An instance is giving this volume up. Wait until that is over.', 'volumeState')
    return { state: 'in-use' }
  })

type Patch = { state: string } & Partial<Record<keyof typeof unreserved, string | boolean | null>>

/** Changes the row under its lock, with history and event; null leaves the volume alone. */
async function change(
  ctx: Ctx,
  id: string,
  action: string,
  patch: (row: VolumeRow) => Patch | null,
): Promise<VolumeView> {
  const row = await inTransaction(ctx, async (tx) => {
    const before = await lockVolume(tx, 'volume:reserve', id)
    const data = patch(before)
    if (data === null) return before
    const after = await tx.db.volume.update({ where: { id }, data: data as object, include: withParts })
    await recordOperation(tx, historyOf(after, action))
    await noteVolume(tx, after, 'updated')
    return after
  })
  return viewOfOne(ctx, row)
}
