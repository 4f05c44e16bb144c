import type { Prisma, VolumeGroupTypeModel } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction, seesAll } from '../../kernel/context.ts'
import { alreadyExists, conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { whole } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation } from '../../kernel/workflow.ts'
import {
  groupSpecsInput,
  type groupTypeCreateInput,
  type groupTypeUpdateInput,
  type VolumeGroupTypeView,
} from './contract.ts'

/** Types of groups. Administrators make them; a type that is not public is theirs alone, as in Cinder. */

type TypeRow = VolumeGroupTypeModel
const usable = (ctx: Ctx): Prisma.VolumeGroupTypeWhereInput => (seesAll(ctx) ? {} : { public: true })
export const groupSpecsOf = ({ specs }: { specs: unknown }) => specs as Record<string, string>

const viewOf = (ctx: Ctx, row: TypeRow): VolumeGroupTypeView => ({
  ...{ id: row.id, name: row.name, description: row.description, public: row.public },
  isDefault: row.isDefault,
  specs: seesAll(ctx) ? groupSpecsOf(row) : {},
})

/** The types that the caller may use, by name. */
export async function listGroupTypes(ctx: Ctx): Promise<VolumeGroupTypeView[]> {
  authorize(ctx, 'volumeGroupType:list')
  const most = 1_000
  const rows = await ctx.db.volumeGroupType.findMany({
    ...{ where: usable(ctx), orderBy: { name: 'asc' } as const, take: most + 1 },
  })
  return whole(rows, most, 'Delete types of groups that nobody uses.').map((row) => viewOf(ctx, row))
}

export async function getGroupType(ctx: Ctx, input: { id: string }): Promise<VolumeGroupTypeView> {
  authorize(ctx, 'volumeGroupType:list')
  const row = await ctx.db.volumeGroupType.findFirst({ where: { AND: [usable(ctx), { id: input.id }] } })
  if (!row) throw notFound('group type', input.id)
  return viewOf(ctx, row)
}

/** The specs of a type, for those who see the whole cloud. */
export async function getGroupSpecs(ctx: Ctx, input: { id: string }): Promise<Record<string, string>> {
  authorize(ctx, 'volumeGroupType:get_specs')
  return (await getGroupType(ctx, input)).specs
}

/** The type of groups for which nobody names a type; null when there is none. */
export async function getDefaultGroupType(ctx: Ctx): Promise<VolumeGroupTypeView | null> {
  authorize(ctx, 'volumeGroupType:list')
  const row = await ctx.db.volumeGroupType.findFirst({ where: { AND: [usable(ctx), { isDefault: true }] } })
  return row && viewOf(ctx, row)
}

/** The type of a new group: that of this id or name, or the default. It stays until the end of the transaction. */
export async function groupTypeFor(tx: Ctx, named: string | undefined): Promise<TypeRow> {
  const isId = named !== undefined && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(named)
  const wanted =
    named === undefined ? { isDefault: true } : { OR: [{ name: named }, ...(isId ? [{ id: named }] : [])] }
  const find = (where: Prisma.VolumeGroupTypeWhereInput) =>
    tx.db.volumeGroupType.findFirst({ where: { AND: [usable(tx), where] } })
  const seen = await find(wanted)
  if (seen) {
    await tx.db.$queryRaw`SELECT 1 FROM "VolumeGroupType" WHERE "id" = ${seen.id}::uuid FOR KEY SHARE`
    // Somebody may have changed or deleted the type before it was locked.
    const row = await find({ id: seen.id })
    if (row) return row
  }
  if (named === undefined) throw invalidInput('No type of groups is the default. Name one.', 'groupType')
  throw notFound('group type', named)
}

/** Makes the type that a new cloud has. */
export async function seedGroupTypes(ctx: Ctx): Promise<void> {
  await ctx.db.$executeRaw`
    INSERT INTO "VolumeGroupType" ("id", "name", "description", "isDefault", "specs")
    SELECT ${crypto.randomUUID()}::uuid, 'Standard', 'All volumes of a guest are kept at one instant.', true,
      ${JSON.stringify({ consistent_group_snapshot_enabled: '<is> True' })}::jsonb
    WHERE NOT EXISTS (SELECT FROM "VolumeGroupType") ON CONFLICT DO NOTHING`
}

export async function createGroupType(
  ctx: Ctx,
  input: z.output<typeof groupTypeCreateInput>,
): Promise<VolumeGroupTypeView> {
  authorize(ctx, 'volumeGroupType:create')
  return inTransaction(ctx, async (tx) => {
    await refuseTaken(tx, input.name)
    const row = await tx.db.volumeGroupType.create({ data: { id: crypto.randomUUID(), ...input } })
    await note(tx, row, 'create')
    return viewOf(tx, row)
  })
}

