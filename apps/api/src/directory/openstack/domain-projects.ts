import type { Ctx } from '../../kernel/context.ts'
import { HttpError } from '../../openstack/errors.ts'
import { collection, keystoneBase, storing, unchangeable } from '../../openstack/keystone.ts'
import type { Call } from '../../openstack/operation.ts'
import {
  type DomainView,
  domainListInput,
  type ProjectDetail,
  type ProjectListInput,
} from '../projects/contract.ts'
import { createDomain, deleteDomain, findDomains, getDomain, updateDomain } from '../projects/domains.ts'
import { liveProject } from '../projects/service.ts'
import { nullIfMissing } from './shared.ts'
import { domainProjectView } from './views.ts'

/**
 * In Keystone a domain is also a project, one that "acts as a domain", and is found below /projects, too. Source:
 * Keystone, resource/core.py and api/projects.py, which have the words of these refusals.
 */

type Found = { project: ProjectDetail; domain?: never } | { domain: DomainView; project?: never }
/** The project or domain with this id, as /projects shows it. */
export async function projectOrDomain(ctx: Ctx, id: string): Promise<Found> {
  try {
    return { project: await liveProject(ctx, id) }
  } catch (error) {
    nullIfMissing(error)
    const domain = await getDomain(ctx, { id }).catch(nullIfMissing)
    if (domain === null) throw error
    return { domain }
  }
}

/** A domain belongs to no domain and has no parent, so filters by these and tokens of one domain find no domains. */
export async function listDomainProjects(call: Call, filter: Partial<ProjectListInput>): Promise<object> {
  const { name, enabled, domainId, parentId } = filter
  const listed = await findDomains(call.ctx, domainListInput.parse({ name, enabled, limit: 1000 }))
  const none = domainId !== undefined || parentId !== undefined || call.ctx.scope.kind === 'domain'
  const items = none ? [] : listed.items.filter(({ tags }) => fits(tags, filter))
  return collection(call, 'projects', 'projects', { ...listed, items }, domainProjectView)
}

function fits(tags: string[], filter: Partial<ProjectListInput>): boolean {
  const has = (tag: string) => tags.includes(tag)
  return (
    (filter.tags?.every(has) ?? true) &&
    (filter.tagsAny?.some(has) ?? true) &&
    !(filter.notTags?.every(has) ?? false) &&
    !(filter.notTagsAny?.some(has) ?? false)
  )
}

type Place = { domain_id?: string | null; parent_id?: string | null }
export async function createDomainProject(
  call: Call,
  place: Place,
  input: Parameters<typeof createDomain>[1],
): Promise<object> {
  if (place.parent_id ?? place.domain_id)
    throw new HttpError(400, 'only root projects are allowed to act as domains.')
  const made = await storing('project', { name: input.name }, () => createDomain(call.ctx, input))
  return { project: domainProjectView(keystoneBase(call), made) }
}

export async function updateDomainProject(
  call: Call,
  given: Record<string, unknown>,
  input: Parameters<typeof updateDomain>[1],
): Promise<object> {
  unchangeable(given, { id: input.id, domain_id: null, parent_id: null, is_domain: true })
  const now = await storing('project', { name: input.name ?? '' }, () => updateDomain(call.ctx, input))
  return { project: domainProjectView(keystoneBase(call), now) }
}

export async function deleteDomainProject(ctx: Ctx, { id, enabled, projects }: DomainView): Promise<void> {
  if (enabled)
    throw new HttpError(
      400,
      `cannot delete an enabled project acting as a domain. Please disable the project ${id} first.`,
    )
  if (projects > 0)
    throw new HttpError(
      403,
      `Cannot delete the project ${id} since it is not a leaf in the hierarchy. Use the cascade option if you want to delete a whole subtree.`,
    )
  await deleteDomain(ctx, { id })
}
