import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Deps } from '../kernel/context.ts'
import { versionDocument } from '../openstack/discovery.ts'
import { HttpError } from '../openstack/errors.ts'
import { callerOf } from '../openstack/mount.ts'
import { type Query, queryText } from '../openstack/pages.ts'
import { authRoutes } from './auth.openstack.ts'
import {
  getDomain,
  getProject,
  getRole,
  getUser,
  type Listed,
  listDomains,
  listProjects,
  listProjectsOfUser,
  listRoleAssignments,
  listRoles,
  listUsers,
} from './directory.ts'
import {
  assignmentFilter,
  assignmentView,
  domainView,
  projectView,
  roleView,
  userView,
} from './views.openstack.ts'

/** Keystone v3 below /identity: discovery, tokens, and reading the directory. */
export function identityRoutes(app: FastifyInstance, deps: Deps): void {
  discoveryRoutes(app, deps)
  authRoutes(app, deps)
  const base = `${deps.config.publicUrl}/identity/v3`
  const id = (request: FastifyRequest) => (request.params as { id: string }).id

  app.get('/v3/auth/projects', async (request) => {
    const ctx = callerOf(request)
    const listed = await listProjectsOfUser(ctx, ctx.actor.userId)
    return collection(base, 'auth/projects', 'projects', listed, projectView)
  })
  app.get('/v3/projects', async (request) => {
    const listed = await listProjects(callerOf(request), filterOf(request))
    return collection(base, 'projects', 'projects', listed, projectView)
  })
  app.get('/v3/projects/:id', async (request) => ({
    project: projectView(base, await getProject(callerOf(request), id(request))),
  }))
  app.get('/v3/users', async (request) => {
    const listed = await listUsers(callerOf(request), filterOf(request))
    return collection(base, 'users', 'users', listed, userView)
  })
  app.get('/v3/users/:id', async (request) => ({
    user: userView(base, await getUser(callerOf(request), id(request))),
  }))
  app.get('/v3/users/:id/projects', async (request) => {
    const listed = await listProjectsOfUser(callerOf(request), id(request))
    return collection(base, `users/${id(request)}/projects`, 'projects', listed, projectView)
  })
  app.get('/v3/domains', async (request) => {
    const { domainId: _, ...filter } = filterOf(request)
    return collection(base, 'domains', 'domains', await listDomains(callerOf(request), filter), domainView)
  })
  app.get('/v3/domains/:id', async (request) => ({
    domain: domainView(base, await getDomain(callerOf(request), id(request))),
  }))
  app.get('/v3/roles', async (request) => {
    const { name } = filterOf(request)
    const listed = await listRoles(callerOf(request), name === undefined ? {} : { name })
    return collection(base, 'roles', 'roles', listed, roleView)
  })
  app.get('/v3/roles/:id', async (request) => ({
    role: roleView(base, await getRole(callerOf(request), id(request))),
  }))
  app.get('/v3/role_assignments', async (request) => {
    const query = request.query as Query
    const names =
      Object.hasOwn(query, 'include_names') && !/^(0|false)$/i.test(queryText(query, 'include_names') ?? '')
    const listed = await listRoleAssignments(callerOf(request), assignmentFilter(query))
    const view = (at: string, row: (typeof listed.items)[number]) => assignmentView(at, row, names)
    return collection(base, 'role_assignments', 'role_assignments', listed, view)
  })
}

/** GET /identity (300) and /identity/v3 (200), both with and without the slash. */
function discoveryRoutes(app: FastifyInstance, deps: Deps): void {
  const selfUrl = `${deps.config.publicUrl}/identity/v3/`
  const version = versionDocument({
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    selfUrl,
    mediaType: 'application/vnd.openstack.identity-v3+json',
  })
  const open = { config: { public: true } }
  app.get('/', open, (_request, reply) =>
    reply
      .status(300)
      .header('Location', selfUrl)
      .send({ versions: { values: [version] } }),
  )
  for (const path of ['/v3', '/v3/']) app.get(path, open, async () => ({ version }))
}

function collection<Row>(
  base: string,
  path: string,
  key: string,
  listed: Listed<Row>,
  view: (base: string, row: Row) => object,
): object {
  return {
    [key]: listed.items.map((row) => view(base, row)),
    links: { next: null, self: `${base}/${path}`, previous: null },
    ...(listed.truncated ? { truncated: true } : {}),
  }
}

/** Exact filters; what we do not know is ignored, as in Keystone. */
function filterOf(request: FastifyRequest): { name?: string; domainId?: string; enabled?: boolean } {
  const query = request.query as Query
  const name = queryText(query, 'name')
  const domainId = queryText(query, 'domain_id')
  const enabled = queryText(query, 'enabled')
  if (enabled !== undefined && !/^(true|false|1|0)?$/i.test(enabled))
    throw new HttpError(400, 'enabled is true or false.')
  return {
    ...(name === undefined ? {} : { name }),
    ...(domainId === undefined ? {} : { domainId }),
    ...(enabled === undefined ? {} : { enabled: !/^(false|0)$/i.test(enabled) }),
  }
}
