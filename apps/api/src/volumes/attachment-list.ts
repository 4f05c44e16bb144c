import { z } from 'zod'
import type { Ctx } from '../kernel/context.ts'
import { CloudError, notFound } from '../kernel/errors.ts'
import type { Ask } from '../kernel/page.ts'
import type { VolumeAttachmentView, VolumeView } from './contract.ts'
import { queryVolumes, type VolumeRow, type VolumeWhere } from './queries.ts'
import { reservationOf } from './reservations.ts'
import { loadVolume, viewOfOne, viewsOf } from './row.ts'

/** An attachment or a reservation of a volume, for OpenStack's clients. */
export type ListedAttachment = {
  id: string
  state: VolumeAttachmentView['state'] | 'reserved'
  /** Null for a reservation that names no server. */
  instanceId: string | null
  attachedAt: string | null
  readOnly: boolean
  volume: VolumeView
}

function attachmentsOf(row: VolumeRow, volume: VolumeView): ListedAttachment[] {
  const reservation = reservationOf(row)
  const reserved: ListedAttachment[] =
    reservation === null
      ? []
      : [
          {
            ...{
              id: reservation.id,
              state: 'reserved',
              instanceId: reservation.instanceId,
              attachedAt: null,
            },
            ...{ readOnly: reservation.readOnly || volume.readOnly, volume },
          },
        ]
  const { readOnly } = volume
  return [
    ...volume.attachments.map(({ id, state, instanceId, attachedAt }) => ({
      ...{ id, state, instanceId, attachedAt, readOnly, volume },
    })),
    ...reserved,
  ]
}

/** A page of volumes with all attachments of each that fit the filters. The marker is the id of an attachment. */
export async function findAttachments(
  ctx: Ctx,
  { where, sort, page }: Ask<VolumeWhere>,
): Promise<{ attachments: ListedAttachment[]; more: boolean }> {
  const { marker, ...rest } = page
  const last = marker === undefined ? undefined : await volumeOf(ctx, 'volume:get', marker)
  const slice = await queryVolumes(ctx, {
    ...{ where: { ...where, isTaken: true }, sort },
    page: { ...rest, ...(last ? { marker: last.id } : {}) },
  })
  const views = await viewsOf(ctx, slice.rows)
  const attachments = slice.rows.flatMap((row, i) => {
    const view = views[i]
    return view ? attachmentsOf(row, view) : []
  })
  // Of a volume that several servers have, one attachment may fit a filter and another one not.
  const { takenFor, attachmentState } = where
  const fits = (one: ListedAttachment) =>
    (takenFor === undefined || one.instanceId === takenFor) &&
    (attachmentState === undefined || one.state === attachmentState)
  return { attachments: attachments.filter(fits), more: slice.next !== null }
}

/** The attachment with that id. Throws not_found for one of a volume that the caller may not see. */
export async function getAttachment(
  ctx: Ctx,
  { id }: { id: string },
  action: 'volume:get' | 'volume:update' | 'volume:reserve' = 'volume:get',
): Promise<ListedAttachment> {
  const row = await volumeOf(ctx, action, id)
  const found = attachmentsOf(row, await viewOfOne(ctx, row)).find((one) => one.id === id)
  if (!found) throw notFound('attachment', id)
  return found
}

async function volumeOf(ctx: Ctx, action: string, id: string): Promise<VolumeRow> {
  if (!z.uuid().safeParse(id).success) throw notFound('attachment', id)
  const row =
    (await ctx.db.volumeAttachment.findUnique({ where: { id }, select: { volumeId: true } })) ??
    (await reservedBy(ctx, id))
  if (!row) throw notFound('attachment', id)
  return loadVolume(ctx, action, row.volumeId).catch((error: unknown) => {
    // The sentence names what the caller has named, and not the volume.
    throw error instanceof CloudError && error.code === 'not_found' ? notFound('attachment', id) : error
  })
}

async function reservedBy(ctx: Ctx, reservationId: string): Promise<{ volumeId: string } | null> {
  const row = await ctx.db.volume.findFirst({
    where: { reservationId, state: 'reserved' },
    select: { id: true },
  })
  return row && { volumeId: row.id }
}

/** Throws not_found or forbidden for a volume that the caller may not give to a server. */
export async function demandChangeable(
  ctx: Ctx,
  volumeId: string,
  action: 'volume:update' | 'volume:force_detach' = 'volume:update',
): Promise<VolumeView> {
  return viewOfOne(ctx, await loadVolume(ctx, action, volumeId))
}
