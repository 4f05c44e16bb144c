import type { Prisma } from '@stratolith/db'
import { domainsById, projectsById } from '../../directory/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, invalidInput, notFound } from '../../kernel/errors.ts'
import { authorize, decide } from '../../kernel/policy.ts'
import { catalogEvent, catalogEvents, lockCatalog, newCatalogId } from '../shared.ts'
import type { LimitFilter, LimitInput, LimitView } from './contract.ts'
import { demandNamed, duplicate, registeredBy, resourceKey } from './shared.ts'

const withDefault = {
  registeredLimit: { select: { serviceId: true, regionId: true, resourceName: true } },
} satisfies Prisma.LimitInclude
type Row = Omit<
  Prisma.LimitGetPayload<{ include: typeof withDefault }>,
  'ownerDomainId' | 'registeredLimitId' | 'createdAt'
>
const toView = ({ id, projectId, domainId, resourceLimit, description, ...row }: Row): LimitView => ({
  ...row.registeredLimit,
  id,
  projectId,
  domainId,
  resourceLimit,
  description,
})
const most = 1000

/** Lists limits: all for administrators, readers of the system and services; otherwise those of the token's project or domain. */
export async function listLimits(
  ctx: Ctx,
  filter: LimitFilter,
): Promise<{ items: LimitView[]; truncated: boolean }> {
  authorize(ctx, 'catalog:list_limits')
  const { serviceId, regionId, resourceName, projectId, domainId } = filter
  const of = { serviceId, regionId, resourceName }
  const rows = await ctx.db.limit.findMany({
    where: {
      AND: [
        ownLimits(ctx),
        { projectId, domainId },
        Object.values(of).some((value) => value !== undefined) ? { registeredLimit: of } : {},
      ],
    },
    include: withDefault,
    orderBy: { id: 'asc' },
    take: most + 1,
  })
  return { items: rows.slice(0, most).map(toView), truncated: rows.length > most }
}

function ownLimits(ctx: Ctx): Prisma.LimitWhereInput {
  if (decide(ctx, 'catalog:get_limit').allowed) return {}
  if (ctx.scope.kind === 'domain') return { ownerDomainId: ctx.scope.domainId }
  return ctx.scope.kind === 'project' ? { projectId: ctx.scope.projectId } : { id: { in: [] } }
}

/** One limit. Throws not_found, also for limits of others. */
export async function getLimit(ctx: Ctx, id: string): Promise<LimitView> {
  const row = await ctx.db.limit.findUnique({ where: { id }, include: withDefault })
  const allowed =
    row && decide(ctx, 'catalog:get_limit', { projectId: row.projectId, domainId: row.ownerDomainId }).allowed
  if (!allowed) throw notFound('limit', id)
  return toView(row)
}

/**
 * Creates all of these limits or none. Throws forbidden for a resource without a registered limit, already_exists for a
 * second limit of the same resource, invalid_input for an unknown project, domain, service or region.
 */
export async function createLimits(ctx: Ctx, inputs: readonly LimitInput[]): Promise<LimitView[]> {
  authorize(ctx, 'catalog:change_limits')
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    await demandNamed(tx, inputs)
    const holders = await holdersOf(tx, inputs)
    const registered = await registeredBy(tx, inputs)
    const made = inputs.map(({ regionId = null, description = null, ...input }) => {
      const found = registered.get(resourceKey({ ...input, regionId }))
      if (!found)
        throw new CloudError(
          'forbidden',
          'Unable to create a limit that has no corresponding registered limit.',
        )
      const { serviceId, resourceName, resourceLimit } = input
      const own = { id: newCatalogId(), registeredLimitId: found.id, resourceLimit, description }
      return { ...own, ...holders(input), registeredLimit: { serviceId, regionId, resourceName } }
    })
    await demandFree(tx, made)
    await tx.db.limit.createMany({ data: made.map(({ registeredLimit: _, ...data }) => data) })
    await catalogEvents(tx, 'limit', 'created', made)
    return made.map(toView)
  })
}

type Key = { registeredLimitId: string; projectId: string | null; domainId: string | null }
async function demandFree(ctx: Ctx, keys: readonly Key[]): Promise<void> {
  const keyOf = ({ registeredLimitId, projectId, domainId }: Key) =>
    JSON.stringify([registeredLimitId, projectId, domainId])
  const ids = keys.map((key) => key.registeredLimitId)
  const rows = await ctx.db.limit.findMany({
    where: {
      registeredLimitId: { in: ids },
      OR: [
        { projectId: { in: keys.flatMap((key) => key.projectId ?? []) } },
        { domainId: { in: keys.flatMap((key) => key.domainId ?? []) } },
      ],
    },
    select: { registeredLimitId: true, projectId: true, domainId: true },
  })
  const all = [...rows, ...keys].map(keyOf)
  if (new Set(all).size < all.length) throw duplicate('limit')
}

type Wish = Pick<LimitInput, 'projectId' | 'domainId'>
type Holder = { projectId: string | null; domainId: string | null; ownerDomainId: string }
/** Finds the projects and domains of the limits. Old clients send the id of a domain as project_id. Throws invalid_input. */
async function holdersOf(ctx: Ctx, wishes: readonly Wish[]): Promise<(wish: Wish) => Holder> {
  const ids = wishes.map(({ projectId, domainId }) => {
    if (!projectId === !domainId)
      throw invalidInput('A limit is of a project or of a domain: name one of them.', 'project_id')
    return projectId ?? domainId ?? ''
  })
  const projects = new Map((await projectsById(ctx, ids)).map((one) => [one.id, one.domainId]))
  const domains = new Set((await domainsById(ctx, ids)).map((one) => one.id))
  return ({ projectId, domainId }) => {
    const ownerDomainId = projects.get(projectId ?? '')
    if (projectId && ownerDomainId !== undefined) return { projectId, domainId: null, ownerDomainId }
    const id = domainId ?? projectId ?? ''
    if (!domains.has(id))
      throw invalidInput('There is none with this id.', domainId ? 'domain_id' : 'project_id')
    return { projectId: null, domainId: id, ownerDomainId: id }
  }
}

export async function updateLimit(
  ctx: Ctx,
  id: string,
  change: { resourceLimit?: number; description?: string | null },
): Promise<LimitView> {
  authorize(ctx, 'catalog:change_limits')
  return inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.limit.updateMany({ where: { id }, data: change })
    if (count === 0) throw notFound('limit', id)
    const row = await tx.db.limit.findUniqueOrThrow({ where: { id }, include: withDefault })
    await catalogEvent(tx, 'limit', 'updated', id, row.projectId)
    return toView(row)
  })
}

export async function deleteLimit(ctx: Ctx, id: string): Promise<void> {
  authorize(ctx, 'catalog:change_limits')
  await inTransaction(ctx, async (tx) => {
    const row = await tx.db.limit.findUnique({ where: { id }, select: { projectId: true } })
    const { count } = await tx.db.limit.deleteMany({ where: { id } })
    if (!row || count === 0) throw notFound('limit', id)
    await catalogEvent(tx, 'limit', 'deleted', id, row.projectId)
  })
}
