import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { conflict, notFound } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import type { Extra } from '../openstack/extra.ts'
import { allServices, serviceId } from '../openstack/services.ts'
import type { ServiceView, serviceInput, serviceListInput, serviceUpdateInput } from './contract.ts'
import { demandNoLimitsOf } from './limits/in-use.ts'
import { builtInStays, catalogEvent, lockCatalog, maxAdded, newCatalogId } from './shared.ts'

const builtIn = (): ServiceView[] =>
  allServices().map((service) => ({
    id: serviceId(service),
    type: service.type,
    name: service.name,
    description: '',
    enabled: true,
    extra: {},
    builtIn: true,
  }))
const toView = ({
  id,
  type,
  name,
  description,
  enabled,
  extra,
}: Prisma.CatalogServiceGetPayload<object>): ServiceView => ({
  id,
  type,
  name,
  description,
  enabled,
  extra: extra as Extra,
  builtIn: false,
})

/** Lists the cloud's own services and those that administrators have added. */
export async function listServices(
  ctx: Ctx,
  filter: z.output<typeof serviceListInput> = {},
): Promise<ServiceView[]> {
  authorize(ctx, 'catalog:list_services')
  const added = await ctx.db.catalogService.findMany({ orderBy: { createdAt: 'asc' }, take: maxAdded })
  return [...builtIn(), ...added.map(toView)]
    .filter((s) => filter.type === undefined || s.type === filter.type)
    .filter((s) => filter.name === undefined || s.name === filter.name)
}

export async function getService(ctx: Ctx, input: { id: string }): Promise<ServiceView> {
  authorize(ctx, 'catalog:list_services')
  return findService(ctx, input.id)
}

/** The service with that id, the cloud's own or an added one; throws not_found. */
export async function findService(ctx: Ctx, id: string): Promise<ServiceView> {
  const own = builtIn().find((service) => service.id === id)
  if (own) return own
  const row = await ctx.db.catalogService.findUnique({ where: { id } })
  if (!row) throw notFound('service', id)
  return toView(row)
}

/** Adds a service. Two services may have the same type, as in Keystone. */
export async function createService(ctx: Ctx, input: z.input<typeof serviceInput>): Promise<ServiceView> {
  authorize(ctx, 'catalog:change_services')
  const { type, name = '', description = '', enabled = true, extra = {} } = input
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    if ((await tx.db.catalogService.count()) >= maxAdded)
      throw conflict(`The catalog has ${maxAdded} added services already. Delete one first.`)
    const id = newCatalogId()
    const row = await tx.db.catalogService.create({ data: { id, type, name, description, enabled, extra } })
    await catalogEvent(tx, 'service', 'created', id)
    return toView(row)
  })
}

export async function updateService(
  ctx: Ctx,
  input: z.output<typeof serviceUpdateInput>,
): Promise<ServiceView> {
  await loadAdded(ctx, input.id)
  const { id, ...data } = input
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    const [row] = await tx.db.catalogService.updateManyAndReturn({ where: { id }, data })
    if (!row) throw notFound('service', id)
    await catalogEvent(tx, 'service', 'updated', id)
    return toView(row)
  })
}

/** Deletes a service with its endpoints; throws forbidden while the service has limits. */
export async function deleteService(ctx: Ctx, input: { id: string }): Promise<ServiceView> {
  const before = await loadAdded(ctx, input.id)
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    await demandNoLimitsOf(tx, 'service', [before.id])
    const { count } = await tx.db.catalogService.deleteMany({ where: { id: before.id } })
    if (count === 0) throw notFound('service', before.id)
    const where = { serviceId: before.id }
    const gone = await tx.db.catalogEndpoint.findMany({ where, select: { id: true } })
    await tx.db.catalogEndpoint.deleteMany({ where })
    await tx.db.projectEndpoint.deleteMany({ where: { endpointId: { in: gone.map((one) => one.id) } } })
    await catalogEvent(tx, 'service', 'deleted', before.id)
    return before
  })
}

async function loadAdded(ctx: Ctx, id: string): Promise<ServiceView> {
  authorize(ctx, 'catalog:change_services')
  const service = await findService(ctx, id)
  if (service.builtIn) throw builtInStays('service')
  return service
}
