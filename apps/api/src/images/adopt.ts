import type { z } from 'zod'
import { imageStorePlace, loadStray } from '../hosts/service.ts'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { conflict, invalidInput } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import type { ImageView, imageAdoptInput } from './contract.ts'
import { createImage } from './service.ts'
import { imageStore } from './store.ts'
import { uploadImage } from './upload.ts'

/**
 * Makes an image from bytes in the store that belong to no image. The bytes are uploaded from the store into the store:
 * they are inspected, measured and counted like any upload, and end as the same blob. The call takes as long as reading
 * the bytes. Only administrators may call this; the image belongs to the project of the session.
 */
export async function adoptImage(ctx: Ctx, input: z.output<typeof imageAdoptInput>): Promise<ImageView> {
  authorize(ctx, 'image:adopt')
  const stray = await inTransaction(ctx, (tx) => loadStray(tx, input.strayId))
  if (stray.kind !== 'blob' || stray.hostId !== imageStorePlace)
    throw invalidInput('Only bytes of the image store can be adopted as an image.', 'strayId')
  const source = await imageStore(ctx.deps)
    .open(stray.thing)
    .catch(() => {
      throw conflict('The bytes are not in the image store: a host has a copy of them, no more.')
    })
  const { id } = await createImage(ctx, {
    name: input.name,
    diskFormat: input.diskFormat,
    visibility: 'private',
    description: '',
    minDiskGib: 0,
    minRamMib: 0,
    protected: false,
  })
  return uploadImage(ctx, { id, source })
}
