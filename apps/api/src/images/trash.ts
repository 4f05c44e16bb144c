import type { TrashView } from '../hosts/contract.ts'
import { imageStorePlace, noteTakenBack, trashView } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { conflict } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import { imageStore } from './store.ts'

/** Lists bytes that belonged to no image and that wait in the trash of the image store. */
export async function listImageTrash(ctx: Ctx): Promise<TrashView[]> {
  authorize(ctx, 'image:adopt')
  const files = await imageStore(ctx.deps).trash.list()
  return files.map((file) => trashView(ctx, { host: null, kind: 'blob', file }))
}

/** Puts bytes back from the trash. They belong to no image again, and their waiting time begins anew. */
export async function takeBackBlob(ctx: Ctx, { sha256 }: { sha256: string }): Promise<void> {
  authorize(ctx, 'image:adopt')
  await imageStore(ctx.deps)
    .trash.takeBack(sha256)
    .catch((error: { code?: unknown }) => {
      if (error.code === 'not_found') throw conflict('The bytes are not in the trash any more.')
      if (error.code === 'conflict') throw conflict('The image store has these bytes already.')
      throw error
    })
  await noteTakenBack(ctx, { hostId: imageStorePlace, kind: 'blob', thing: sha256 })
}
