import type { Ctx } from '../kernel/context.ts'
import { quotaOf, releaseQuota } from '../kernel/quota.ts'
import type { ImageRow } from './load.ts'

const gib = 1024 ** 3

/** What an image costs: its disk or its file, whichever is larger (catalogue A02), in whole GiB. */
export const imageGib = (sizes: { sizeBytes: number; virtualBytes: number }): number =>
  Math.ceil(Math.max(sizes.sizeBytes, sizes.virtualBytes) / gib)

/** Gives back what the row has taken; `imageGib` is taken once the size is known. */
export async function releaseImageQuota(ctx: Ctx, row: ImageRow): Promise<void> {
  await releaseQuota(ctx, row.projectId, { images: 1, imageGib: paidGib(row) })
}
export const paidGib = (row: Pick<ImageRow, 'sizeBytes' | 'virtualBytes' | 'blobId'>): number =>
  row.blobId === null
    ? 0
    : imageGib({ sizeBytes: Number(row.sizeBytes ?? 0), virtualBytes: Number(row.virtualBytes ?? 0) })

/** Bytes that the project may still upload; a bound for the stream, the reservation decides later. */
export async function uploadBound(ctx: Ctx, projectId: string, hardLimit: number): Promise<number> {
  const quota = (await quotaOf(ctx, projectId)).find((q) => q.resource === 'imageGib')
  if (!quota || quota.limit < 0) return hardLimit
  return Math.min(hardLimit, Math.max(0, quota.limit - quota.used) * gib)
}
