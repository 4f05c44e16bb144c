import type { Ctx } from '../../kernel/context.ts'
import type { DomainView, ProjectDetail } from '../projects/contract.ts'
import { domainsById } from '../projects/domains.ts'
import { toProjectDetail } from '../projects/service.ts'
import { loadUser } from '../users/service.ts'
import { domainsOf, projectsOf } from './effective.ts'

/** Enabled projects where the caller has a role, by id, whole; needs no right. */
export async function ownProjectDetails(ctx: Ctx): Promise<{ items: ProjectDetail[] }> {
  const ids = (await projectsOf(ctx, ctx.actor.userId)).map((project) => project.id)
  const rows = await ctx.db.project.findMany({
    where: { id: { in: ids } },
    include: { domain: { select: { name: true } } },
    orderBy: { id: 'asc' },
  })
  return { items: rows.map(toProjectDetail) }
}

/** Enabled domains where the caller has a role, whole; needs no right. */
export async function ownDomainDetails(ctx: Ctx): Promise<{ items: DomainView[] }> {
  const ids = (await domainsOf(ctx, ctx.actor.userId)).map((domain) => domain.id)
  return { items: await domainsById(ctx, ids) }
}

/** The same of any user whom the caller sees. */
export async function projectDetailsOf(
  ctx: Ctx,
  input: { userId: string },
): Promise<{ items: ProjectDetail[] }> {
  const user = await loadUser(ctx, input.userId)
  return ownProjectDetails({ ...ctx, actor: { ...ctx.actor, userId: user.id } })
}
