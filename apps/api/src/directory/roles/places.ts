import type { Ctx } from '../../kernel/context.ts'
import type { TextMatch } from '../contract.ts'
import type { DomainView, ProjectDetail } from '../projects/contract.ts'
import { domainsById } from '../projects/domains.ts'
import { toProjectDetail } from '../projects/service.ts'
import { nameClauses } from '../reach.ts'
import { loadUser } from '../users/load.ts'
import { domainsOf, projectsOf } from './effective.ts'

type ProjectFilter = { name?: TextMatch; domainId?: string; enabled?: boolean }
/** Enabled projects where the caller has a role, by id, with all their columns. Needs no right. */
export const ownProjectDetails = (
  ctx: Ctx,
  filter: ProjectFilter = {},
): Promise<{ items: ProjectDetail[] }> => detailsFor(ctx, ctx.actor.userId, filter)

async function detailsFor(
  ctx: Ctx,
  userId: string,
  { name, domainId, enabled }: ProjectFilter,
): Promise<{ items: ProjectDetail[] }> {
  const ids = (await projectsOf(ctx, userId)).map((project) => project.id)
  const rows = await ctx.db.project.findMany({
    where: { AND: [{ id: { in: ids }, domainId, enabled }, ...nameClauses({ name })] },
    include: { domain: { select: { name: true } } },
    orderBy: { id: 'asc' },
  })
  return { items: rows.map(toProjectDetail) }
}

/** Enabled domains where the caller has a role, with all their columns. Needs no right. */
export async function ownDomainDetails(ctx: Ctx): Promise<{ items: DomainView[] }> {
  const ids = (await domainsOf(ctx, ctx.actor.userId)).map((domain) => domain.id)
  return { items: await domainsById(ctx, ids) }
}

/** Enabled projects where a user whom the caller sees has a role, by id, with all their columns. */
export async function projectDetailsOf(
  ctx: Ctx,
  { userId, ...filter }: ProjectFilter & { userId: string },
): Promise<{ items: ProjectDetail[] }> {
  const user = await loadUser(ctx, userId)
  return detailsFor(ctx, user.id, filter)
}
