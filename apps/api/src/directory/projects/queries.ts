import type { Prisma } from '@stratolith/db'
import type { Ctx } from '../../kernel/context.ts'
import { type Ask, byName, readPage, type Slice, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { domainFilter, nameClauses, type WhereOf } from '../reach.ts'
import type { DomainListInput, ProjectListInput } from './contract.ts'

/** The lists of projects and of domains that the portal, OpenStack's clients and exports read. */

export const withDomain = { domain: { select: { name: true } } } satisfies Prisma.ProjectInclude
export type ProjectRow = Prisma.ProjectGetPayload<{ include: typeof withDomain }>

/** By what the portal sorts projects. */
export const sortableProjects: Sortable = {
  ...byName,
  state: [{ field: 'deleting' }, { field: 'enabled' }],
  domain: [{ field: 'domain.name' }, { field: 'name' }],
}

/** The projects of a domain, or those of the whole cloud for callers who may see all of them. */
export async function queryProjects(
  ctx: Ctx,
  { where, sort, page }: Ask<WhereOf<ProjectListInput>>,
): Promise<Slice<ProjectRow>> {
  const conditions: Prisma.ProjectWhereInput[] = [
    domainFilter(ctx, 'identity:list_projects', where.domainId),
    ...nameClauses(where, ['description']),
    where.parentId === undefined ? {} : childrenOf(where.parentId),
    where.enabled === undefined ? {} : { enabled: where.enabled },
    where.deleting === undefined ? {} : { deleting: where.deleting },
    where.tags ? { tags: { hasEvery: where.tags } } : {},
    where.tagsAny ? { tags: { hasSome: where.tagsAny } } : {},
    where.notTags ? { NOT: { tags: { hasEvery: where.notTags } } } : {},
    where.notTagsAny ? { NOT: { tags: { hasSome: where.notTagsAny } } } : {},
  ]
  return readPage<ProjectRow>(ctx.db.project, { where: { AND: conditions }, sort, page, include: withDomain })
}

/** Matches the projects directly below a project or a domain. */
const childrenOf = (id: string): Prisma.ProjectWhereInput => ({
  OR: [{ parentId: id }, { parentId: null, domainId: id }],
})

export const withCounts = {
  _count: { select: { projects: { where: { deleting: false } }, users: true } },
} satisfies Prisma.DomainInclude
export type DomainRow = Prisma.DomainGetPayload<{ include: typeof withCounts }>

/** By what the portal sorts domains. */
export const sortableDomains: Sortable = { ...byName, enabled: [{ field: 'enabled' }] }

/** All domains, or for a session of one domain this domain alone. */
export async function queryDomains(
  ctx: Ctx,
  { where, sort, page }: Ask<WhereOf<DomainListInput>>,
): Promise<Slice<DomainRow>> {
  const own = ctx.scope.kind === 'domain' ? ctx.scope.domainId : null
  authorize(ctx, 'identity:list_domains', { domainId: own })
  const conditions: Prisma.DomainWhereInput[] = [
    { deleting: false },
    ...nameClauses(where),
    own === null ? {} : { id: own },
    where.enabled === undefined ? {} : { enabled: where.enabled },
  ]
  return readPage<DomainRow>(ctx.db.domain, { where: { AND: conditions }, sort, page, include: withCounts })
}
