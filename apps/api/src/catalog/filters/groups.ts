import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import type { EndpointView } from '../contract.ts'
import { allEndpoints } from '../endpoints.ts'
import { catalogEvent, maxAdded, newCatalogId } from '../shared.ts'
import {
  type EndpointGroupView,
  endpointFilters,
  type endpointGroupInput,
  type endpointGroupUpdateInput,
} from './contract.ts'
import { matches } from './matching.ts'

export const toGroupView = ({
  id,
  name,
  description,
  filters,
}: Prisma.EndpointGroupGetPayload<object>): EndpointGroupView => ({
  id,
  name,
  description,
  filters: endpointFilters.parse(filters),
})

export async function listEndpointGroups(ctx: Ctx, filter: { name?: string }): Promise<EndpointGroupView[]> {
  authorize(ctx, 'catalog:list_endpoint_groups')
  const rows = await ctx.db.endpointGroup.findMany({
    where: { name: filter.name },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    take: maxAdded,
  })
  return rows.map(toGroupView)
}

/** Throws not_found. */
export async function getEndpointGroup(
  ctx: Ctx,
  id: string,
  action = 'catalog:list_endpoint_groups',
): Promise<EndpointGroupView> {
  authorize(ctx, action)
  const row = await ctx.db.endpointGroup.findUnique({ where: { id } })
  if (!row) throw notFound('endpoint group', id)
  return toGroupView(row)
}

/** Makes an endpoint group. Several groups may have the same name, as in Keystone. */
export async function createEndpointGroup(
  ctx: Ctx,
  input: z.output<typeof endpointGroupInput>,
): Promise<EndpointGroupView> {
  authorize(ctx, 'catalog:change_endpoint_groups')
  return inTransaction(ctx, async (tx) => {
    if ((await tx.db.endpointGroup.count()) >= maxAdded)
      throw new CloudError('forbidden', `There are ${maxAdded} endpoint groups already. Delete one first.`)
    const row = await tx.db.endpointGroup.create({ data: { id: newCatalogId(), ...input } })
    await catalogEvent(tx, 'endpoint_group', 'created', row.id)
    return toGroupView(row)
  })
}

/** Changes a group; new filters replace all former ones. */
export async function updateEndpointGroup(
  ctx: Ctx,
  id: string,
  change: z.output<typeof endpointGroupUpdateInput>,
): Promise<EndpointGroupView> {
  authorize(ctx, 'catalog:change_endpoint_groups')
  return inTransaction(ctx, async (tx) => {
    const [row] = await tx.db.endpointGroup.updateManyAndReturn({ where: { id }, data: change })
    if (!row) throw notFound('endpoint group', id)
    await catalogEvent(tx, 'endpoint_group', 'updated', id)
    return toGroupView(row)
  })
}

/** Deletes a group with its associations. A project without another association sees the whole catalog again. */
export async function deleteEndpointGroup(ctx: Ctx, id: string): Promise<void> {
  authorize(ctx, 'catalog:change_endpoint_groups')
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.endpointGroup.deleteMany({ where: { id } })
    if (count === 0) throw notFound('endpoint group', id)
    await catalogEvent(tx, 'endpoint_group', 'deleted', id)
  })
}

/** The endpoints that are in the group now. */
export async function endpointsOfGroup(ctx: Ctx, id: string): Promise<EndpointView[]> {
  const { filters } = await getEndpointGroup(ctx, id)
  return (await allEndpoints(ctx)).filter((endpoint) => matches(filters, endpoint))
}
