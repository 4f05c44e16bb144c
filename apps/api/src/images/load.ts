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

/** Shared with the project, in one of the member's statuses; without, in any. */
const sharedWith = (projectId: string, status?: MemberStatus) => ({
  visibility: 'shared',
  members: { some: { projectId, ...(status === undefined ? {} : { status }) } },
})

/** What waits for the project's answer. */
export const offeredImages = (ctx: Ctx): object => sharedWith(projectOf(ctx), 'pending')

/** What may be used by who knows its id: own, public, community's, and shared ones, accepted or not. */
function reachableImages(ctx: Ctx): object {
  if (seesAll(ctx)) return {}
  const projectId = projectOf(ctx)
  return {
    OR: [{ projectId }, { visibility: { in: ['public', 'community'] } }, sharedWith(projectId)],
  }
}

/** The same of a row i of "Image", in words of SQL. */
export function reachableSql(ctx: Ctx): Prisma.Sql {
  if (seesAll(ctx)) return Prisma.sql`true`
  const projectId = projectOf(ctx)
  return Prisma.sql`(i."projectId" = ${projectId} OR i."visibility" IN ('public', 'community') OR (i."visibility" = 'shared'
    AND EXISTS (SELECT 1 FROM "ImageMember" m WHERE m."imageId" = i."id" AND m."projectId" = ${projectId})))`
}

/** What a list shows of those: shared ones once accepted (or as `status` says; 'all' for any). */
export function listedImages(ctx: Ctx, status: MemberStatus | 'all' = 'accepted'): object {
  const projectId = projectOf(ctx)
  const shared = status === 'all' ? sharedWith(projectId) : sharedWith(projectId, status)
  return { OR: [{ projectId }, { visibility: { in: ['public', 'community'] } }, shared] }
}

/** By (what the caller may see, id), then authorized; unseen and deleted are 404. */
export async function loadImage(ctx: Ctx, action: string, id: string): Promise<ImageRow> {
  const row = await ctx.db.image.findFirst({
    where: { AND: [reachableImages(ctx), { id, state: { not: 'deleted' } }] },
  })
  if (!row) throw notFound('image', id)
  // What a caller without rights over all reaches in another project has been opened to it.
  const open = seesAll(ctx) ? row.visibility === 'public' || row.visibility === 'community' : true
  authorize(ctx, action, { projectId: row.projectId, public: open })
  return row
}

/** The same, to be changed: it stays as it is, and its owner's, until the transaction ends. */
export async function lockImage(ctx: Ctx, action: string, id: string): Promise<ImageRow> {
  await loadImage(ctx, action, id)
  await ctx.db.$queryRaw`SELECT 1 FROM "Image" WHERE "id" = ${id}::uuid FOR UPDATE`
  // Read again: it may have gone, or been given away, until the lock was ours.
  return loadImage(ctx, action, id)
}

export const formatOf = (row: Pick<ImageRow, 'diskFormat'>): DiskFormat | null =>
  diskFormats.find((format) => format === row.diskFormat) ?? null
const visibilityOf = (row: ImageRow): ImageVisibility =>
  imageVisibilities.find((visibility) => visibility === row.visibility) ?? 'private'
/** Strings alone are ever written. */
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

/** A change of an image that its page shows; in the transaction of the change. */
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
