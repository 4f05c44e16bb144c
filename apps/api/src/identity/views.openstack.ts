import { type Query, queryText } from '../openstack/pages.ts'
import type { AssignmentFilter } from './directory.ts'

/** Keystone's words for our rows. `base` is ".../identity/v3". */

type Named = { id: string; name: string; description: string; enabled: boolean }

export const projectView = (base: string, project: Named & { domainId: string }) => ({
  id: project.id,
  name: project.name,
  domain_id: project.domainId,
  description: project.description,
  enabled: project.enabled,
  parent_id: project.domainId,
  is_domain: false,
  tags: [],
  options: {},
  links: { self: `${base}/projects/${project.id}` },
})

export const userView = (
  base: string,
  user: Named & { domainId: string; email: string | null; defaultProjectId: string | null },
) => ({
  id: user.id,
  name: user.name,
  domain_id: user.domainId,
  enabled: user.enabled,
  ...(user.defaultProjectId === null ? {} : { default_project_id: user.defaultProjectId }),
  ...(user.description === '' ? {} : { description: user.description }),
  ...(user.email === null ? {} : { email: user.email }),
  password_expires_at: null,
  options: {},
  links: { self: `${base}/users/${user.id}` },
})

export const domainView = (base: string, domain: Named) => ({
  id: domain.id,
  name: domain.name,
  description: domain.description,
  enabled: domain.enabled,
  tags: [],
  options: {},
  links: { self: `${base}/domains/${domain.id}` },
})

export const roleView = (base: string, role: { id: string; name: string; description: string }) => ({
  id: role.id,
  name: role.name,
  domain_id: null,
  description: role.description || null,
  options: { immutable: true },
  links: { self: `${base}/roles/${role.id}` },
})

type InDomain = { id: string; name: string; domain: { id: string; name: string } }
type Assignment = {
  userId: string | null
  projectId: string | null
  domainId: string | null
  user: InDomain | null
  project: InDomain | null
  role: { id: string; name: string }
}

export function assignmentView(base: string, row: Assignment, names: boolean): object {
  const named = (o: InDomain) =>
    names ? { id: o.id, name: o.name, domain: { id: o.domain.id, name: o.domain.name } } : { id: o.id }
  const tail = `users/${row.userId}/roles/${row.role.id}`
  const [scope, path] = row.project
    ? [{ project: named(row.project) }, `projects/${row.project.id}/${tail}`]
    : row.domainId !== null
      ? [{ domain: { id: row.domainId } }, `domains/${row.domainId}/${tail}`]
      : [{ system: { all: true } }, `system/${tail}`]
  return {
    links: { assignment: `${base}/${path}` },
    scope,
    ...(row.user ? { user: named(row.user) } : {}),
    role: names ? { id: row.role.id, name: row.role.name } : { id: row.role.id },
  }
}

export function assignmentFilter(query: Query): AssignmentFilter {
  const keys = {
    'user.id': 'userId',
    'role.id': 'roleId',
    'scope.project.id': 'projectId',
    'scope.domain.id': 'domainId',
  } as const
  const filter: AssignmentFilter = {}
  for (const [theirs, ours] of Object.entries(keys)) {
    const value = queryText(query, theirs)
    if (value !== undefined) filter[ours] = value
  }
  if (queryText(query, 'scope.system') !== undefined) filter.system = true
  return filter
}
