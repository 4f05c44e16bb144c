import { projectExists } from '../../directory/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { whole } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { noteType } from './row.ts'
import { changeType, typeNamed } from './service.ts'

/** The projects that may use a type that is not public, and the default types of projects. */

/** The ids of the projects that may use a type that is not public. Throws not_found for a public type, as Cinder does. */
export async function typeAccess(ctx: Ctx, input: { id: string }): Promise<string[]> {
  authorize(ctx, 'volumeType:list_access')
  const row = await ctx.db.volumeType.findUnique({ where: { id: input.id }, include: { access: true } })
  if (!row) throw notFound('volume type', input.id)
  if (row.public) throw notFound('access list of the public volume type', input.id)
  return row.access.map((access) => access.projectId).sort()
}

/** Lets a project use a type that is not public. Throws conflict when the project may already, or the type is public. */
export async function grantType(ctx: Ctx, input: { id: string; projectId: string }): Promise<string[]> {
  const { id, projectId } = input
  await changeType(ctx, { id }, async (row, tx) => {
    if (row.public) throw conflict('Every project may use a public type: there is no access to give.')
    if (!(await projectExists(tx, projectId, 'any')))
      throw invalidInput(`There is no project ${projectId}.`, 'projectId')
    const { count } = await tx.db.volumeTypeAccess.createMany({
      data: { typeId: id, projectId },
      skipDuplicates: true,
    })
    if (count === 0) throw conflict('The project may use this type already.', 'accessExists')
    return {}
  })
  return typeAccess(ctx, { id })
}

/** Takes the use of a type from a project; its volumes keep the type. Throws not_found for a project that has no access. */
export async function revokeType(ctx: Ctx, input: { id: string; projectId: string }): Promise<string[]> {
  const { id, projectId } = input
  await changeType(ctx, { id }, async (row, tx) => {
    if (row.public) throw conflict('Every project may use a public type: there is no access to take.')
    const { count } = await tx.db.volumeTypeAccess.deleteMany({ where: { typeId: id, projectId } })
    if (count === 0) throw notFound('access to the volume type of the project', projectId)
    return {}
  })
  return typeAccess(ctx, { id })
}

export type DefaultType = { projectId: string; typeId: string }

/** The default types of the projects that have one of their own. */
export async function listDefaultTypes(ctx: Ctx): Promise<DefaultType[]> {
  authorize(ctx, 'volumeType:list_defaults')
  const most = 10_000
  const rows = await ctx.db.volumeTypeDefault.findMany({ orderBy: { projectId: 'asc' }, take: most + 1 })
  return whole(rows, most, 'Ask for the default type of one project.')
}

/** Throws not_found for a project that has no default type of its own. */
export async function defaultTypeOf(ctx: Ctx, input: { projectId: string }): Promise<DefaultType> {
  authorize(ctx, 'volumeType:list_defaults')
  const row = await ctx.db.volumeTypeDefault.findUnique({ where: { projectId: input.projectId } })
  if (!row) throw notFound('default volume type of project', input.projectId)
  return row
}

/** Gives a project a default type of its own, by name or id. Throws conflict for a type that the project may not use. */
export async function setDefaultType(
  ctx: Ctx,
  input: { projectId: string; type: string },
): Promise<DefaultType> {
  authorize(ctx, 'volumeType:set_default')
  const { projectId } = input
  return inTransaction(ctx, async (tx) => {
    if (!(await projectExists(tx, projectId, 'any'))) throw notFound('project', projectId)
    const type = await typeNamed(tx, input.type)
    if (!type) throw invalidInput(`There is no volume type ${input.type}.`, 'type')
    const access = { typeId: type.id, projectId }
    if (!type.public && (await tx.db.volumeTypeAccess.count({ where: access })) === 0)
      throw conflict('The project may not use this type. Let the project in first.')
    const made = await tx.db.volumeTypeDefault.upsert({
      ...{ where: { projectId }, create: access, update: { typeId: type.id } },
    })
    await noteType(tx, type, 'update')
    return made
  })
}

/** Lets the cloud's default hold for a project again. Throws not_found when the project has none of its own. */
export async function unsetDefaultType(ctx: Ctx, input: { projectId: string }): Promise<void> {
  authorize(ctx, 'volumeType:set_default')
  const { projectId } = input
  await inTransaction(ctx, async (tx) => {
    const { typeId } = await defaultTypeOf(tx, input)
    const { count } = await tx.db.volumeTypeDefault.deleteMany({ where: { projectId, typeId } })
    if (count === 0) throw notFound('default volume type of project', projectId)
    const type = await tx.db.volumeType.findUniqueOrThrow({ where: { id: typeId } })
    await noteType(tx, type, 'update')
  })
}

/** Forgets what projects that are removed may use, and their default types. */
export async function forgetTypesOf(tx: Ctx, projectIds: readonly string[]): Promise<void> {
  const where = { projectId: { in: [...projectIds] } }
  await tx.db.volumeTypeAccess.deleteMany({ where })
  await tx.db.volumeTypeDefault.deleteMany({ where })
}
