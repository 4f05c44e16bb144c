import type { Deps } from '../kernel/context.ts'
import { versionDocument } from '../openstack/discovery.ts'
import { HttpError } from '../openstack/errors.ts'
import type { ApiOperation } from '../openstack/operation.ts'
import { type Query, queryText } from '../openstack/pages.ts'
import { textMatch } from './contract.ts'
import { domainListInput, projectListInput } from './projects/contract.ts'
import { getDomain, listDomains } from './projects/domains.ts'
import { getProject, listProjects } from './projects/service.ts'
import { listAssignments } from './roles/assignment-list.ts'
import { roleListInput } from './roles/contract.ts'
import { ownProjectDetails, projectDetailsOf } from './roles/places.ts'
import { getRole, listRoles } from './roles/service.ts'
import { userListInput } from './users/contract.ts'
import { getUser, listUsers } from './users/service.ts'
import {
  assignmentFilter,
  assignmentView,
  domainView,
  projectView,
  roleView,
  userView,
} from './views.openstack.ts'

/** Keystone v3 below /identity/v3: reading the directory. */
export const identityOperations: ApiOperation[] = [
  {
    name: 'auth.projects',
    method: 'GET',
    path: '/auth/projects',
    summary: 'Projects that the caller may take a token for',
    status: 200,
    access: 'anyone',
    handle: async ({ ctx, deps }) =>
      collection(deps, 'auth/projects', 'projects', await ownProjectDetails(ctx), projectView),
  },
  {
    name: 'projects.list',
    method: 'GET',
    path: '/projects',
    summary: 'List projects',
    status: 200,
    access: 'domainRead',
    handle: async ({ ctx, deps, query }) =>
      collection(
        deps,
        'projects',
        'projects',
        await listProjects(ctx, projectListInput.parse(filterOf(query))),
        projectView,
      ),
  },
  {
    name: 'projects.get',
    method: 'GET',
    path: '/projects/:id',
    summary: 'Show a project',
    status: 200,
    access: 'read',
    handle: async ({ ctx, deps, params }) => ({
      project: projectView(baseOf(deps), await getProject(ctx, { id: idOf(params) })),
    }),
  },
  {
    name: 'users.list',
    method: 'GET',
    path: '/users',
    summary: 'List users',
    status: 200,
    access: 'domainRead',
    handle: async ({ ctx, deps, query }) =>
      collection(
        deps,
        'users',
        'users',
        await listUsers(ctx, userListInput.parse(filterOf(query))),
        userView,
      ),
  },
  {
    name: 'users.get',
    method: 'GET',
    path: '/users/:id',
    summary: 'Show a user',
    status: 200,
    access: 'mine',
    handle: async ({ ctx, deps, params }) => ({
      user: userView(baseOf(deps), await getUser(ctx, { id: idOf(params) })),
    }),
  },
  {
    name: 'users.projects',
    method: 'GET',
    path: '/users/:id/projects',
    summary: 'Projects that a user has a role on',
    status: 200,
    access: 'mine',
    handle: async ({ ctx, deps, params }) => {
      const id = idOf(params)
      const listed = await projectDetailsOf(ctx, { userId: id })
      return collection(deps, `users/${id}/projects`, 'projects', listed, projectView)
    },
  },
  {
    name: 'domains.list',
    method: 'GET',
    path: '/domains',
    summary: 'List domains',
    status: 200,
    access: 'domainRead',
    handle: async ({ ctx, deps, query }) => {
      const listed = await listDomains(ctx, domainListInput.parse(filterOf(query)))
      return collection(deps, 'domains', 'domains', listed, domainView)
    },
  },
  {
    name: 'domains.get',
    method: 'GET',
    path: '/domains/:id',
    summary: 'Show a domain',
    status: 200,
    access: 'anyone',
    handle: async ({ ctx, deps, params }) => ({
      domain: domainView(baseOf(deps), await getDomain(ctx, { id: idOf(params) })),
    }),
  },
  {
    name: 'roles.list',
    method: 'GET',
    path: '/roles',
    summary: 'List roles',
    status: 200,
    access: 'domainRead',
    handle: async ({ ctx, deps, query }) => {
      const listed = await listRoles(ctx, roleListInput.parse(filterOf(query)))
      return collection(deps, 'roles', 'roles', listed, roleView)
    },
  },
  {
    name: 'roles.get',
    method: 'GET',
    path: '/roles/:id',
    summary: 'Show a role',
    status: 200,
    access: 'domainRead',
    handle: async ({ ctx, deps, params }) => ({
      role: roleView(baseOf(deps), await getRole(ctx, { id: idOf(params) })),
    }),
  },
  {
    name: 'role_assignments.list',
    method: 'GET',
    path: '/role_assignments',
    summary: 'List who has which role where',
    status: 200,
    access: 'domainRead',
    handle: async ({ ctx, deps, query }) => {
      const names =
        Object.hasOwn(query, 'include_names') && !/^(0|false)$/i.test(queryText(query, 'include_names') ?? '')
      const listed = await listAssignments(ctx, assignmentFilter(query))
      const view = (at: string, row: (typeof listed.items)[number]) => assignmentView(at, row, names)
      return collection(deps, 'role_assignments', 'role_assignments', listed, view)
    },
  },
]

const baseOf = (deps: Deps) => `${deps.config.publicUrl}/identity/v3`
const idOf = (params: Record<string, string>) => params.id ?? ''

/** GET /identity (300) and /identity/v3 (200), both with and without the slash. */
export const identityDiscovery: ApiOperation[] = [
  {
    name: 'versions',
    method: 'GET',
    path: '/',
    summary: 'Versions of the API',
    status: 300,
    access: 'public',
    handle: ({ deps, reply }) => {
      reply.header('Location', `${baseOf(deps)}/`)
      return { versions: { values: [versionOf(deps)] } }
    },
  },
  ...['/v3', '/v3/'].map(
    (path): ApiOperation => ({
      name: `version${path.slice(3)}`,
      method: 'GET',
      path,
      summary: 'The version itself',
      status: 200,
      access: 'public',
      handle: ({ deps }) => ({ version: versionOf(deps) }),
    }),
  ),
]
const versionOf = (deps: Deps) =>
  versionDocument({
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    selfUrl: `${baseOf(deps)}/`,
    mediaType: 'application/vnd.openstack.identity-v3+json',
  })

function collection<Row>(
  deps: Deps,
  path: string,
  key: string,
  listed: { items: Row[]; next?: string | null; truncated?: boolean },
  view: (base: string, row: Row) => object,
): object {
  const base = baseOf(deps)
  return {
    [key]: listed.items.map((row) => view(base, row)),
    links: { next: null, self: `${base}/${path}`, previous: null },
    ...(listed.truncated || listed.next ? { truncated: true } : {}),
  }
}

/** Exact filters; what we do not know is ignored, as in Keystone. */
function filterOf(query: Query) {
  const name = queryText(query, 'name')
  const enabled = queryText(query, 'enabled')
  if (enabled !== undefined && !/^(true|false|1|0)?$/i.test(enabled))
    throw new HttpError(400, 'enabled is true or false.')
  return {
    limit: 1000,
    sortDir: 'asc' as const,
    name: name === undefined ? undefined : textMatch.parse({ equals: name }),
    domainId: queryText(query, 'domain_id'),
    enabled: enabled === undefined ? undefined : !/^(false|0)$/i.test(enabled),
  }
}
