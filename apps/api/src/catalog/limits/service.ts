import type { Prisma } from '@stratolith/db'
import { getDomain, liveProject } from '../../identity/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, invalidInput, notFound } from '../../kernel/errors.ts'
import { authorize, decide } from '../../kernel/policy.ts'
import { catalogEvent, lockCatalog, newCatalogId } from '../shared.ts'
import type { LimitFilter, LimitInput, LimitView } from './contract.ts'
import { asInvalid, demandNamed, duplicate } from './shared.ts'

const withDefault = {
  registeredLimit: { select: { serviceId: true, regionId: true, resourceName: true } },
} satisfies Prisma.LimitInclude
type Row = Prisma.LimitGetPayload<{ include: typeof withDefault }>
const toView = ({ id, projectId, domainId, resourceLimit, description, ...row }: Row): LimitView => ({
  ...row.registeredLimit,
  id,
  projectId,
  domainId,
  resourceLimit,
  description,
})
const most = 1000

/** Everything for administrators, readers of the system and services; else what is of the token's project or domain. */
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

/** Throws not_found, also for what is of others. */
export async function getLimit(ctx: Ctx, id: string): Promise<LimitView> {
  const row = await ctx.db.limit.findUnique({ where: { id }, include: withDefault })
  const allowed =
    row && decide(ctx, 'catalog:get_limit', { projectId: row.projectId, domainId: row.ownerDomainId }).allowed
  if (!allowed) throw notFound('limit', id)
  return toView(row)
}

/**
 * All of them or none. Throws forbidden for a resource without a registered limit, already_exists for a second
 * limit of the same, invalid_input for what is named and not there.
 */
export async function createLimits(ctx: Ctx, inputs: readonly LimitInput[]): Promise<LimitView[]> {
  authorize(ctx, 'catalog:change_limits')
  return inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    const made = []
    for (const input of inputs) made.push(await createLimit(tx, input))
    return made
  })
}

async function createLimit(ctx: Ctx, input: LimitInput): Promise<LimitView> {
  await demandNamed(ctx, input)
  const holder = await holderOf(ctx, input)
  const { serviceId, regionId = null, resourceName, resourceLimit, description } = input
  const registered = await ctx.db.registeredLimit.findFirst({ where: { serviceId, regionId, resourceName } })
  if (!registered)
    throw new CloudError('forbidden', 'Unable to create a limit that has no corresponding registered limit.')
  const { projectId, domainId } = holder
  const where = { registeredLimitId: registered.id, projectId, domainId }
  if (await ctx.db.limit.findFirst({ where, select: { id: true } })) throw duplicate('limit')
  const data = { id: newCatalogId(), registeredLimitId: registered.id, resourceLimit, description, ...holder }
  const row = await ctx.db.limit.create({ data, include: withDefault })
  await catalogEvent(ctx, 'limit', 'created', row.id, projectId)
  return toView(row)
}

/** Whose limit it is. The id of a domain is one of a project, too, in the words of old clients. */
async function holderOf(
  ctx: Ctx,
  { projectId, domainId }: LimitInput,
): Promise<{ projectId: string | null; domainId: string | null; ownerDomainId: string }> {
  if (!projectId === !domainId)
    throw invalidInput('A limit is of a project or of a domain: name one of them.', 'project_id')
  if (projectId) {
    const project = await liveProject(ctx, projectId).catch((error: unknown) => {
      if (error instanceof CloudError && error.code === 'not_found') return null
      throw error
    })
    if (project) return { projectId, domainId: null, ownerDomainId: project.domainId }
  }
  const [id, field] = domainId ? [domainId, 'domain_id'] : [projectId ?? '', 'project_id']
  const domain = await getDomain(ctx, { id }).catch(asInvalid('There is none with this id.', field))
  return { projectId: null, domainId: domain.id, ownerDomainId: domain.id }
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
