import type { VolumeReservationModel } from '@stratolith/db'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { conflict, notFound } from '../kernel/errors.ts'
import { recordOperation } from '../kernel/workflow.ts'
import { type VolumeView, volumeCan } from './contract.ts'
import { type VolumeRow, withParts } from './queries.ts'
import { demand, historyOf, lockVolume, noteVolume, stateOf, viewOfOne } from './row.ts'
import { isAnnounced, isReserved } from './states.ts'

/**
 * What services outside of this cloud's compute may say about a volume: that nobody but one server shall get it, and that
 * it is about to be taken from its instances. No host hears of either: only compute gives a volume to a guest and takes it
 * away, so that a volume never has a second owner. When compute gives a reserved volume to the server for which it is
 * reserved, the reservation becomes the attachment, under the same id.
 */

/** A reservation for a server, as Cinder's attachments have it; the id of the server may be that of any machine. */
export type Reservation = VolumeReservationModel

/** How many reservations a volume for several instances may have at once. */
export const mostReservations = 100

/**
 * Reserves an available volume by an attachment, whose id it returns; a volume for several instances also while others
 * have reserved it or have it. Throws conflict for a volume in another state.
 */
export async function reserveByAttachment(
  ctx: Ctx,
  input: { volumeId: string; instanceId: string | null; readOnly: boolean },
): Promise<{ id: string }> {
  const id = crypto.randomUUID()
  await change(ctx, input.volumeId, 'volume.reserve', async (row, tx) => {
    const isOneMore = row.multiattach && ['reserved', 'in-use'].includes(stateOf(row))
    if (!isOneMore) demand(volumeCan.reserve, row)
    if ((await reservationsOf(tx, row.id)) >= mostReservations)
      throw conflict(`A volume has at most ${mostReservations} reservations.`, 'volumeState')
    const { instanceId, readOnly } = input
    await tx.db.volumeReservation.create({ data: { id, volumeId: row.id, instanceId, readOnly } })
    return row.attachments.length > 0 ? {} : { state: 'reserved' }
  })
  return { id }
}

const reservationsOf = (tx: Ctx, volumeId: string): Promise<number> =>
  tx.db.volumeReservation.count({ where: { volumeId } })

/** Ends the reservation by that attachment. Throws not_found when it is over already. */
export const endAttachment = (
  ctx: Ctx,
  { volumeId, id }: { volumeId: string; id: string },
): Promise<VolumeView> =>
  change(ctx, volumeId, 'volume.unreserve', async (row, tx) => {
    const { count } = await tx.db.volumeReservation.deleteMany({ where: { id, volumeId } })
    if (count === 0) throw notFound('attachment', id)
    const isLast = stateOf(row) === 'reserved' && (await reservationsOf(tx, volumeId)) === 0
    return isLast ? { state: 'available' } : {}
  })

/**
 * The reservation of a volume for an instance, under the lock of the volume; null when there is none. Throws conflict for
 * one that lets the instance only read, when the volume can be written.
 */
export async function reservationFor(
  tx: Ctx,
  volume: { id: string; readOnly: boolean },
  instanceId: string,
): Promise<Reservation | null> {
  const found = await tx.db.volumeReservation.findFirst({
    where: { volumeId: volume.id, instanceId },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  })
  if (found?.readOnly && !volume.readOnly)
    throw conflict(
      'The volume is reserved for this instance to be read only, and can be written. End the reservation, and make the volume read-only.',
      'volumeState',
    )
  return found
}

/** The state of a volume that one instance does not have any more, and `others` have. */
export async function stateWithout(tx: Ctx, volumeId: string, others: number): Promise<VolumeView['state']> {
  if (others > 0) return 'in-use'
  return (await reservationsOf(tx, volumeId)) > 0 ? 'reserved' : 'available'
}

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
  change(ctx, id, 'volume.unreserve', async (row, tx) => {
    const { count } = await tx.db.volumeReservation.deleteMany({ where: { volumeId: id } })
    if (isReserved({ state: stateOf(row), attachments: row.attachments })) return { state: 'available' }
    if (count === 0) throw conflict('Nobody has reserved this volume.', 'volumeState')
    return {}
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

type Patch = { state?: string }

/** Changes the row under its lock, with history and event; null leaves the volume alone. */
async function change(
  ctx: Ctx,
  id: string,
  action: string,
  patch: (row: VolumeRow, tx: Ctx) => Patch | null | Promise<Patch | null>,
): Promise<VolumeView> {
  const row = await inTransaction(ctx, async (tx) => {
    const before = await lockVolume(tx, 'volume:reserve', id)
    const data = await patch(before, tx)
    if (data === null) return before
    const after = await tx.db.volume.update({ where: { id }, data, include: withParts })
    await recordOperation(tx, historyOf(after, action))
    await noteVolume(tx, after, 'updated')
    return after
  })
  return viewOfOne(ctx, row)
}
