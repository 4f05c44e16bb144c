import { randomBytes } from 'node:crypto'
import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { alreadyExists, CloudError, conflict, invalidInput, notFound } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import type { Extra } from '../openstack/extra.ts'
import type { RegionView, regionInput, regionUpdateInput } from './contract.ts'
import { demandNoLimitsOf } from './limits/in-use.ts'
import { builtInStays, catalogEvent, lockCatalog, maxAdded } from './shared.ts'

/** This cloud is one region; administrators may add other regions, for other clouds. */
const ownRegion = (ctx: Ctx): RegionView => ({
  id: ctx.deps.config.region,
  description: '',
  parentRegionId: null,
  extra: {},
  builtIn: true,
})
const toView = ({
  id,
  description,
  parentRegionId,
  extra,
}: Prisma.CatalogRegionGetPayload<object>): RegionView => ({
  id,
  description,
  parentRegionId,
  extra: extra as Extra,
  builtIn: false,
})

export async function listRegions(ctx: Ctx, filter: { parentRegionId?: string } = {}): Promise<RegionView[]> {
  authorize(ctx, 'catalog:list_regions')
  const added = await ctx.db.catalogRegion.findMany({ orderBy: { createdAt: 'asc' }, take: maxAdded })
  const all = [ownRegion(ctx), ...added.map(toView).filter((r) => r.id !== ctx.deps.config.region)]
  const { parentRegionId } = filter
  return all.filter((r) => parentRegionId === undefined || r.parentRegionId === parentRegionId)
}

export async function getRegion(ctx: Ctx, input: { id: string }): Promise<RegionView> {
  authorize(ctx, 'catalog:list_regions')
  return findRegion(ctx, input.id)
}

/** The region with that id, this cloud's or an added one; throws not_found. */
export async function findRegion(ctx: Ctx, id: string): Promise<RegionView> {
  if (id === ctx.deps.config.region) return ownRegion(ctx)
  const row = await ctx.db.catalogRegion.findUnique({ where: { id } })
  if (!row) throw notFound('region', id)
  return toView(row)
}

export async function createRegion(ctx: Ctx, input: z.input<typeof regionInput>): Promise<RegionView> {
  authorize(ctx, 'catalog:change_regions')
  const { id = randomBytes(16).toString('hex'), description = '', parentRegionId = null, extra = {} } = input
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    if (id === ctx.deps.config.region || (await tx.db.catalogRegion.findUnique({ where: { id } })))
      throw alreadyExists('region', id)
    if ((await tx.db.catalogRegion.count()) >= maxAdded)
      throw conflict(`The catalog has ${maxAdded} added regions already. Delete one first.`)
    if (parentRegionId !== null) await findRegion(tx, parentRegionId)
    const row = await tx.db.catalogRegion.create({ data: { id, description, parentRegionId, extra } })
    await catalogEvent(tx, 'region', 'created', id)
    return toView(row)
  })
}

export async function updateRegion(ctx: Ctx, input: z.output<typeof regionUpdateInput>): Promise<RegionView> {
  await loadAdded(ctx, input.id)
  const { id, ...data } = input
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    if (data.parentRegionId) await demandNotBelow(tx, id, data.parentRegionId)
    const [row] = await tx.db.catalogRegion.updateManyAndReturn({ where: { id }, data })
    if (!row) throw notFound('region', id)
    await catalogEvent(tx, 'region', 'updated', id)
    return toView(row)
  })
}

/** Refuses a parent that is below the region already. */
async function demandNotBelow(ctx: Ctx, id: string, parentId: string): Promise<void> {
  for (let at: string | null = parentId; at !== null; at = (await findRegion(ctx, at)).parentRegionId)
    if (at === id) throw invalidInput('The parent is below this region already: that would be a circle.')
}

/** Deletes a region with the regions below it; throws forbidden while endpoints name one of them, as in Keystone. */
export async function deleteRegion(ctx: Ctx, input: { id: string }): Promise<RegionView> {
  const before = await loadAdded(ctx, input.id)
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    const gone = (
      await tx.db.$queryRaw<{ id: string }[]>`WITH RECURSIVE below("id") AS (
        SELECT "id" FROM "CatalogRegion" WHERE "id" = ${before.id}
        UNION SELECT r."id" FROM below JOIN "CatalogRegion" r ON r."parentRegionId" = below."id")
        SELECT "id" FROM below`
    ).map((row) => row.id)
    if (gone.length === 0) throw notFound('region', before.id)
    if ((await tx.db.catalogEndpoint.count({ where: { regionId: { in: gone } } })) > 0)
      throw new CloudError(
        'forbidden',
        `Unable to delete region ${before.id} because it or its child regions have associated endpoints.`,
      )
    await demandNoLimitsOf(tx, 'region', gone)
    await tx.db.catalogRegion.deleteMany({ where: { id: { in: gone } } })
    for (const id of gone) await catalogEvent(tx, 'region', 'deleted', id)
    return before
  })
}

async function loadAdded(ctx: Ctx, id: string): Promise<RegionView> {
  authorize(ctx, 'catalog:change_regions')
  const region = await findRegion(ctx, id)
  if (region.builtIn) throw builtInStays('region')
  return region
}
