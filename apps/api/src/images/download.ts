import type { Readable } from 'node:stream'
import type { Ctx } from '../kernel/context.ts'
import { conflict } from '../kernel/errors.ts'
import { loadImage } from './load.ts'
import { imageStore } from './store.ts'

/** The bytes as they were uploaded. */
export async function downloadImage(
  ctx: Ctx,
  input: { id: string },
): Promise<{ stream: Readable; sizeBytes: number; md5: string | null; name: string }> {
  const row = await loadImage(ctx, 'image:download', input.id)
  if (row.state !== 'active' || row.blobId === null)
    throw conflict(`The image has no data to download: it is ${row.state}.`)
  const stream = await imageStore(ctx.deps).open(row.blobId)
  return { stream, sizeBytes: Number(row.sizeBytes), md5: row.checksumMd5, name: row.name }
}
