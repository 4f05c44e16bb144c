import { z } from 'zod'
import type { Ctx } from '../kernel/context.ts'
import { CloudError, notFound } from '../kernel/errors.ts'
import type { Ask } from '../kernel/page.ts'
import type { VolumeAttachmentView, VolumeView } from './contract.ts'
import { queryVolumes, type VolumeWhere } from './queries.ts'
import { loadVolume, viewOfOne, viewsOf } from './row.ts'

/** Attachments one by one, for OpenStack's clients. A volume has one attachment at most, so that a list of them is one of volumes. */
export type ListedAttachment = VolumeAttachmentView & { volume: VolumeView }

const attachmentsOf = (volume: VolumeView): ListedAttachment[] =>
  volume.attachments.map((one) => ({ ...one, volume }))

/** The marker is the id of an attachment. */
export async function findAttachments(
  ctx: Ctx,
  { where, sort, page }: Ask<VolumeWhere>,
): Promise<{ attachments: ListedAttachment[]; more: boolean }> {
  const { marker, ...rest } = page
  const last = marker === undefined ? undefined : await volumeOf(ctx, 'volume:get', marker)
  const slice = await queryVolumes(ctx, {
    ...{ where: { ...where, isAttached: true }, sort },
    page: { ...rest, ...(last ? { marker: last.id } : {}) },
  })
  const views = await viewsOf(ctx, slice.rows)
  return { attachments: views.flatMap(attachmentsOf), more: slice.next !== null }
}

/** The attachment with that id. Throws not_found for one of a volume that the caller may not see. */
export async function getAttachment(
  ctx: Ctx,
  { id }: { id: string },
  action: 'volume:get' | 'volume:update' = 'volume:get',
): Promise<ListedAttachment> {
  const view = await viewOfOne(ctx, await volumeOf(ctx, action, id))
  const found = attachmentsOf(view).find((one) => one.id === id)
  if (!found) throw notFound('attachment', id)
  return found
}

async function volumeOf(ctx: Ctx, action: string, id: string) {
  if (!z.uuid().safeParse(id).success) throw notFound('attachment', id)
  const row = await ctx.db.volumeAttachment.findUnique({ where: { id }, select: { volumeId: true } })
  if (!row) throw notFound('attachment', id)
  return loadVolume(ctx, action, row.volumeId).catch((error: unknown) => {
    // The sentence names what the caller has named, and not the volume.
    throw error instanceof CloudError && error.code === 'not_found' ? notFound('attachment', id) : error
  })
}

/** Throws not_found or forbidden for a volume that the caller may not give to a server. */
export async function demandChangeable(ctx: Ctx, volumeId: string): Promise<void> {
  await loadVolume(ctx, 'volume:update', volumeId)
}
