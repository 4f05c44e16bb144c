import { idInput } from '../kernel/contract.ts'
import { procedure, router } from '../kernel/trpc.ts'
import { adoptImage } from './adopt.ts'
import {
  blobTakeBackInput,
  imageAdoptInput,
  imageCreateInput,
  imageListInput,
  imageMemberInput,
  imageMemberStatusInput,
  imageMembersInput,
  imagePropertyInput,
  imagePropertyRef,
  imageUpdateInput,
} from './contract.ts'
import { removeImageProperty, setImageProperty } from './properties.ts'
import {
  addMember,
  createImage,
  deactivateImage,
  deleteImage,
  getImage,
  listImages,
  listMembers,
  reactivateImage,
  removeMember,
  setMemberStatus,
  updateImage,
} from './service.ts'
import { listImageTrash, takeBackBlob } from './trash.ts'

/** Procedures for the projects that an image is shared with. */
const members = router({
  list: procedure.input(imageMembersInput).query(({ ctx, input }) => listMembers(ctx.cloud, input)),
  add: procedure.input(imageMemberInput).mutation(({ ctx, input }) => addMember(ctx.cloud, input)),
  answer: procedure
    .input(imageMemberStatusInput)
    .mutation(({ ctx, input }) => setMemberStatus(ctx.cloud, input)),
  remove: procedure.input(imageMemberInput).mutation(({ ctx, input }) => removeMember(ctx.cloud, input)),
})

export const imagesRouter = router({
  list: procedure.input(imageListInput).query(({ ctx, input }) => listImages(ctx.cloud, input)),
  get: procedure.input(idInput).query(({ ctx, input }) => getImage(ctx.cloud, input)),
  create: procedure.input(imageCreateInput).mutation(({ ctx, input }) => createImage(ctx.cloud, input)),
  update: procedure.input(imageUpdateInput).mutation(({ ctx, input }) => updateImage(ctx.cloud, input)),
  setProperty: procedure
    .input(imagePropertyInput)
    .mutation(({ ctx, input }) => setImageProperty(ctx.cloud, input)),
  removeProperty: procedure
    .input(imagePropertyRef)
    .mutation(({ ctx, input }) => removeImageProperty(ctx.cloud, input)),
  deactivate: procedure.input(idInput).mutation(({ ctx, input }) => deactivateImage(ctx.cloud, input)),
  reactivate: procedure.input(idInput).mutation(({ ctx, input }) => reactivateImage(ctx.cloud, input)),
  trash: procedure.query(({ ctx }) => listImageTrash(ctx.cloud)),
  takeBack: procedure.input(blobTakeBackInput).mutation(({ ctx, input }) => takeBackBlob(ctx.cloud, input)),
  adopt: procedure.input(imageAdoptInput).mutation(({ ctx, input }) => adoptImage(ctx.cloud, input)),
  delete: procedure.input(idInput).mutation(({ ctx, input }) => deleteImage(ctx.cloud, input)),
  members,
})
