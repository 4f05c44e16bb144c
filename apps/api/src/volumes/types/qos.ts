import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { alreadyExists, conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { whole } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { type QosConsumer, type QosView, qosCreateInput, specsInput } from './contract.ts'
import { lockQos, lockType, noteQos, noteType, type QosRow, qosViewOf, withTypes } from './row.ts'
import { isCarriedOut, whyNoLimits } from './states.ts'

/** QoS specs: the limits of volumes. A trigger tells the hosts of running guests when limits change (prisma/triggers.sql). */

export async function listQos(ctx: Ctx): Promise<QosView[]> {
  authorize(ctx, 'volumeQos:list')
  const most = 1_000
  const rows = await ctx.db.volumeQos.findMany({
    ...{ include: withTypes, orderBy: { name: 'asc' }, take: most + 1 },
  })
  return whole(rows, most, 'Delete QoS specs that no type has.').map(qosViewOf)
}

export async function getQos(ctx: Ctx, input: { id: string }): Promise<QosView> {
  authorize(ctx, 'volumeQos:get')
  const row = await ctx.db.volumeQos.findUnique({ where: { id: input.id }, include: withTypes })
  if (!row) throw notFound('QoS specs', input.id)
  return qosViewOf(row)
}

export async function createQos(ctx: Ctx, input: z.output<typeof qosCreateInput>): Promise<QosView> {
  authorize(ctx, 'volumeQos:create')
  return inTransaction(ctx, async (tx) => qosViewOf(await makeQos(tx, input)))
}

/** Makes QoS specs in the caller's transaction. Throws already_exists for a name that is taken. */
export async function makeQos(ctx: Ctx, given: z.output<typeof qosCreateInput>): Promise<QosRow> {
  const data = qosCreateInput.parse(given)
  demandPossible(data.consumer, data.specs)
  const taken = await ctx.db.volumeQos.findUnique({ where: { name: data.name }, select: { id: true } })
  if (taken) throw alreadyExists('set of QoS specs', data.name)
  const row = await ctx.db.volumeQos.create({
    data: { id: crypto.randomUUID(), ...data },
    include: withTypes,
  })
  await noteQos(ctx, row, 'create')
  return row
}

/** Throws invalid_input for specs that the guest's QEMU is to carry out and cannot. */
function demandPossible(consumer: QosConsumer, specs: Record<string, string>): void {
  const why = isCarriedOut(consumer) ? whyNoLimits(specs) : null
  if (why !== null) throw invalidInput(why, 'specs')
}

type Change = { consumer?: QosConsumer; specs: Record<string, string> }
async function changeQos(ctx: Ctx, id: string, change: (view: QosView) => Change): Promise<QosView> {
  return inTransaction(ctx, async (tx) => {
    const before = qosViewOf(await lockQos(tx, 'volumeQos:update', id))
    const { consumer = before.consumer, specs } = change(before)
    const data = { consumer, specs: specsInput.parse(specs) }
    demandPossible(consumer, data.specs)
    const row = await tx.db.volumeQos.update({ where: { id }, data, include: withTypes })
    await noteQos(tx, row, 'update')
    await noteTypesOf(tx, row)
    return qosViewOf(row)
  })
}

/** Those who see the limits of a type hear of changed limits. */
async function noteTypesOf(ctx: Ctx, { types }: QosRow): Promise<void> {
  const rows = await ctx.db.volumeType.findMany({ where: { id: { in: types.map(({ id }) => id) } } })
  for (const row of rows) await noteType(ctx, row, 'update')
}

/** Adds or replaces specs, and changes the consumer; specs that are not named stay. */
export const setQos = (
  ctx: Ctx,
  { id, consumer, specs }: { id: string; consumer?: QosConsumer; specs: Record<string, string> },
): Promise<QosView> => changeQos(ctx, id, (before) => ({ consumer, specs: { ...before.specs, ...specs } }))

/** Removes specs. Throws not_found for a key that is not there. */
export const removeQosKeys = (
  ctx: Ctx,
  { id, keys }: { id: string; keys: readonly string[] },
): Promise<QosView> =>
  changeQos(ctx, id, ({ specs }) => {
    const missing = keys.find((key) => !Object.hasOwn(specs, key))
    if (missing !== undefined) throw notFound('key of the QoS specs', missing)
    return { specs: Object.fromEntries(Object.entries(specs).filter(([key]) => !keys.includes(key))) }
  })

/** Deletes QoS specs. Throws conflict while a type has them, unless `force` is set. */
export async function deleteQos(ctx: Ctx, { id, force }: { id: string; force: boolean }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await lockQos(tx, 'volumeQos:delete', id)
    if (row.types.length > 0 && !force)
      throw conflict(
        `The type ${row.types[0]?.name} has these QoS specs. Take them from it first.`,
        'qosInUse',
      )
    await noteTypesOf(tx, row)
    await tx.db.volumeType.updateMany({ where: { qosId: id }, data: { qosId: null } })
    await tx.db.volumeQos.delete({ where: { id } })
    await noteQos(tx, row, 'delete')
  })
}

