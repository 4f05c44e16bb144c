import { Prisma } from '@stratolith/db'
import { type Ctx, projectOf } from '../kernel/context.ts'
import type { QuotaView } from '../kernel/contract.ts'
import { invariant } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import { quotaOf, releaseQuota } from '../quota/service.ts'
import type { ImageRow } from './load.ts'

const gib = 1024 ** 3

/** Quota that an image uses, in whole GiB: the size of its disk or of its file, whichever is larger (A02). */
export const imageGib = (sizes: { sizeBytes: number; virtualBytes: number }): number =>
  Math.ceil(Math.max(sizes.sizeBytes, sizes.virtualBytes) / gib)

/** Releases the quota that the row uses; `imageGib` is reserved only once the size is known. */
export async function releaseImageQuota(ctx: Ctx, row: ImageRow): Promise<void> {
  await releaseQuota(ctx, row.projectId, { images: 1, imageGib: paidGib(row) })
}
export const paidGib = (row: Pick<ImageRow, 'sizeBytes' | 'virtualBytes' | 'blobId'>): number =>
  row.blobId === null
    ? 0
    : imageGib({ sizeBytes: Number(row.sizeBytes ?? 0), virtualBytes: Number(row.virtualBytes ?? 0) })

/** The same as SQL over a row of "Image", and the condition for the rows that use quota: to prove the counters. */
export const paidGibSql = Prisma.sql`CASE WHEN "blobId" IS NULL THEN 0
  ELSE ceil(GREATEST("sizeBytes", "virtualBytes", 0) / ${gib}::numeric) END`
export const notDeleted = Prisma.sql`"state" <> 'deleted'`

/**
 * Bytes that the project may still upload. The value only limits the stream; the reservation of quota decides later.
 */
export async function uploadBound(ctx: Ctx, projectId: string, hardLimit: number): Promise<number> {
  const quota = (await quotaOf(ctx, projectId)).find((q) => q.resource === 'imageGib')
  if (!quota || quota.limit < 0) return hardLimit
  return Math.min(hardLimit, Math.max(0, quota.limit - quota.used) * gib)
}

/** Largest file that an upload may have, whatever the quota: 1 TiB. */
export const hardLimit = 1024 ** 4

/** Most uploads of one project at the same time (R6). */
export const uploadsAtOnce = 8

type Usage = Pick<QuotaView, 'limit' | 'used'>
/** Usage of the caller's project: images, and the part of them that waits for its import. Sizes in GiB. */
export async function usageOf(
  ctx: Ctx,
): Promise<{ images: Usage; imageGib: Usage; stagedGib: number; uploads: Usage }> {
  const projectId = projectOf(ctx)
  authorize(ctx, 'image:list')
  const quota = await quotaOf(ctx, projectId)
  const of = (resource: string) => {
    const found = quota.find((q) => q.resource === resource)
    invariant(found, `no quota ${resource}`)
    return found
  }
  const staged = await ctx.db.image.findMany({
    where: { projectId, state: { in: ['uploading', 'importing'] } },
    select: { sizeBytes: true, virtualBytes: true, blobId: true },
  })
  const used = await ctx.db.image.count({
    where: { projectId, state: { in: ['saving', 'uploading', 'importing'] } },
  })
  return {
    images: of('images'),
    imageGib: of('imageGib'),
    stagedGib: staged.reduce((sum, row) => sum + paidGib(row), 0),
    uploads: { limit: uploadsAtOnce, used },
  }
}
