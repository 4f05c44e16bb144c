import type { ImageModel } from '@stratolith/db'
import { type Ctx, seesAll } from '../kernel/context.ts'
import { notFound } from '../kernel/errors.ts'
import { appendEvent } from '../kernel/events.ts'
import { authorize } from '../kernel/policy.ts'
import { type ImageState, type ImageView, imageStates } from './contract.ts'

export type ImageRow = ImageModel

/** What the caller may see: the project's own images and public ones. */
export function visibleImages(ctx: Ctx, allProjects = false): object {
  if (seesAll(ctx) && (allProjects || ctx.scope.kind !== 'project')) return {}
  const projectId = ctx.scope.kind === 'project' ? ctx.scope.projectId : ''
  return { OR: [{ projectId }, { visibility: 'public' }] }
}

/** By (what the caller may see, id), then authorized; unseen and deleted are 404. */
export async function loadImage(ctx: Ctx, action: string, id: string): Promise<ImageRow> {
  const row = await ctx.db.image.findFirst({
    where: { AND: [seesAll(ctx) ? {} : visibleImages(ctx), { id, state: { not: 'deleted' } }] },
  })
  if (!row) throw notFound('image', id)
  authorize(ctx, action, { projectId: row.projectId, public: row.visibility === 'public' })
  return row
}

export const stateOf = (row: ImageRow): ImageState =>
  imageStates.find((state) => state === row.state) ?? 'killed'

export function viewOf(ctx: Ctx, row: ImageRow): ImageView {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    projectId: row.projectId,
    visibility: row.visibility === 'public' ? 'public' : 'private',
    state: stateOf(row),
    diskFormat: row.diskFormat === 'qcow2' ? 'qcow2' : 'raw',
    sizeBytes: row.sizeBytes === null ? null : Number(row.sizeBytes),
    virtualBytes: row.virtualBytes === null ? null : Number(row.virtualBytes),
    uploadedBytes: Number(row.uploadedBytes),
    minDiskGib: row.minDiskGib,
    minRamMib: row.minRamMib,
    checksumMd5: row.checksumMd5,
    sha256: row.sha256,
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
