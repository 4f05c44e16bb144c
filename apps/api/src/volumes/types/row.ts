import type { Prisma } from '@stratolith/db'
import { type Ctx, seesAll } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation } from '../../kernel/workflow.ts'
import { encryptionOf } from '../encryption/words.ts'
import type { QosConsumer, QosView, VolumeTypeView } from './contract.ts'
import { isMultiattach, type PlaceWish, placeWishOfSpecs, type Specs, shownSpecs } from './extra-specs.ts'
import { isCarriedOut, qosConsumers, qosKeys } from './states.ts'

/** How types and QoS specs are loaded, shown and noted. */

const named = { select: { id: true, name: true }, orderBy: { name: 'asc' } } as const
export const withQos = { qos: { include: { types: named } } } satisfies Prisma.VolumeTypeInclude
export type TypeRow = Prisma.VolumeTypeGetPayload<{ include: typeof withQos }>
export const withTypes = { types: named } satisfies Prisma.VolumeQosInclude
export type QosRow = Prisma.VolumeQosGetPayload<{ include: typeof withTypes }>

/** Filter for the types that the caller may use: those that are not public are for administrators and for the projects that were given them (R2). */
export const usable = (ctx: Ctx): Prisma.VolumeTypeWhereInput => {
  if (seesAll(ctx)) return {}
  const { scope } = ctx
  if (scope.kind !== 'project') return { public: true }
  return { OR: [{ public: true }, { access: { some: { projectId: scope.projectId } } }] }
}

/** Where volumes of a type may lie. */
export const placeWishOf = (row: { extraSpecs: unknown; encryptionId: string | null }): PlaceWish => ({
  ...placeWishOfSpecs(specsOf(row)),
  encrypted: row.encryptionId === null ? undefined : true,
})
export const specsOf = ({ extraSpecs }: { extraSpecs: unknown }): Specs =>
  extraSpecs as Record<string, string>
const consumerOf = ({ consumer }: { consumer: string }): QosConsumer =>
  qosConsumers.find((one) => one === consumer) ?? 'back-end'

/** The specs that the guest's QEMU carries out for volumes of a type; empty for none. */
export function carriedOut(qos: { consumer: string; specs: unknown } | null): Record<string, string> {
  if (!qos || !isCarriedOut(consumerOf(qos))) return {}
  return Object.fromEntries(
    Object.entries(qos.specs as Record<string, string>).filter(([key]) => qosKeys.includes(key)),
  )
}

export const viewOf = (ctx: Ctx, row: TypeRow): VolumeTypeView => ({
  id: row.id,
  name: row.name,
  description: row.description,
  public: row.public,
  isDefault: row.isDefault,
  extraSpecs: seesAll(ctx) ? { ...specsOf(row) } : shownSpecs(specsOf(row)),
  multiattach: isMultiattach(specsOf(row)),
  choosesPool: Boolean(specsOf(row).pool_name || specsOf(row).volume_backend_name),
  encryption: encryptionOf(row),
  limits: carriedOut(row.qos),
  qos: seesAll(ctx) && row.qos ? qosViewOf(row.qos) : null,
})

export const qosViewOf = (row: QosRow): QosView => ({
  id: row.id,
  name: row.name,
  consumer: consumerOf(row),
  specs: row.specs as Record<string, string>,
  types: row.types,
})

/** Authorizes a change, locks the type until the transaction ends and returns it. Throws not_found for an id that no type has. */
export async function lockType(ctx: Ctx, action: string, id: string): Promise<TypeRow> {
  authorize(ctx, action)
  await ctx.db.$queryRaw`SELECT 1 FROM "VolumeType" WHERE "id" = ${id}::uuid FOR UPDATE`
  const row = await ctx.db.volumeType.findUnique({ where: { id }, include: withQos })
  if (!row) throw notFound('volume type', id)
  return row
}

/** The same for QoS specs. */
export async function lockQos(ctx: Ctx, action: string, id: string): Promise<QosRow> {
  authorize(ctx, action)
  await ctx.db.$queryRaw`SELECT 1 FROM "VolumeQos" WHERE "id" = ${id}::uuid FOR UPDATE`
  const row = await ctx.db.volumeQos.findUnique({ where: { id }, include: withTypes })
  if (!row) throw notFound('QoS specs', id)
  return row
}

type Verb = 'create' | 'update' | 'delete'
/** Writes a change into the history and tells the open pages. */
const note = async (
  ctx: Ctx,
  resourceKind: 'volumeType' | 'volumeQos',
  row: { id: string; name: string; public: boolean },
  verb: Verb,
): Promise<void> => {
  const id = crypto.randomUUID()
  await recordOperation(ctx, {
    ...{ id, action: `${resourceKind}.${verb}`, resourceKind, projectId: null },
    ...{ resourceId: row.id, resourceName: row.name },
  })
  await appendEvent(ctx, {
    ...{ kind: `${resourceKind}.${verb}d`, projectId: null, public: row.public, resourceKind },
    ...{ resourceId: row.id, operationId: id, data: { name: row.name } },
  })
}
export const noteType = (
  ctx: Ctx,
  row: { id: string; name: string; public: boolean },
  verb: Verb,
): Promise<void> => note(ctx, 'volumeType', row, verb)
/** Only administrators see QoS specs. */
export const noteQos = (ctx: Ctx, row: { id: string; name: string }, verb: Verb): Promise<void> =>
  note(ctx, 'volumeQos', { ...row, public: false }, verb)