async function refuseTaken(ctx: Ctx, name: string, id?: string): Promise<void> {
  const taken = await ctx.db.volumeGroupType.findUnique({ where: { name }, select: { id: true } })
  if (taken && taken.id !== id) throw alreadyExists('group type', name)
}

async function change(
  ctx: Ctx,
  id: string,
  patch: (row: TypeRow, tx: Ctx) => Promise<Prisma.VolumeGroupTypeUpdateInput>,
): Promise<VolumeGroupTypeView> {
  return inTransaction(ctx, async (tx) => {
    const before = await lock(tx, 'volumeGroupType:update', id)
    const row = await tx.db.volumeGroupType.update({ where: { id }, data: await patch(before, tx) })
    await note(tx, { ...row, public: row.public || before.public }, 'update')
    return viewOf(tx, row)
  })
}

export const updateGroupType = (
  ctx: Ctx,
  { id, ...data }: z.output<typeof groupTypeUpdateInput>,
): Promise<VolumeGroupTypeView> =>
  change(ctx, id, async (row, tx) => {
    if (data.name !== undefined) await refuseTaken(tx, data.name, id)
    if (data.public === false && row.isDefault)
      throw conflict('Every project may use the default type. Make another type the default first.')
    return data
  })

/** Makes the type the one of all groups for which nobody names a type. */
export const makeDefaultGroupType = (ctx: Ctx, { id }: { id: string }): Promise<VolumeGroupTypeView> =>
  change(ctx, id, async (row, tx) => {
    if (!row.public) throw conflict('Only a type that every project may use can be the default.')
    await tx.db.$queryRaw`SELECT 1 FROM "VolumeGroupType" ORDER BY "id" FOR UPDATE`
    await tx.db.volumeGroupType.updateMany({ where: { isDefault: true }, data: { isDefault: false } })
    return { isDefault: true }
  })

/** Adds or replaces specs; those that are not named stay. */
export const setGroupSpecs = (
  ctx: Ctx,
  { id, specs }: { id: string; specs: Record<string, string> },
): Promise<VolumeGroupTypeView> =>
  change(ctx, id, async (row) => {
    const all = groupSpecsInput.safeParse({ ...groupSpecsOf(row), ...specs })
    if (!all.success) throw invalidInput(all.error.issues[0]?.message ?? 'These specs cannot be kept.')
    return { specs: all.data }
  })

/** Removes a spec. Throws not_found when the type has none of that name. */
export const removeGroupSpec = (
  ctx: Ctx,
  { id, key }: { id: string; key: string },
): Promise<VolumeGroupTypeView> =>
  change(ctx, id, async (row) => {
    if (!Object.hasOwn(groupSpecsOf(row), key)) throw notFound('group spec', key)
    const { [key]: _gone, ...specs } = groupSpecsOf(row)
    return { specs }
  })

/** Deletes a type. Throws conflict while groups have the type, and for the default. */
export async function deleteGroupType(ctx: Ctx, { id }: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lock(tx, 'volumeGroupType:delete', id)
    if (row.isDefault) throw conflict('This type is the default. Make another type the default first.')
    const count = await tx.db.volumeGroup.count({ where: { typeId: id } })
    if (count > 0)
      throw conflict(`${count === 1 ? 'A group has' : `${count} groups have`} this type. Delete them first.`)
    await tx.db.volumeGroupType.delete({ where: { id } })
    await note(tx, row, 'delete')
  })
}

async function lock(tx: Ctx, action: string, id: string): Promise<TypeRow> {
  authorize(tx, action)
  await tx.db.$queryRaw`SELECT 1 FROM "VolumeGroupType" WHERE "id" = ${id}::uuid FOR UPDATE`
  const row = await tx.db.volumeGroupType.findUnique({ where: { id } })
  if (!row) throw notFound('group type', id)
  return row
}

/** Writes a change into the history and tells the open pages. */
async function note(
  ctx: Ctx,
  row: { id: string; name: string; public: boolean },
  verb: 'create' | 'update' | 'delete',
): Promise<void> {
  const [id, resourceKind] = [crypto.randomUUID(), 'volumeGroupType']
  await recordOperation(ctx, {
    ...{ id, action: `${resourceKind}.${verb}`, resourceKind, projectId: null },
    ...{ resourceId: row.id, resourceName: row.name },
  })
  await appendEvent(ctx, {
    ...{ kind: `${resourceKind}.${verb}d`, projectId: null, public: row.public, resourceKind },
    ...{ resourceId: row.id, operationId: id, data: { name: row.name } },
  })
}
