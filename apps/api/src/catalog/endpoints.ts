import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { CloudError, conflict, invalidInput, notFound } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import type { Extra } from '../openstack/extra.ts'
import { allServices, endpointsOf, serviceId } from '../openstack/services.ts'
import type { EndpointView, endpointInput, endpointListInput, endpointUpdateInput } from './contract.ts'
import { createRegion, findRegion } from './regions.ts'
import { findService } from './services.ts'
import { builtInStays, catalogEvent, lockCatalog, maxAdded, newCatalogId } from './shared.ts'

const builtIn = (ctx: Ctx): EndpointView[] =>
  allServices().flatMap((service) =>
    endpointsOf(ctx.deps.config, service, 'template').map((e) => ({
      id: e.id,
      serviceId: serviceId(service),
      interface: e.interface,
      url: e.url,
      regionId: e.region_id,
      enabled: true,
      extra: {},
      builtIn: true,
    })),
  )
const toView = ({
  id,
  serviceId,
  url,
  regionId,
  enabled,
  ...row
}: Prisma.CatalogEndpointGetPayload<object>): EndpointView => ({
  id,
  serviceId,
  interface: row.interface,
  url,
  regionId,
  enabled,
  extra: row.extra as Extra,
  builtIn: false,
})

export async function listEndpoints(
  ctx: Ctx,
  filter: z.output<typeof endpointListInput> = {},
): Promise<EndpointView[]> {
  authorize(ctx, 'catalog:list_endpoints')
  return (await allEndpoints(ctx))
    .filter((e) => filter.serviceId === undefined || e.serviceId === filter.serviceId)
    .filter((e) => filter.interface === undefined || e.interface === filter.interface)
    .filter((e) => filter.regionId === undefined || e.regionId === filter.regionId)
}

/** All endpoints, the cloud's own and added ones, also disabled ones. The caller must have been authorized before. */
export async function allEndpoints(ctx: Ctx): Promise<EndpointView[]> {
  const added = await ctx.db.catalogEndpoint.findMany({ orderBy: { createdAt: 'asc' }, take: maxAdded })
  return [...builtIn(ctx), ...added.map(toView)]
}

export async function getEndpoint(ctx: Ctx, input: { id: string }): Promise<EndpointView> {
  authorize(ctx, 'catalog:list_endpoints')
  return findEndpoint(ctx, input.id)
}

/** The endpoint with that id. Throws not_found. */
export async function findEndpoint(ctx: Ctx, id: string): Promise<EndpointView> {
  const own = builtIn(ctx).find((endpoint) => endpoint.id === id)
  if (own) return own
  const row = await ctx.db.catalogEndpoint.findUnique({ where: { id } })
  if (!row) throw notFound('endpoint', id)
  return toView(row)
}

/** Adds an endpoint to an added service or to one of the cloud's own, such as an endpoint in another region. */
export async function createEndpoint(ctx: Ctx, input: z.input<typeof endpointInput>): Promise<EndpointView> {
  authorize(ctx, 'catalog:change_endpoints')
  const { serviceId, interface: kind, url, regionId = null, enabled = true, makeRegion = false } = input
  const { extra = {} } = input
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    await demandTargets(tx, { serviceId, regionId, makeRegion })
    if ((await tx.db.catalogEndpoint.count()) >= maxAdded)
      throw conflict(`The catalog has ${maxAdded} added endpoints already. Delete one first.`)
    const id = newCatalogId()
    const data = { id, serviceId, interface: kind, url, regionId, enabled, extra }
    const row = await tx.db.catalogEndpoint.create({ data })
    await catalogEvent(tx, 'endpoint', 'created', id)
    return toView(row)
  })
}

export async function updateEndpoint(
  ctx: Ctx,
  input: z.output<typeof endpointUpdateInput>,
): Promise<EndpointView> {
  await loadAdded(ctx, input.id)
  const { id, makeRegion = false, ...data } = input
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    await demandTargets(tx, { serviceId: data.serviceId, regionId: data.regionId, makeRegion })
    const [row] = await tx.db.catalogEndpoint.updateManyAndReturn({ where: { id }, data })
    if (!row) throw notFound('endpoint', id)
    await catalogEvent(tx, 'endpoint', 'updated', id)
    return toView(row)
  })
}

export async function deleteEndpoint(ctx: Ctx, input: { id: string }): Promise<EndpointView> {
  const before = await loadAdded(ctx, input.id)
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    const { count } = await tx.db.catalogEndpoint.deleteMany({ where: { id: before.id } })
    if (count === 0) throw notFound('endpoint', before.id)
    await tx.db.projectEndpoint.deleteMany({ where: { endpointId: before.id } })
    await catalogEvent(tx, 'endpoint', 'deleted', before.id)
    return before
  })
}

/** Checks that the service and the region of an endpoint exist; makes a missing region if `makeRegion` is set. */
async function demandTargets(
  ctx: Ctx,
  at: { serviceId?: string; regionId?: string | null; makeRegion: boolean },
): Promise<void> {
  if (at.serviceId !== undefined)
    await findService(ctx, at.serviceId).catch(asInvalid('There is no such service.', 'serviceId'))
  if (!at.regionId) return
  const { regionId } = at
  await findRegion(ctx, regionId).catch(async (error: unknown) => {
    if (at.makeRegion && isMissing(error)) return createRegion(ctx, { id: regionId })
    return asInvalid('There is no such region. Make it first.', 'regionId')(error)
  })
}

const isMissing = (error: unknown) => error instanceof CloudError && error.code === 'not_found'
const asInvalid = (message: string, field: string) => (error: unknown) => {
  throw isMissing(error) ? invalidInput(message, field) : error
}

async function loadAdded(ctx: Ctx, id: string): Promise<EndpointView> {
  authorize(ctx, 'catalog:change_endpoints')
  const endpoint = await findEndpoint(ctx, id)
  if (endpoint.builtIn) throw builtInStays('endpoint')
  return endpoint
}
