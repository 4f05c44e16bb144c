import { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { projectExists } from '../directory/service.ts'
import { type Ctx, inTransaction, listScope, projectOf, seesAll } from '../kernel/context.ts'
import type { Page } from '../kernel/contract.ts'
import { conflict, invalidInput } from '../kernel/errors.ts'
import { type Fact, held, readFacts } from '../kernel/facts.ts'
import { askOf, pageView } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import { recordOperation } from '../kernel/workflow.ts'
import { reserveQuota } from '../quota/service.ts'
import {
  type ImageChange,
  type ImageView,
  imageCan,
  type imageListInput,
  imageTransitioning,
  type imageUpdateInput,
  type NewImage,
} from './contract.ts'
import { forgetImage } from './lifecycle.ts'
import {
  formatOf,
  historyOf,
  type ImageRow,
  loadImage,
  lockImage,
  noteImage,
  reachableSql,
  stateOf,
  viewOf,
} from './load.ts'
import { demandOwnNames } from './property-names.ts'
import { queryImages, sortableImages } from './queries.ts'
import { paidGib, releaseImageQuota } from './quota.ts'

export { downloadImage } from './download.ts'
export { demandImageRoom, dropMadeImage, storeExport } from './exports.ts'
export {
  deactivateImage,
  imageDeleted,
  importStagedImage,
  reactivateImage,
  untilImported,
} from './lifecycle.ts'
export { addMember, getMember, listMembers, removeMember, setMemberStatus } from './members.ts'
export { findImages, type ImageFilter, type ImageSortField, type Range } from './queries.ts'
export { usageOf } from './quota.ts'
export { uploadImage } from './upload.ts'

export async function listImages(ctx: Ctx, input: z.output<typeof imageListInput>): Promise<Page<ImageView>> {
  if (input.allProjects) listScope(ctx, input)
  const all = seesAll(ctx) && (input.allProjects || ctx.scope.kind !== 'project')
  const { offered, search, state, visibility, hidden } = input
  const slice = await queryImages(ctx, {
    where: {
      ...{ allProjects: all, offered, search, states: state && [state] },
      // Every project sees its own hidden images, and no hidden images of others.
      hidden: hidden ?? (all ? undefined : ('own' as const)),
      // Community images are many and unvetted: the list shows them only to callers who ask for them.
      visibility: visibility ?? (all ? 'all' : undefined),
    },
    ...askOf(input, sortableImages),
  })
  return pageView(
    slice,
    slice.rows.map((row) => viewOf(ctx, row)),
  )
}

/** Returns an image. Throws not_found for an image that the caller may not see. */
export async function getImage(ctx: Ctx, input: { id: string }): Promise<ImageView> {
  return viewOf(ctx, await loadImage(ctx, 'image:get', input.id))
}

/**
 * Makes an image without bytes, `queued` until somebody uploads them. Administrators may make an image for another
 * project.
 */
export async function createImage(ctx: Ctx, input: NewImage): Promise<ImageView> {
  const projectId = input.projectId ?? projectOf(ctx)
  if (ctx.scope.kind === 'project' && projectId === ctx.scope.projectId)
    authorize(ctx, 'image:create', { projectId })
  else await demandReceiver(ctx, projectId)
  if (input.visibility === 'public') authorize(ctx, 'image:publish')
  return viewOf(ctx, await inTransaction(ctx, (tx) => createImageRow(tx, projectId, input)))
}

/** Writes row, quota, history and event of a new image. Call this in a transaction. */
export async function createImageRow(ctx: Ctx, projectId: string, input: NewImage): Promise<ImageRow> {
  demandOwnNames(input.properties)
  await reserveQuota(ctx, projectId, { images: 1 })
  const data = { ...input, id: input.id ?? crypto.randomUUID(), projectId }
  const row = await ctx.db.image.create({ data })
  await recordOperation(ctx, historyOf(row, 'image.create'))
  await noteImage(ctx, row, 'created')
  return row
}

/**
 * Changes fields of an image. Throws not_found for an image that the caller may not see, forbidden for names of
 * properties that only the cloud may set, and forbidden for publishing and giving without the right to do so.
 */
export async function updateImage(ctx: Ctx, input: z.output<typeof imageUpdateInput>): Promise<ImageView> {
  const { id, ...data } = input
  return changeImage(ctx, id, () => data)
}

/**
 * Like updateImage, for a change that depends on the present image; `change` receives the image while its row is
 * locked.
 */
export async function changeImage(
  ctx: Ctx,
  id: string,
  change: (before: ImageView) => ImageChange,
): Promise<ImageView> {
  const row = await inTransaction(ctx, async (tx) => {
    const before = await lockImage(tx, 'image:update', id)
    const data = change(viewOf(tx, before))
    demandOwnNames(data.properties, before.properties as object)
    if (data.visibility === 'public' && before.visibility !== 'public') authorize(tx, 'image:publish')
    const isGiven = data.projectId !== undefined && data.projectId !== before.projectId
    if (isGiven) await moveQuota(tx, before, data.projectId ?? '')
    const after = await tx.db.image.update({ where: { id }, data })
    await recordOperation(tx, historyOf(after, 'image.update'))
    // The event goes to those who could see the image before: the image may now be gone for them.
    await noteImage(tx, before.visibility === 'public' ? before : after, 'updated')
    if (isGiven) await noteImage(tx, before, 'updated')
    return after
  })
  return viewOf(ctx, row)
}

/**
 * Refuses to give an image to a project that does not exist: nobody would own the image, and nothing would ever delete
 * it.
 */
async function demandReceiver(ctx: Ctx, projectId: string): Promise<void> {
  authorize(ctx, 'image:give')
  if (!(await projectExists(ctx, projectId, 'live')))
    throw invalidInput(`There is no project with the id ${projectId}.`, 'owner')
}

/** Moves the quota that an image uses from its project to the new project. */
async function moveQuota(ctx: Ctx, row: ImageRow, to: string): Promise<void> {
  await demandReceiver(ctx, to)
  if (imageTransitioning(stateOf(row)))
    throw conflict('Its data is on its way: give the image away when it is there.')
  await reserveQuota(ctx, to, { images: 1, imageGib: paidGib(row) })
  await releaseImageQuota(ctx, row)
}

/** A check that runs before an image is deleted; throws a conflict that says what still uses the image. */
type InUse = (ctx: Ctx, imageId: string) => Promise<void>
const inUse: InUse[] = []
/** Registers such a check for a room that uses images (compute, volumes). */
export const refuseImageDelete = (check: InUse): void => void inUse.push(check)

/** Deletes an image. Quota and name are free at once; a workflow removes the bytes when no other image uses them. */
export async function deleteImage(ctx: Ctx, input: { id: string }): Promise<ImageView> {
  const row = await inTransaction(ctx, async (tx) => {
    // A launch holds the row FOR SHARE until its instance exists, so either the launch or this deletion sees the other.
    const now = await lockImage(tx, 'image:delete', input.id)
    const allowed = imageCan.delete({ state: stateOf(now), protected: now.protected })
    if (allowed !== true) throw conflict(allowed)
    for (const check of inUse) await check(tx, now.id)
    return forgetImage(tx, now)
  })
  return viewOf(ctx, row)
}

/** The facts of an image that a launch needs. Sizes: bytes, GiB, MiB as the names say. */
export type BootImage = {
  id: string
  name: string
  state: string
  blobId: string
  format: 'raw' | 'qcow2'
  virtualBytes: number
  minDiskGib: number
  minRamMib: number
  description: string
  properties: Readonly<Record<string, unknown>>
}

/**
 * The facts of an image that the project may use (own, public, community, or shared with the project); null for any
 * other id (R2). Inside a transaction the row is locked until the end, so that nobody deletes an image that is being
 * launched.
 */
export function bootImageFact(ctx: Ctx, id: string): Fact<BootImage | null> {
  return {
    sql: Prisma.sql`SELECT to_jsonb(image) FROM (
      SELECT i."id", i."name", i."state", i."blobId", i."diskFormat", i."virtualBytes", i."minDiskGib", i."minRamMib",
        i."description", i."properties"
      FROM "Image" i WHERE i."id" = ${id}::uuid AND i."state" <> 'deleted' AND ${reachableSql(ctx)} ${held(ctx, 'FOR SHARE')}) image`,
    read(value) {
      const row = value as (Omit<BootImage, 'blobId' | 'format'> & BootColumns) | null
      if (!row) return null
      const { blobId, diskFormat, virtualBytes, ...image } = row
      const format = formatOf({ diskFormat }) ?? 'raw'
      return { ...image, blobId: blobId ?? '', format, virtualBytes: virtualBytes ?? 0 }
    },
  }
}
type BootColumns = { blobId: string | null; diskFormat: string | null; virtualBytes: number | null }

/**
 * The image that an instance was made of, whether or not the reader of the instance may see the image; null when the
 * row of the image is gone.
 */
export async function imageOf(
  ctx: Ctx,
  id: string,
): Promise<{ id: string; name: string; properties: unknown } | null> {
  return ctx.db.image.findUnique({ where: { id }, select: { id: true, name: true, properties: true } })
}

export async function findBootImage(ctx: Ctx, id: string): Promise<BootImage | null> {
  return (await readFacts(ctx, { image: bootImageFact(ctx, id) })).image
}
