import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import { catalogEvent, catalogEvents, lockCatalog, newCatalogId } from '../shared.ts'
import type { LimitFilter, RegisteredLimitInput, RegisteredLimitView } from './contract.ts'
import { demandNamed, duplicate, registeredBy, resourceKey } from './shared.ts'

const columns = {
  id: true,
  serviceId: true,
  regionId: true,
  resourceName: true,
  defaultLimit: true,
  description: true,
}

const most = 1000

/** Lists registered limits, which are the defaults for the resources of each service, by age. */
export async function listRegisteredLimits(ctx: Ctx, filter: LimitFilter): Promise<RegisteredLimitView[]> {
  authorize(ctx, 'catalog:list_registered_limits')
  const { serviceId, regionId, resourceName } = filter
  return ctx.db.registeredLimit.findMany({
    where: { serviceId, regionId, resourceName },
    select: columns,
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    take: most,
  })
}

/** Throws not_found. */
export async function getRegisteredLimit(
  ctx: Ctx,
  id: string,
  action = 'catalog:list_registered_limits',
): Promise<RegisteredLimitView> {
  authorize(ctx, action)
  const row = await ctx.db.registeredLimit.findUnique({ where: { id }, select: columns })
  if (!row) throw notFound('registered limit', id)
  return row
}

/** Registers all of these limits or none. Throws already_exists for an existing one, invalid_input for an unknown service or region. */
export async function createRegisteredLimits(
  ctx: Ctx,
  inputs: readonly RegisteredLimitInput[],
): Promise<RegisteredLimitView[]> {
  authorize(ctx, 'catalog:change_registered_limits')
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    if ((await tx.db.registeredLimit.count()) + inputs.length > most)
      throw new CloudError('forbidden', `There are at most ${most} registered limits. Delete some first.`)
    await demandNamed(tx, inputs)
    await demandFree(tx, inputs)
    const made = inputs.map(({ regionId = null, description = null, ...input }) => ({
      ...input,
      id: newCatalogId(),
      regionId,
      description,
    }))
    await tx.db.registeredLimit.createMany({ data: made })
    await catalogEvents(tx, 'registered_limit', 'created', made)
    return made
  })
}

/** Changes a registered limit. Throws forbidden while projects or domains have limits of it, as Keystone does. */
export async function updateRegisteredLimit(
  ctx: Ctx,
  id: string,
  change: Partial<RegisteredLimitInput>,
): Promise<RegisteredLimitView> {
  authorize(ctx, 'catalog:change_registered_limits')
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    const before = await getRegisteredLimit(tx, id, 'catalog:change_registered_limits')
    await demandUnused(tx, id)
    await demandNamed(tx, [change])
    const { serviceId = before.serviceId, resourceName = before.resourceName } = change
    const regionId = change.regionId === undefined ? before.regionId : change.regionId
    await demandFree(tx, [{ serviceId, regionId, resourceName }], id)
    const row = await tx.db.registeredLimit.update({ where: { id }, data: change, select: columns })
    await catalogEvent(tx, 'registered_limit', 'updated', id)
    return row
  })
}

/** Throws forbidden while there are limits for it. */
export async function deleteRegisteredLimit(ctx: Ctx, id: string): Promise<void> {
  authorize(ctx, 'catalog:change_registered_limits')
  await inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    await getRegisteredLimit(tx, id, 'catalog:change_registered_limits')
    await demandUnused(tx, id)
    await tx.db.registeredLimit.delete({ where: { id } })
    await catalogEvent(tx, 'registered_limit', 'deleted', id)
  })
}

type Key = Pick<RegisteredLimitInput, 'serviceId' | 'regionId' | 'resourceName'>
async function demandFree(ctx: Ctx, keys: readonly Key[], but?: string): Promise<void> {
  const taken = await registeredBy(ctx, keys)
  const wanted = new Set(keys.map(resourceKey))
  const others = [...wanted].flatMap((key) => taken.get(key) ?? []).filter(({ id }) => id !== but)
  if (wanted.size < keys.length || others.length > 0) throw duplicate('registered_limit')
}

async function demandUnused(ctx: Ctx, id: string): Promise<void> {
  if (await ctx.db.limit.findFirst({ where: { registeredLimitId: id }, select: { id: true } }))
    throw new CloudError(
      'forbidden',
      `Unable to update or delete registered limit ${id} because there are project limits associated with it.`,
    )
}
