import { z } from 'zod'
import type { Ctx } from '../../kernel/context.ts'
import { CloudError, notFound } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import { changedExtra, extraOf } from '../../openstack/extra.ts'
import { booleanFilter, collection, keystoneBase, storing, unchangeable } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { type Query, queryText } from '../../openstack/pages.ts'
import { keystoneId } from '../contract.ts'
import { type ProjectDetail, projectInput, projectListInput } from '../projects/contract.ts'
import { deleteProject } from '../projects/deletion.ts'
import { getDomain } from '../projects/domains.ts'
import { createProject, getProject, listProjects, updateProject } from '../projects/service.ts'
import { treeOf } from './project-tree.ts'
import { description, directoryFilter, idOf, newDescription } from './shared.ts'
import { projectView } from './views.ts'

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
      const listed = await listProjects(call.ctx, projectListInput.parse(projectFilter(call.query)))
      // Domains are things of their own with us, never projects.
      const items = booleanFilter(call.query, 'is_domain') === true ? [] : listed.items
      return collection(call, 'projects', 'projects', { ...listed, items }, projectView)
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
      const project = await liveProject(call.ctx, idOf(call.params))
      return { project: { ...projectView(keystoneBase(call), project), ...(await treeOf(call, project)) } }
    },
  },
  {
    name: 'projects.create',
    method: 'POST',
    path: '/projects',
    summary: 'Make a project',
    status: 201,
    access: 'domainWrite',
    deviation: 'is_domain: true is 400; POST /domains makes a domain.',
    handle: create,
  },
  {
    name: 'projects.update',
    method: 'PATCH',
    path: '/projects/:id',
    summary: 'Change a project',
    status: 200,
    access: 'ofProjectWrite',
    handle: update,
  },
  {
    name: 'projects.delete',
    method: 'DELETE',
    path: '/projects/:id',
    summary: 'Delete a project with everything it has',
    status: 204,
    // Never the one that one works in.
    access: 'ofDomainWrite',
    deviation:
      'What the project has goes with it, as an operation in the background; it is disabled and not seen any more at once, its name is free again when all of it is gone. 409 for the project that one works in.',
    handle: async ({ ctx, params }) => {
      const { id } = await liveProject(ctx, idOf(params))
      await deleteProject(ctx, { id })
    },
  },
]

/** One that is being deleted is gone for this API. */
export async function liveProject(ctx: Ctx, id: string): Promise<ProjectDetail> {
  const project = await getProject(ctx, { id })
  if (project.deleting) throw notFound('project', id)
  return project
}

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
  if (project.is_domain)
    throw new HttpError(400, 'A project is never a domain here. Make one by POST /domains.')
  const { name, enabled, tags, options } = project
  const place = await placeOf(call.ctx, project)
  const extra = changedExtra({}, extraOf(call.body, 'project', known, texts))
  const input = { name, description: project.description, enabled, tags, options, ...extra, ...place }
  const made = await storing('project', { name, domainId: place.domainId }, () =>
    createProject(call.ctx, input),
  )
  return { project: projectView(keystoneBase(call), made) }
}

/** A parent may be a domain: then the project is directly below it. */
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
    throw new HttpError(400, 'The parent belongs to another domain. Choose one of the same.')
  return { domainId: domain.id }
}

function nullIfMissing(error: unknown): null {
  if (error instanceof CloudError && error.code === 'not_found') return null
  throw error
}

async function update(call: Call): Promise<object> {
  const { project } = updated.parse(call.body)
  const before = await liveProject(call.ctx, idOf(call.params))
  unchangeable(project, {
    id: before.id,
    domain_id: before.domainId,
    parent_id: before.parentId ?? before.domainId,
    is_domain: false,
  })
  const { name, enabled, tags, options } = project
  const change = {
    id: before.id,
    name,
    description: project.description,
    enabled,
    tags,
    options,
    ...changedExtra(before.extra, extraOf(call.body, 'project', known, texts)),
  }
  const now = await storing('project', { name: name ?? '', domainId: before.domainId }, () =>
    updateProject(call.ctx, change),
  )
  return { project: projectView(keystoneBase(call), now) }
}
