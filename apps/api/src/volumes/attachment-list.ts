import { z } from 'zod'
import type { Ctx } from '../kernel/context.ts'
import { CloudError, notFound } from '../kernel/errors.ts'
import type { Ask } from '../kernel/page.ts'
import type { VolumeAttachmentView, VolumeView } from './contract.ts'
import { queryVolumes, type VolumeRow, type VolumeWhere } from './queries.ts'
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
/** The same before its volume is read whole. */
type Entry = { id: string; instanceId: string | null; state: string; row: VolumeRow; isReadOnly: boolean }

/** The attachments and reservations of these volumes that fit, in the order of the volumes and, for each, of their ids. */
async function entriesOf(
  ctx: Ctx,
  rows: readonly VolumeRow[],
  taken: NonNullable<VolumeWhere['taken']>,
): Promise<Entry[]> {
  const reserved = await ctx.db.volumeReservation.findMany({
    where: { volumeId: { in: rows.map(({ id }) => id) } },
  })
  const fits = ({ instanceId, state }: Entry) =>
    (taken.instanceId === undefined || instanceId === taken.instanceId) &&
    (taken.state === undefined || state === taken.state)
  return rows.flatMap((row) =>
    [
      ...row.attachments.map(({ id, instanceId, state }) => ({
        ...{ id, instanceId, state, row, isReadOnly: row.readOnly },
      })),
      ...reserved
        .filter(({ volumeId }) => volumeId === row.id)
        .map(({ id, instanceId, readOnly }) => ({
          ...{ id, instanceId, state: 'reserved', row, isReadOnly: readOnly || row.readOnly },
        })),
    ]
      .filter(fits)
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  )
}

async function shown(ctx: Ctx, entries: readonly Entry[]): Promise<ListedAttachment[]> {
  const rows = [...new Set(entries.map(({ row }) => row))]
  const views = new Map((await viewsOf(ctx, rows)).map((view) => [view.id, view]))
  return entries.flatMap(({ id, row, instanceId, isReadOnly }) => {
    const volume = views.get(row.id)
    if (!volume) return []
    const attachment = volume.attachments.find((one) => one.id === id)
    const { state, attachedAt } = attachment ?? { state: 'reserved' as const, attachedAt: null }
    return [{ id, state, instanceId, attachedAt, readOnly: isReadOnly, volume }]
  })
}

/**
 * A page of the volumes that have attachments or reservations. Those of each kind are read by themselves, because PostgreSQL would
 * read both tables from end to end for the volumes that have the one or the other.
 */
async function takenVolumes(
  ctx: Ctx,
  { where, sort, page }: Ask<Taken>,
): Promise<{ rows: VolumeRow[]; more: boolean }> {
  const { taken } = where
  if (taken.state !== undefined) {
    const { rows, next } = await queryVolumes(ctx, { where, sort, page })
    return { rows, more: next !== null }
  }
  const [attached, reserved] = await Promise.all(
    (['attached', 'reserved'] as const).map((only) =>
      queryVolumes(ctx, { where: { ...where, taken: { ...taken, only } }, sort, page }),
    ),
  )
  const both = [attached, reserved].flatMap((slice) => slice?.rows ?? [])
  const ids = [...new Set(both.map(({ id }) => id))]
  if (ids.length === 0) return { rows: [], more: false }
  // Times are finer in the database than here, so that it decides which of them come first.
  const { projectId, allProjects } = where
  const { rows, next } = await queryVolumes(ctx, {
    ...{ where: { projectId, allProjects, ids }, sort },
    page: { limit: page.limit },
  })
  return { rows, more: next !== null || [attached, reserved].some((slice) => slice?.next !== null) }
}

type Taken = VolumeWhere & Required<Pick<VolumeWhere, 'taken'>>
/** How many volumes are read at once. */
const mostAtOnce = 1_000

/**
 * A page of attachments and reservations, in the order of their volumes. The marker is the id of one of them: the page
 * may begin in the middle of a volume that several instances have.
 */
export async function findAttachments(
  ctx: Ctx,
  { where, sort, page }: Ask<Taken>,
): Promise<{ attachments: ListedAttachment[]; more: boolean }> {
  const { limit, skip = 0, marker } = page
  const found: Entry[] = []
  let last = marker === undefined ? null : await volumeOf(ctx, 'volume:get', marker)
  if (last !== null && marker !== undefined && (where.ids ?? [last.id]).includes(last.id)) {
    // The volume of the marker may have left the list since.
    const own = { where: { ...where, ids: [last.id] }, sort, page: { limit: 1 } }
    const entries = await entriesOf(ctx, (await queryVolumes(ctx, own)).rows, where.taken)
    found.push(...entries.filter(({ id }) => id > marker))
  }
  for (let isOver = false; !isOver && found.length <= skip + limit; ) {
    const size = Math.min(mostAtOnce, skip + limit + 1 - found.length)
    const page = { limit: size, ...(last === null ? {} : { marker: last.id }) }
    const { rows, more } = await takenVolumes(ctx, { where, sort, page })
    found.push(...(await entriesOf(ctx, rows, where.taken)))
    last = rows.at(-1) ?? null
    isOver = !more || last === null
  }
  const attachments = await shown(ctx, found.slice(skip, skip + limit))
  return { attachments, more: found.length > skip + limit }
}

/** The attachments and reservations that a volume has. */
export async function attachmentsOf(ctx: Ctx, volumeId: string): Promise<ListedAttachment[]> {
  return shown(ctx, await entriesOf(ctx, [await loadVolume(ctx, 'volume:get', volumeId)], {}))
}

/** The attachment with that id. Throws not_found for one of a volume that the caller may not see. */
export async function getAttachment(
  ctx: Ctx,
  { id }: { id: string },
  action: 'volume:get' | 'volume:update' | 'volume:reserve' = 'volume:get',
): Promise<ListedAttachment> {
  const entries = await entriesOf(ctx, [await volumeOf(ctx, action, id)], {})
  const [found] = await shown(
    ctx,
    entries.filter((one) => one.id === id),
  )
  if (!found) throw notFound('attachment', id)
  return found
}

async function volumeOf(ctx: Ctx, action: string, id: string): Promise<VolumeRow> {
  if (!z.uuid().safeParse(id).success) throw notFound('attachment', id)
  const [of, select] = [{ id }, { volumeId: true }]
  const row =
    (await ctx.db.volumeAttachment.findUnique({ where: of, select })) ??
    (await ctx.db.volumeReservation.findUnique({ where: of, select }))
  if (!row) throw notFound('attachment', id)
  return loadVolume(ctx, action, row.volumeId).catch((error: unknown) => {
    // The sentence names what the caller has named, and not the volume.
    throw error instanceof CloudError && error.code === 'not_found' ? notFound('attachment', id) : error
  })
}

/** Throws not_found or forbidden for a volume that the caller may not give to a server, or may not move. */
export async function demandChangeable(
  ctx: Ctx,
  volumeId: string,
  action: 'volume:update' | 'volume:migrate' = 'volume:update',
): Promise<VolumeView> {
  return viewOfOne(ctx, await loadVolume(ctx, action, volumeId))
}
