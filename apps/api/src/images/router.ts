import { idInput } from '../kernel/contract.ts'
import { procedure, router } from '../kernel/trpc.ts'
import { imageCreateInput, imageListInput, imageUpdateInput } from './contract.ts'
import { createImage, deleteImage, getImage, listImages, updateImage } from './service.ts'

export const imagesRouter = router({
  list: procedure.input(imageListInput).query(({ ctx, input }) => listImages(ctx.cloud, input)),
  get: procedure.input(idInput).query(({ ctx, input }) => getImage(ctx.cloud, input)),
  create: procedure.input(imageCreateInput).mutation(({ ctx, input }) => createImage(ctx.cloud, input)),
  update: procedure.input(imageUpdateInput).mutation(({ ctx, input }) => updateImage(ctx.cloud, input)),
  delete: procedure.input(idInput).mutation(({ ctx, input }) => deleteImage(ctx.cloud, input)),
})
