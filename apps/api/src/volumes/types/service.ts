import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { alreadyExists, conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { whole } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { storedEncryption } from '../encryption/words.ts'
import { forgetTypeQuota } from '../quota.ts'
import { loadVolume } from '../row.ts'
import type { VolumeTypeView, volumeTypeCreateInput, volumeTypeUpdateInput } from './contract.ts'
import { checkExtraSpecs } from './extra-specs.ts'
import { deleteQos, makeQos } from './qos.ts'
import { lockType, noteType, specsOf, type TypeRow, usable, viewOf, withQos } from './row.ts'

/** The types that the caller may use for a volume, by name. */
export async function listVolumeTypes(ctx: Ctx): Promise<VolumeTypeView[]> {
  authorize(ctx, 'volumeType:list')
  const most = 1_000
  const rows = await ctx.db.volumeType.findMany({
    ...{ where: usable(ctx), include: withQos },
    orderBy: { name: 'asc' },
    take: most + 1,
  })
  return whole(rows, most, 'Delete types that nobody uses.').map((row) => viewOf(ctx, row))
}

/** The type with that id. Throws not_found for a type that the caller may not use. */
export async function getVolumeType(ctx: Ctx, input: { id: string }): Promise<VolumeTypeView> {
  authorize(ctx, 'volumeType:get')
  const where = { AND: [usable(ctx), { id: input.id }] }
  const row = await ctx.db.volumeType.findFirst({ where, include: withQos })
  if (!row) throw notFound('volume type', input.id)
  return viewOf(ctx, row)
}

/**
 * The type of a volume that the caller may see. Their project may use the type for no other volume any more: the access
 * was taken, or the volume came by a transfer.
 */
export async function typeOfVolume(ctx: Ctx, { id }: { id: string }): Promise<VolumeTypeView> {
  const { typeId } = await loadVolume(ctx, 'volume:get', id)
  return viewOf(ctx, await ctx.db.volumeType.findUniqueOrThrow({ where: { id: typeId }, include: withQos }))
}

/**
 * The type of a new volume: the one with that id or name. When none is named, the type of the volume that the new one
 * begins with (`originId`), if the caller may use that, and else the default of the caller's project or of the cloud.
 * In a transaction the type stays until its end.
 */
export async function typeFor(ctx: Ctx, named: string | undefined, originId?: string): Promise<TypeRow> {
  const otherwise = async () =>
    (originId === undefined ? null : await typeNamed(ctx, originId)) ?? (await defaultFor(ctx))
  const found = named === undefined ? await otherwise() : await typeNamed(ctx, named)
  const type = found && (await kept(ctx, found))
  if (type) return type
  throw invalidInput(
    named === undefined ? 'No type is the default. Name one.' : `There is no volume type ${named}.`,
    'type',
  )
}

/**
 * Keeps a type from being changed or deleted until the end of a transaction, and returns the type as it is from now on. Null:
 * it is gone, or the caller may not use it any more. This lock comes before those of the quota, as the deletion of a type has it.
 */
async function kept(ctx: Ctx, seen: TypeRow): Promise<TypeRow | null> {
  if (ctx.db === ctx.deps.root) return seen
  const { id } = seen
  await ctx.db.$queryRaw`SELECT 1 FROM "VolumeType" WHERE "id" = ${id}::uuid FOR KEY SHARE`
  return oneOf(ctx, { id })
}

/** The type of that id or name that the caller may use. */
export const typeNamed = (ctx: Ctx, named: string): Promise<TypeRow | null> =>
  oneOf(ctx, { OR: [{ name: named }, ...byId(named)] })

const oneOf = (ctx: Ctx, where: Prisma.VolumeTypeWhereInput): Promise<TypeRow | null> =>
  ctx.db.volumeType.findFirst({ where: { AND: [usable(ctx), where] }, include: withQos })
const byId = (text: string) => (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text) ? [{ id: text }] : [])

/** A default that the project may not use any more counts as none. */
async function defaultFor(ctx: Ctx): Promise<TypeRow | null> {
  const { scope } = ctx
  const own =
    scope.kind === 'project'
      ? await oneOf(ctx, { defaultOf: { some: { projectId: scope.projectId } } })
      : null
  return own ?? oneOf(ctx, { isDefault: true })
}

/** The type of volumes for which the caller names none; null when there is none. */
export async function getDefaultType(ctx: Ctx): Promise<VolumeTypeView | null> {
  authorize(ctx, 'volumeType:get')
  const row = await defaultFor(ctx)
  return row && viewOf(ctx, row)
}

/** Makes the type that a new cloud has. */
export async function seedVolumeTypes(ctx: Ctx): Promise<void> {
  await ctx.db.$executeRaw`
    INSERT INTO "VolumeType" ("id", "name", "description", "isDefault")
    SELECT ${crypto.randomUUID()}::uuid, 'Standard', 'On the disk of a machine.', true
    WHERE NOT EXISTS (SELECT FROM "VolumeType") ON CONFLICT DO NOTHING`
}

