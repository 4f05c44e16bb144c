import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import { catalogEvent, lockCatalog, newCatalogId } from '../shared.ts'
import type { LimitFilter, RegisteredLimitInput, RegisteredLimitView } from './contract.ts'
import { demandNamed, duplicate } from './shared.ts'

const columns = {
  id: true,
  serviceId: true,
  regionId: true,
  resourceName: true,
  defaultLimit: true,
  description: true,
}

const most = 1000

/** What each resource of each service is limited to where nothing else is said. By age. */
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

/** All of them or none. Throws already_exists for one that is there, invalid_input for an unknown service or region. */
export async function createRegisteredLimits(
  ctx: Ctx,
  inputs: readonly RegisteredLimitInput[],
): Promise<RegisteredLimitView[]> {
  authorize(ctx, 'catalog:change_registered_limits')
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    if ((await tx.db.registeredLimit.count()) + inputs.length > most)
      throw new CloudError('forbidden', `There are at most ${most} registered limits. Delete some first.`)
    const made = []
    for (const input of inputs) {
      await demandNamed(tx, input)
      await demandFree(tx, input)
      const data = { id: newCatalogId(), ...input }
      made.push(await tx.db.registeredLimit.create({ data, select: columns }))
      await catalogEvent(tx, 'registered_limit', 'created', data.id)
    }
    return made
  })
}

/** Throws forbidden while there are limits for it, as Keystone does. */
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
    await demandNamed(tx, change)
    const { serviceId = before.serviceId, resourceName = before.resourceName } = change
    const regionId = change.regionId === undefined ? before.regionId : change.regionId
    await demandFree(tx, { serviceId, regionId, resourceName }, id)
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
async function demandFree(ctx: Ctx, key: Key, but?: string): Promise<void> {
  const { serviceId, regionId = null, resourceName } = key
  const found = await ctx.db.registeredLimit.findFirst({ where: { serviceId, regionId, resourceName } })
  if (found && found.id !== but) throw duplicate('registered_limit')
}

async function demandUnused(ctx: Ctx, id: string): Promise<void> {
  if (await ctx.db.limit.findFirst({ where: { registeredLimitId: id }, select: { id: true } }))
    throw new CloudError(
      'forbidden',
      `Unable to update or delete registered limit ${id} because there are project limits associated with it.`,
    )
}
