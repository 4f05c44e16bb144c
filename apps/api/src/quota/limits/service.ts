import { demandProject } from '../../directory/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { QuotaName, QuotaResource, QuotaView } from '../../kernel/contract.ts'
import { invalidInput } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { whole } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { exactText, inLockOrder, isPart, quotaResources, quotaWords } from '../../kernel/quota.ts'
import type { QuotaDefaultView, QuotaLimits } from '../contract.ts'
import { partsOf, quotaDefaultsOf, quotaOf } from '../service.ts'
import { demandParts } from './parts.ts'
import { projectWithQuota } from './project.ts'

export { getPartDefaults, getPartQuota } from './parts.ts'

/**
 * The limits and the use of a project, the caller's own when none is named. Resources that are counted for each user (key
 * pairs) have the caller's own use. A project that the caller may not see is not found (R2).
 */
export async function getQuota(ctx: Ctx, input: { projectId?: string } = {}): Promise<QuotaView[]> {
  const projectId = await projectWithQuota(ctx, input.projectId)
  return quotaOf(ctx, projectId, ctx.actor.userId)
}

/**
 * Sets limits of a project; null goes back to the default, and resources that are not named keep their limit. Throws
 * invalid_input for a limit below the use, unless `force` is set.
 */
export async function setQuota(
  ctx: Ctx,
  input: { projectId: string; limits: QuotaLimits; force?: boolean },
): Promise<QuotaView[]> {
  const { projectId } = input
  authorize(ctx, 'quota:set', { projectId })
  return inTransaction(ctx, async (tx) => {
    await demandProject(tx, projectId)
    await demandParts(tx, input.limits)
    if (!input.force) await refuseBelowUse(tx, projectId, input.limits)
    for (const [resource, limit] of named(input.limits)) {
      const where = { projectId_resource: { projectId, resource } }
      if (limit === null) await tx.db.quotaLimit.deleteMany({ where: { projectId, resource } })
      else
        await tx.db.quotaLimit.upsert({
          where,
          create: { projectId, resource, limit },
          update: { limit },
        })
    }
    await appendEvent(tx, {
      kind: 'quota.updated',
      projectId,
      resourceKind: 'project',
      resourceId: projectId,
      data: { ...input.limits },
    })
    return quotaOf(tx, projectId)
  })
}

/** The limits for these resources of the projects that have limits of their own for any of them, by id of the project. */
export async function listOwnQuotas(
  ctx: Ctx,
  resources: readonly QuotaResource[],
): Promise<{ projectId: string; limits: Record<QuotaResource, number> }[]> {
  authorize(ctx, 'quota:list')
  const [defaults, rows] = await Promise.all([
    quotaDefaultsOf(ctx),
    ctx.db.quotaLimit.findMany({
      where: { resource: { in: [...resources] } },
      orderBy: [{ projectId: 'asc' }, { resource: 'asc' }],
      take: 10_001,
    }),
  ])
  whole(rows, 10_000, 'Ask for the quota of one project.')
  const byProject = new Map<string, Record<QuotaResource, number>>()
  for (const { projectId, resource, limit } of rows)
    byProject.set(projectId, { ...(byProject.get(projectId) ?? defaults), [resource]: limit })
  return [...byProject].map(([projectId, limits]) => ({ projectId, limits }))
}

/** Deletes the limits of a project, so that the cloud's defaults hold, also when the project has more already. */
export async function clearQuota(
  ctx: Ctx,
  input: { projectId: string },
  resources: readonly QuotaName[],
): Promise<void> {
  await setQuota(ctx, {
    ...input,
    limits: Object.fromEntries(resources.map((resource) => [resource, null])),
    force: true,
  })
}

/** The default limits of projects. */
export async function getQuotaDefaults(ctx: Ctx): Promise<QuotaDefaultView[]> {
  authorize(ctx, 'quota:get_defaults')
  const defaults = await quotaDefaultsOf(ctx)
  return quotaResources().map((resource) => ({
    resource,
    limit: defaults[resource],
    builtIn: quotaWords(resource).limit,
  }))
}

/** Sets default limits of the cloud, for every project without a limit of its own; null goes back to the limit that we ship. */
export async function setQuotaDefaults(
  ctx: Ctx,
  input: { limits: QuotaLimits },
): Promise<QuotaDefaultView[]> {
  authorize(ctx, 'quota:set_defaults')
  return inTransaction(ctx, async (tx) => {
    await demandParts(tx, input.limits)
    for (const [resource, limit] of named(input.limits)) {
      if (limit === null) await tx.db.quotaDefault.deleteMany({ where: { resource } })
      else
        await tx.db.quotaDefault.upsert({
          where: { resource },
          create: { resource, limit },
          update: { limit },
        })
    }
    await appendEvent(tx, {
      kind: 'quota.updated',
      projectId: null,
      resourceKind: 'quota',
      resourceId: 'defaults',
      data: { ...input.limits },
    })
    return getQuotaDefaults(tx)
  })
}

const named = (limits: QuotaLimits) =>
  inLockOrder(Object.keys(limits) as QuotaName[]).flatMap((resource): [QuotaName, number | null][] => {
    const limit = limits[resource]
    return limit === undefined ? [] : [[resource, limit]]
  })

async function refuseBelowUse(ctx: Ctx, projectId: string, limits: QuotaLimits): Promise<void> {
  const parts = (Object.keys(limits) as QuotaName[]).filter(isPart)
  const counters = [
    ...(await quotaOf(ctx, projectId)),
    ...(parts.length > 0 ? await partsOf(ctx, projectId, parts) : []),
  ]
  for (const { resource, used } of counters) {
    const limit = limits[resource]
    if (typeof limit === 'number' && limit >= 0 && limit < used)
      throw invalidInput(
        `The project has ${exactText(resource, used)}: a limit of ${limit} is below that. Choose ${used} or more, or set it by force.`,
        resource,
      )
  }
}
