import { z } from 'zod'
import type { Ctx } from '../../kernel/context.ts'
import { HttpError } from '../../openstack/errors.ts'
import { changedExtra, eachInTurn, extraOf } from '../../openstack/extra.ts'
import {
  booleanFilter,
  collection,
  description,
  idOf,
  keystoneBase,
  newDescription,
  storing,
  unchangeable,
} from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { type Query, queryText } from '../../openstack/pages.ts'
import { keystoneId } from '../contract.ts'
import { projectInput, projectListInput } from '../projects/contract.ts'
import { deleteProject } from '../projects/deletion.ts'
import { getDomain } from '../projects/domains.ts'
import { createProject, findProjects, updateProject } from '../projects/service.ts'
import {
  createDomainProject,
  deleteDomainProject,
  listDomainProjects,
  projectOrDomain,
  updateDomainProject,
} from './domain-projects.ts'
import { treeOf } from './project-tree.ts'
import { directoryFilter, nullIfMissing } from './shared.ts'
import { domainProjectView, projectView } from './views.ts'

const fields = {
  name: projectInput.shape.name,
  description,
  enabled: projectInput.shape.enabled,
  domain_id: keystoneId.nullish(),
  parent_id: keystoneId.nullish(),
  is_domain: z.boolean().nullish(),
  tags: projectInput.shape.tags,
  options: projectInput.shape.options,
}
const created = z.object({ project: z.looseObject(fields) })
const updated = z.object({
  project: z.looseObject({
    ...fields,
    name: fields.name.optional(),
    description: newDescription,
    enabled: z.boolean().optional(),
  }),
})
const known = [...Object.keys(fields), 'parents', 'subtree']
const texts = ['description']

export const projectOperations: ApiOperation[] = [
  {
    name: 'projects.list',
    method: 'GET',
    path: '/projects',
    summary: 'List projects',
    status: 200,
    access: 'domainRead',
    filters: {
      ...{ name: 'none-has-it', name__icontains: 'none-has-it', domain_id: 'none-has-it' },
      ...{ parent_id: 'none-has-it', tags: 'none,has', 'tags-any': 'none,has' },
    },
    handle: async (call) => {
      const filter = projectListInput.parse(projectFilter(call.query))
      if (booleanFilter(call.query, 'is_domain') === true) return listDomainProjects(call, filter)
      return collection(call, 'projects', 'projects', await findProjects(call.ctx, filter), projectView)
    },
  },
  {
    name: 'projects.get',
    method: 'GET',
    path: '/projects/:id',
    summary: 'Show a project, with what is above and below it when asked',
    status: 200,
    access: 'ofProject',
    handle: async (call) => {
      const { project, domain } = await projectOrDomain(call.ctx, idOf(call.params))
      const base = keystoneBase(call)
      const view = project ? projectView(base, project) : domainProjectView(base, domain)
      return { project: { ...view, ...(await treeOf(call, project ?? domain)) } }
    },
  },
  {
    name: 'projects.create',
    method: 'POST',
    path: '/projects',
    summary: 'Make a project',
    status: 201,
    access: 'domainWrite',
    deviation:
      'With is_domain: true this creates a domain, which is under /domains as well. Roles on the domain are given there, and no token is for the domain as a project.',
    handle: create,
  },
  {
    name: 'projects.update',
    method: 'PATCH',
    path: '/projects/:id',
    summary: 'Change a project',
    status: 200,
    access: 'ofProjectWrite',
    handle: eachInTurn((call) => projectOrDomain(call.ctx, idOf(call.params)), update),
  },
  {
    name: 'projects.delete',
    method: 'DELETE',
    path: '/projects/:id',
    summary: 'Delete a project with everything it has',
    status: 204,
    // Administrators cannot delete the project of their own session.
    access: 'ofDomainWrite',
    deviation:
      'Everything in the project is deleted with it, by an operation in the background. The project is disabled and invisible at once; its name is free again when everything is gone. Deleting the project of the token is a 409.',
    handle: async ({ ctx, params }) => {
      const { project, domain } = await projectOrDomain(ctx, idOf(params))
      if (domain) await deleteDomainProject(ctx, domain)
      else await deleteProject(ctx, { id: project.id })
    },
  },
]

function projectFilter(query: Query) {
  const tags = (name: string) => {
    const text = queryText(query, name)
    return text === undefined ? undefined : text.split(',').filter((tag) => tag !== '')
  }
  return {
    ...directoryFilter(query),
    deleting: false,
    parentId: queryText(query, 'parent_id'),
    tags: tags('tags'),
    tagsAny: tags('tags-any'),
    notTags: tags('not-tags'),
    notTagsAny: tags('not-tags-any'),
  }
}

async function create(call: Call): Promise<object> {
  const { project } = created.parse(call.body)
  const { name, description, enabled, tags, options } = project
  const extra = changedExtra({}, extraOf(call.body, 'project', known, texts))
  const input = { name, description, enabled, tags, options, ...extra }
  if (project.is_domain) return createDomainProject(call, project, input)
  const place = await placeOf(call.ctx, project)
  const made = await storing('project', { name, domainId: place.domainId }, () =>
    createProject(call.ctx, { ...input, ...place }),
  )
  return { project: projectView(keystoneBase(call), made) }
}

/** The parent may also be a domain; then the project is directly below the domain. */
async function placeOf(
  ctx: Ctx,
  given: { domain_id?: string | null; parent_id?: string | null },
): Promise<{ domainId?: string; parentId?: string }> {
  const domainId = given.domain_id ?? undefined
  const parentId = given.parent_id ?? undefined
  if (parentId === undefined || parentId === domainId) return { domainId }
  const domain = await getDomain(ctx, { id: parentId }).catch(nullIfMissing)
  if (domain === null) return { domainId, parentId }
  if (domainId !== undefined)
    throw new HttpError(
      400,
      'The parent project belongs to another domain. Choose a parent in the same domain.',
    )
  return { domainId: domain.id }
}

async function update(
  call: Call,
  { project: before, domain }: Awaited<ReturnType<typeof projectOrDomain>>,
): Promise<object> {
  const { project } = updated.parse(call.body)
  const { id, extra } = before ?? domain
  const { name, description, enabled, tags, options } = project
  const own = changedExtra(extra, extraOf(call.body, 'project', known, texts))
  const change = { id, name, description, enabled, tags, options, ...own }
  if (domain) return updateDomainProject(call, project, change)
  unchangeable(project, {
    id,
    domain_id: before.domainId,
    parent_id: before.parentId ?? before.domainId,
    is_domain: false,
  })
  const now = await storing('project', { name: name ?? '', domainId: before.domainId }, () =>
    updateProject(call.ctx, change),
  )
  return { project: projectView(keystoneBase(call), now) }
}
