import { isoMicros } from '../../openstack/discovery.ts'
import { textOf } from '../../openstack/extra.ts'
import type { DomainView, ProjectDetail } from '../projects/contract.ts'
import type { AssignmentView, RoleView } from '../roles/contract.ts'
import type { GroupView, UserView } from '../users/contract.ts'

/** Our rows in Keystone's words. `base` is ".../identity/v3". */

export const projectView = (base: string, project: ProjectDetail) => ({
  ...project.extra,
  id: project.id,
  name: project.name,
  domain_id: project.domainId,
  ...textOf('description', project.description, project.extra),
  enabled: project.enabled,
  parent_id: project.parentId ?? project.domainId,
  is_domain: false,
  tags: project.tags,
  options: project.options,
  links: { self: `${base}/projects/${project.id}` },
})

export const userView = (base: string, user: UserView) => ({
  ...user.extra,
  id: user.id,
  name: user.name,
  domain_id: user.domainId,
  enabled: user.enabled,
  ...(user.defaultProjectId === null ? {} : { default_project_id: user.defaultProjectId }),
  ...(user.description === '' ? {} : { description: user.description }),
  ...(user.email === null ? {} : { email: user.email }),
  password_expires_at:
    user.passwordExpiresAt === null ? null : isoMicros(new Date(user.passwordExpiresAt)).replace('Z', ''),
  options: user.options,
  links: { self: `${base}/users/${user.id}` },
})

export const domainView = (base: string, domain: DomainView) => ({
  ...domain.extra,
  id: domain.id,
  name: domain.name,
  ...textOf('description', domain.description, domain.extra),
  enabled: domain.enabled,
  tags: domain.tags,
  options: domain.options,
  links: { self: `${base}/domains/${domain.id}` },
})

/** In Keystone a domain is also a project, one that "acts as a domain". */
export const domainProjectView = (base: string, domain: DomainView) => ({
  ...domainView(base, domain),
  domain_id: null,
  parent_id: null,
  is_domain: true,
  links: { self: `${base}/projects/${domain.id}` },
})

export const roleView = (base: string, role: RoleView) => ({
  ...role.extra,
  id: role.id,
  name: role.name,
  domain_id: role.domainId,
  ...textOf('description', role.description, role.extra, null),
  options: role.options,
  links: { self: `${base}/roles/${role.id}` },
})

export const groupView = (base: string, group: GroupView) => ({
  ...group.extra,
  id: group.id,
  name: group.name,
  domain_id: group.domainId,
  ...textOf('description', group.description, group.extra),
  links: { self: `${base}/groups/${group.id}` },
})

/** A role as inference rules show it. */
export const namedRole = (base: string, role: { id: string; name: string }) => ({
  id: role.id,
  name: role.name,
  links: { self: `${base}/roles/${role.id}` },
})

type InDomain = { id: string; name: string; domainId: string; domainName: string }
export function assignmentView(base: string, row: AssignmentView, names: boolean): object {
  const named = (o: InDomain) =>
    names ? { id: o.id, name: o.name, domain: { id: o.domainId, name: o.domainName } } : { id: o.id }
  const holder = row.user ? `users/${row.user.id}` : `groups/${row.group?.id}`
  const tail = `${holder}/roles/${row.role.id}${row.inherited ? '/inherited_to_projects' : ''}`
  const below = row.inherited ? `${base}/OS-INHERIT` : base
  const inherited = row.inherited ? { 'OS-INHERIT:inherited_to': 'projects' } : {}
  const [scope, path] = row.project
    ? [{ project: named(row.project) }, `projects/${row.project.id}/${tail}`]
    : row.domain
      ? [{ domain: names ? row.domain : { id: row.domain.id } }, `domains/${row.domain.id}/${tail}`]
      : [{ system: { all: true } }, `system/${tail}`]
  return {
    links: { assignment: `${below}/${path}` },
    scope: { ...scope, ...inherited },
    ...(row.user ? { user: named(row.user) } : {}),
    ...(row.group ? { group: named(row.group) } : {}),
    role: names ? { id: row.role.id, name: row.role.name } : { id: row.role.id },
  }
}