/** Makes a type, with QoS specs of the same name when it has limits. Throws already_exists for a name that is taken. */
export async function createVolumeType(
  ctx: Ctx,
  input: z.output<typeof volumeTypeCreateInput>,
): Promise<VolumeTypeView> {
  authorize(ctx, 'volumeType:create')
  const { limits, encrypted, ...data } = input
  checkExtraSpecs(data.extraSpecs)
  return inTransaction(ctx, async (tx) => {
    await refuseTaken(tx, data.name)
    const qos =
      Object.keys(limits).length > 0
        ? await makeQos(tx, { name: data.name, consumer: 'front-end', specs: limits })
        : null
    const row = await tx.db.volumeType.create({
      data: {
        ...{ id: crypto.randomUUID(), ...data, qosId: qos?.id },
        ...(encrypted ? storedEncryption({ cipher: null, keySize: null }) : {}),
      },
      include: withQos,
    })
    await noteType(tx, row, 'create')
    return viewOf(tx, row)
  })
}

async function refuseTaken(ctx: Ctx, name: string, id?: string): Promise<void> {
  const taken = await ctx.db.volumeType.findUnique({ where: { name }, select: { id: true } })
  if (taken && taken.id !== id) throw alreadyExists('volume type', name)
}

/** Changes a type under its lock, with history and event. */
export async function changeType(
  ctx: Ctx,
  { id, policy = 'volumeType:update' }: { id: string; policy?: string },
  patch: (row: TypeRow, tx: Ctx) => Promise<Prisma.VolumeTypeUncheckedUpdateInput>,
): Promise<VolumeTypeView> {
  return inTransaction(ctx, async (tx) => {
    const before = await lockType(tx, policy, id)
    const data = await patch(before, tx)
    const row = await tx.db.volumeType.update({ where: { id }, data, include: withQos })
    // Those who lose sight of a type must hear of it, too.
    await noteType(tx, { ...row, public: row.public || before.public }, 'update')
    return viewOf(tx, row)
  })
}

export const updateVolumeType = (
  ctx: Ctx,
  { id, ...data }: z.output<typeof volumeTypeUpdateInput>,
): Promise<VolumeTypeView> =>
  changeType(ctx, { id }, async (row, tx) => {
    if (data.name !== undefined) await refuseTaken(tx, data.name, id)
    if (data.public === false && row.isDefault)
      throw conflict('Every project may use the default type. Make another type the default first.')
    return data
  })

/** Makes the type the one of all volumes for which nobody names a type. Throws conflict for a type that is not public. */
export async function makeDefaultType(ctx: Ctx, input: { id: string }): Promise<VolumeTypeView> {
  return changeType(ctx, input, async (row, tx) => {
    if (!row.public) throw conflict('Only a type that every project may use can be the default.')
    // Two requests at the same time wait for each other at the rows, so that one type is the default in the end.
    await tx.db.$queryRaw`SELECT 1 FROM "VolumeType" ORDER BY "id" FOR UPDATE`
    await tx.db.volumeType.updateMany({
      where: { isDefault: true, NOT: { id: row.id } },
      data: { isDefault: false },
    })
    return { isDefault: true }
  })
}

/** Adds or replaces extra specs; those that are not named stay. They count for volumes that are made from now on. */
export const setTypeSpecs = (
  ctx: Ctx,
  { id, specs }: { id: string; specs: Record<string, string> },
): Promise<VolumeTypeView> =>
  changeType(ctx, { id }, async (row) => {
    checkExtraSpecs(specs)
    const extraSpecs = { ...specsOf(row), ...specs }
    if (Object.keys(extraSpecs).length > 128) throw invalidInput('A type has at most 128 extra specs.')
    return { extraSpecs }
  })

/** Removes an extra spec. Throws not_found when the type has none of that name. */
export const removeTypeSpec = (ctx: Ctx, { id, key }: { id: string; key: string }): Promise<VolumeTypeView> =>
  changeType(ctx, { id }, async (row) => {
    if (!Object.hasOwn(specsOf(row), key)) throw notFound('extra spec', key)
    const { [key]: _gone, ...extraSpecs } = specsOf(row)
    return { extraSpecs }
  })

/**
 * Deletes a type. Throws conflict while volumes have the type, and for the default. `withLimits`: its QoS specs go, too,
 * unless another type has them.
 */
export async function deleteVolumeType(ctx: Ctx, input: { id: string; withLimits?: boolean }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockType(tx, 'volumeType:delete', input.id)
    if (row.isDefault) throw conflict('This type is the default. Make another type the default first.')
    // A volume that is being made locks the type until its transaction ends, so that none is missed here.
    const count = await tx.db.volume.count({ where: { typeId: row.id } })
    if (count > 0) {
      const waiting = await tx.db.volume.count({ where: { typeId: row.id, trashedUntil: { not: null } } })
      const trash = waiting > 0 ? ` ${waiting} of them can still be taken back: delete them for good.` : ''
      throw conflict(
        `${count === 1 ? 'A volume has this type. Delete the volume' : `${count} volumes have this type. Delete the volumes`} first.${trash}`,
      )
    }
    if ((await tx.db.volume.count({ where: { wantedTypeId: row.id, movingToId: { not: null } } })) > 0)
      throw conflict('A volume is being moved to get this type. Wait until that is over.')
    const groups = await tx.db.volumeGroupVolumeType.count({ where: { volumeTypeId: row.id } })
    if (groups > 0)
      throw conflict(
        `${groups === 1 ? 'A group of volumes takes' : `${groups} groups of volumes take`} volumes of this type. Delete them first.`,
      )
    await forgetTypeQuota(tx, row.id)
    await tx.db.volumeType.delete({ where: { id: row.id } })
    await noteType(tx, row, 'delete')
    const isAlone = row.qos?.types.length === 1
    if (input.withLimits && isAlone) await deleteQos(tx, { id: row.qos?.id ?? '', force: false })
  })
}
