import { type ImageModel, Prisma } from '@stratolith/db'
import { type Ctx, projectOf, seesAll } from '../kernel/context.ts'
import { notFound } from '../kernel/errors.ts'
import { appendEvent } from '../kernel/events.ts'
import { authorize } from '../kernel/policy.ts'
import {
  type DiskFormat,
  diskFormats,
  type ImageState,
  type ImageView,
  type ImageVisibility,
  imageStates,
  imageVisibilities,
  type MemberStatus,
} from './contract.ts'

export type ImageRow = ImageModel

/**
 * Filter for images that are shared with the project and whose membership has this status; without a status, any
 * status.
 */
const sharedWith = (projectId: string, status?: MemberStatus) => ({
  visibility: 'shared',
  members: { some: { projectId, ...(status === undefined ? {} : { status }) } },
})

/** Filter for images that are offered to the caller's project and wait for its answer. */
export const offeredImages = (ctx: Ctx): object => sharedWith(projectOf(ctx), 'pending')

/**
 * Filter for images that the caller may use when the id is known: own, public and community images, and shared images
 * whether accepted or not.
 */
function reachableImages(ctx: Ctx): object {
  if (seesAll(ctx)) return {}
  const projectId = projectOf(ctx)
  return {
    OR: [{ projectId }, { visibility: { in: ['public', 'community'] } }, sharedWith(projectId)],
  }
}

/** The condition of `reachableImages` as SQL, for a row i of "Image". */
export function reachableSql(ctx: Ctx): Prisma.Sql {
  if (seesAll(ctx)) return Prisma.sql`true`
  const projectId = projectOf(ctx)
  return Prisma.sql`(i."projectId" = ${projectId} OR i."visibility" IN ('public', 'community') OR (i."visibility" = 'shared'
    AND EXISTS (SELECT 1 FROM "ImageMember" m WHERE m."imageId" = i."id" AND m."projectId" = ${projectId})))`
}

/**
 * Filter for the reachable images that a list shows: shared images only once they are accepted, or with membership
 * `status` ('all': any status).
 */
export function listedImages(ctx: Ctx, status: MemberStatus | 'all' = 'accepted'): object {
  const projectId = projectOf(ctx)
  const shared = status === 'all' ? sharedWith(projectId) : sharedWith(projectId, status)
  return { OR: [{ projectId }, { visibility: { in: ['public', 'community'] } }, shared] }
}

/**
 * Loads an image by its id among those that the caller may see, then authorizes. Throws not_found when the caller
 * cannot see the image, and when the image is deleted.
 */
export async function loadImage(ctx: Ctx, action: string, id: string): Promise<ImageRow> {
  const row = await ctx.db.image.findFirst({
    where: { AND: [reachableImages(ctx), { id, state: { not: 'deleted' } }] },
  })
  if (!row) throw notFound('image', id)
  // A caller who does not see all images finds another project's image only when the image was opened to the caller's
  // project.
  const open = seesAll(ctx) ? row.visibility === 'public' || row.visibility === 'community' : true
  authorize(ctx, action, { projectId: row.projectId, public: open })
  return row
}

/** Like `loadImage`, for a change: the row is locked, so image and owner stay the same until the transaction ends. */
export async function lockImage(ctx: Ctx, action: string, id: string): Promise<ImageRow> {
  await loadImage(ctx, action, id)
  await ctx.db.$queryRaw`SELECT 1 FROM "Image" WHERE "id" = ${id}::uuid FOR UPDATE`
  // Read the row again: the image may have been deleted, or given away, before this transaction had the lock.
  return loadImage(ctx, action, id)
}

export const formatOf = (row: Pick<ImageRow, 'diskFormat'>): DiskFormat | null =>
  diskFormats.find((format) => format === row.diskFormat) ?? null
const visibilityOf = (row: ImageRow): ImageVisibility =>
  imageVisibilities.find((visibility) => visibility === row.visibility) ?? 'private'
/** The database holds only strings as values, because no code writes other values. */
const propertiesOf = (row: ImageRow): Record<string, string> => row.properties as Record<string, string>
export const stateOf = (row: ImageRow): ImageState =>
  imageStates.find((state) => state === row.state) ?? 'killed'

export function viewOf(ctx: Ctx, row: ImageRow): ImageView {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    projectId: row.projectId,
    visibility: visibilityOf(row),
    state: stateOf(row),
    diskFormat: formatOf(row),
    containerFormat: row.containerFormat === null ? null : 'bare',
    sizeBytes: row.sizeBytes === null ? null : Number(row.sizeBytes),
    virtualBytes: row.virtualBytes === null ? null : Number(row.virtualBytes),
    uploadedBytes: Number(row.uploadedBytes),
    minDiskGib: row.minDiskGib,
    minRamMib: row.minRamMib,
    checksumMd5: row.checksumMd5,
    sha256: row.sha256,
    sha512: row.sha512,
    tags: row.tags,
    properties: propertiesOf(row),
    hidden: row.hidden,
    protected: row.protected,
    errorMessage: row.errorMessage,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    own: ctx.scope.kind === 'project' && ctx.scope.projectId === row.projectId,
  }
}

/**
 * Writes the event of a change, so that the page of the image shows the change. Call this in the transaction of the
 * change.
 */
export async function noteImage(
  ctx: Ctx,
  row: Pick<ImageRow, 'id' | 'projectId' | 'visibility'>,
  what: 'created' | 'updated' | 'deleted',
  data: Record<string, unknown> = {},
): Promise<void> {
  await appendEvent(ctx, {
    kind: `image.${what}`,
    projectId: row.projectId,
    public: row.visibility === 'public',
    resourceKind: 'image',
    resourceId: row.id,
    data,
  })
}

export const historyOf = (row: Pick<ImageRow, 'id' | 'name' | 'projectId'>, action: string) => ({
  id: crypto.randomUUID(),
  action,
  resourceKind: 'image',
  resourceId: row.id,
  resourceName: row.name,
  projectId: row.projectId,
})
