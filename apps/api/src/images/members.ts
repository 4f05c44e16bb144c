import type { ImageMemberModel } from '@stratolith/db'
import { type Ctx, inTransaction, isAdmin, seesAll } from '../kernel/context.ts'
import { CloudError, conflict, notFound } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import { recordOperation } from '../kernel/workflow.ts'
import { type ImageMemberView, type MemberStatus, memberStatuses } from './contract.ts'
import { historyOf, type ImageRow, loadImage, noteImage } from './load.ts'

/** Largest number of projects that one image may be shared with (R6). */
export const maxMembers = 128

const view = (row: ImageMemberModel): ImageMemberView => ({
  imageId: row.imageId,
  projectId: row.projectId,
  status: memberStatuses.find((status) => status === row.status) ?? 'pending',
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})
const forbidden = (message: string) => new CloudError('forbidden', message)

/**
 * Lists members: the owner sees all of them, a member sees only itself. Throws forbidden when the image is not shared.
 */
export async function listMembers(ctx: Ctx, input: { imageId: string }): Promise<ImageMemberView[]> {
  const image = await sharedImage(ctx, 'image:list-members', input.imageId)
  const rows = await ctx.db.imageMember.findMany({
    where: { imageId: image.id, ...seenMembers(ctx, image) },
    orderBy: [{ createdAt: 'asc' }, { projectId: 'asc' }],
  })
  return rows.map(view)
}

/** Returns a member of an image. Throws not_found for a member that the caller cannot see. */
export async function getMember(
  ctx: Ctx,
  input: { imageId: string; projectId: string },
): Promise<ImageMemberView> {
  const image = await sharedImage(ctx, 'image:list-members', input.imageId)
  return view(await loadMember(ctx, image, input.projectId))
}

/**
 * Shares the image with a project without checking that the project exists: the answer would tell the caller whether it
 * does (R2).
 */
export async function addMember(
  ctx: Ctx,
  input: { imageId: string; projectId: string },
): Promise<ImageMemberView> {
  return inTransaction(ctx, async (tx) => {
    const image = await sharedImage(tx, 'image:share', input.imageId)
    // The lock makes additions happen one after the other, so that the count below holds.
    await tx.db.$queryRaw`SELECT 1 FROM "Image" WHERE "id" = ${image.id}::uuid FOR UPDATE`
    const key = { imageId: image.id, projectId: input.projectId }
    if (await tx.db.imageMember.findUnique({ where: { imageId_projectId: key } }))
      throw conflict('The image is shared with this project already.')
    if ((await tx.db.imageMember.count({ where: { imageId: image.id } })) >= maxMembers)
      throw new CloudError('quota_exceeded', `An image is shared with at most ${maxMembers} projects.`)
    const row = await tx.db.imageMember.create({ data: key })
    await noteMembers(tx, image, input.projectId)
    return view(row)
  })
}

/**
 * Sets the answer of a member. Only the member, or an administrator, accepts or refuses; the owner of the image cannot
 * do so for the member. Throws forbidden for other callers, not_found for a member that the caller cannot see.
 */
export async function setMemberStatus(
  ctx: Ctx,
  input: { imageId: string; projectId: string; status: MemberStatus },
): Promise<ImageMemberView> {
  return inTransaction(ctx, async (tx) => {
    const image = await sharedImage(tx, 'image:list-members', input.imageId)
    const member = await loadMember(tx, image, input.projectId)
    const own = tx.scope.kind === 'project' && tx.scope.projectId === member.projectId
    if (!isAdmin(tx) && !own) throw forbidden('Only the project it is shared with may accept or refuse it.')
    authorize(tx, 'image:accept', { projectId: member.projectId })
    const row = await tx.db.imageMember.update({
      where: { imageId_projectId: { imageId: image.id, projectId: member.projectId } },
      data: { status: input.status },
    })
    await noteMembers(tx, image, member.projectId)
    return view(row)
  })
}

/** Stops sharing the image with a project. Throws not_found for a project that is no member. */
export async function removeMember(ctx: Ctx, input: { imageId: string; projectId: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const image = await sharedImage(tx, 'image:share', input.imageId)
    const { projectId } = await loadMember(tx, image, input.projectId)
    await tx.db.imageMember.delete({ where: { imageId_projectId: { imageId: image.id, projectId } } })
    await noteMembers(tx, image, projectId)
  })
}

async function sharedImage(ctx: Ctx, action: string, id: string): Promise<ImageRow> {
  const image = await loadImage(ctx, action, id)
  if (image.visibility !== 'shared')
    throw forbidden(
      `Only shared images have members; this one is ${image.visibility}. Set its visibility to shared first.`,
    )
  return image
}

const ownsOrSeesAll = (ctx: Ctx, image: ImageRow) =>
  seesAll(ctx) || (ctx.scope.kind === 'project' && ctx.scope.projectId === image.projectId)
const seenMembers = (ctx: Ctx, image: ImageRow) =>
  ownsOrSeesAll(ctx, image) ? {} : { projectId: ctx.scope.kind === 'project' ? ctx.scope.projectId : '' }

async function loadMember(ctx: Ctx, image: ImageRow, projectId: string): Promise<ImageMemberModel> {
  const row = await ctx.db.imageMember.findFirst({
    where: { AND: [seenMembers(ctx, image), { imageId: image.id, projectId }] },
  })
  if (!row) throw notFound('member', projectId)
  return row
}

/** Updates the pages of both projects; the history belongs to the owner's project. */
async function noteMembers(ctx: Ctx, image: ImageRow, memberId: string): Promise<void> {
  await recordOperation(ctx, historyOf(image, 'image.share'))
  await noteImage(ctx, image, 'updated')
  await noteImage(ctx, { ...image, projectId: memberId }, 'updated')
}
