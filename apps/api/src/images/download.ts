import type { Readable } from 'node:stream'
import type { Ctx } from '../kernel/context.ts'
import { conflict } from '../kernel/errors.ts'
import { noteUse } from '../kernel/events.ts'
import { authorize } from '../kernel/policy.ts'
import { loadImage } from './load.ts'
import { imageStore } from './store.ts'

export type ImageData = {
  sizeBytes: number
  md5: string | null
  name: string
  /** Opens the bytes of the range, both ends included as in HTTP; without a range, all bytes. */
  open: (range?: { start: number; end: number }) => Promise<Readable>
}

/** Returns the bytes as they were uploaded. Only administrators may download a deactivated image. */
export async function downloadImage(ctx: Ctx, input: { id: string }): Promise<ImageData> {
  const row = await loadImage(ctx, 'image:download', input.id)
  if (row.state === 'deactivated') authorize(ctx, 'image:read-deactivated')
  else if (row.state !== 'active') throw conflict(`The image has no data to download: it is ${row.state}.`)
  const { blobId } = row
  if (blobId === null) throw conflict('The image has no data to download.')
  return {
    sizeBytes: Number(row.sizeBytes),
    md5: row.checksumMd5,
    name: row.name,
    async open(range) {
      // The event belongs to the caller's project: the owner of a public image is not told who uses the image.
      const projectId = ctx.scope.kind === 'project' ? ctx.scope.projectId : null
      await noteUse(ctx, { kind: 'image.downloaded', projectId, resourceKind: 'image', resourceId: row.id })
      return imageStore(ctx.deps).open(blobId, range)
    },
  }
}