/** Gives a type these QoS specs. Throws conflict when the type has others. Repeating the call is harmless. */
export async function associateQos(ctx: Ctx, { id, typeId }: { id: string; typeId: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const qos = await lockQos(tx, 'volumeQos:update', id)
    const type = await lockType(tx, 'volumeType:update', typeId)
    if (type.qosId === id) return
    if (type.qosId !== null)
      throw conflict(`The type ${type.name} has the QoS specs ${type.qos?.name}. Take them from it first.`)
    await tx.db.volumeType.update({ where: { id: typeId }, data: { qosId: id } })
    await noteQos(tx, qos, 'update')
    await noteType(tx, type, 'update')
  })
}

/** Takes these QoS specs from a type, or (null) from all types. Throws conflict when the type does not have them. */
export async function disassociateQos(
  ctx: Ctx,
  { id, typeId }: { id: string; typeId: string | null },
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const qos = await lockQos(tx, 'volumeQos:update', id)
    if (typeId !== null && (await lockType(tx, 'volumeType:update', typeId)).qosId !== id)
      throw conflict('The type does not have these QoS specs.')
    await noteTypesOf(
      tx,
      typeId === null ? qos : { ...qos, types: qos.types.filter((one) => one.id === typeId) },
    )
    await tx.db.volumeType.updateMany({
      where: { qosId: id, id: typeId ?? undefined },
      data: { qosId: null },
    })
    await noteQos(tx, qos, 'update')
  })
}

/**
 * Sets one limit of a type, for the portal: in its QoS specs, which get the name of the type when they are made for
 * this. Other types that have the same QoS specs get the limit, too.
 */
export async function setTypeLimit(
  ctx: Ctx,
  { id, key, value }: { id: string; key: string; value: string },
): Promise<QosView> {
  return inTransaction(ctx, async (tx) => {
    const type = await lockType(tx, 'volumeType:update', id)
    if (type.qosId !== null) return setQos(tx, { id: type.qosId, specs: { [key]: value } })
    const qos = await makeQos(tx, { name: type.name, consumer: 'front-end', specs: { [key]: value } })
    await associateQos(tx, { id: qos.id, typeId: id })
    return getQos(tx, qos)
  })
}

/** Removes one limit of a type. Throws not_found when the type does not have it. */
export async function removeTypeLimit(ctx: Ctx, { id, key }: { id: string; key: string }): Promise<QosView> {
  return inTransaction(ctx, async (tx) => {
    const type = await lockType(tx, 'volumeType:update', id)
    if (type.qosId === null) throw notFound('limit of the type', key)
    return removeQosKeys(tx, { id: type.qosId, keys: [key] })
  })
}
