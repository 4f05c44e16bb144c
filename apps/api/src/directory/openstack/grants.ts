import { HttpError } from '../../openstack/errors.ts'
import { collection, idOf } from '../../openstack/keystone.ts'
import type { Access, ApiOperation } from '../../openstack/operation.ts'
import { grantedRoles, grantRole, hasGrant, revokeRole } from '../roles/assignments.ts'
import { roleView } from './views.ts'

/**
 * The grants of roles: the same four operations for users and groups on projects, domains and the system, and for roles
 * that the projects below inherit (OS-INHERIT). Source: Keystone api-ref v3.
 */
type Place = 'projects' | 'domains' | 'system'
type Holder = 'users' | 'groups'
type Kind = { place: Place; holder: Holder; inherited: boolean }

const kinds: Kind[] = [
  ...(['projects', 'domains', 'system'] as const).flatMap((place) => [
    { place, holder: 'users' as const, inherited: false },
    { place, holder: 'groups' as const, inherited: false },
  ]),
  ...(['projects', 'domains'] as const).flatMap((place) => [
    { place, holder: 'users' as const, inherited: true },
    { place, holder: 'groups' as const, inherited: true },
  ]),
]
/** Callers get a 404 for what they do not see: a domain that they do not administer, a project of others. */
const accessOf: Record<Place, { read: Access; write: Access }> = {
  projects: { read: 'ofProjectGrants', write: 'ofProjectWrite' },
  domains: { read: 'ofDomain', write: 'ofDomainWrite' },
  system: { read: 'adminRead', write: 'admin' },
}

/** For example "grants.projects.users" or "grants.inherited.domains.groups". */
export const grantName = ({ place, holder, inherited }: Kind): string =>
  `grants.${inherited ? 'inherited.' : ''}${place}.${holder}`

export const grantOperations: ApiOperation[] = kinds.flatMap(operationsOf)

function operationsOf(kind: Kind): ApiOperation[] {
  const { place, holder, inherited } = kind
  const where = place === 'system' ? '/system' : `/${place}/:place`
  const roles = `${inherited ? '/OS-INHERIT' : ''}${where}/${holder}/:holder/roles`
  const tail = inherited ? '/inherited_to_projects' : ''
  const name = grantName(kind)
  const words = `${holder === 'users' ? 'a user' : 'a group'} on ${place === 'system' ? 'the system' : `a ${place.slice(0, -1)}`}${inherited ? ', for the projects below' : ''}`
  const { read, write } = accessOf[place]
  const one = (params: Record<string, string>) => ({ ...at(kind, params), roleId: idOf(params, 'role') })
  return [
    {
      name: `${name}.list`,
      method: 'GET',
      path: roles + tail,
      summary: `List the roles of ${words}`,
      status: 200,
      access: read,
      handle: async (call) => {
        const items = await grantedRoles(call.ctx, at(kind, call.params))
        const path = filled(roles + tail, call.params)
        return collection(call, path, 'roles', { items }, roleView)
      },
    },
    {
      name: `${name}.get`,
      method: 'GET',
      path: `${roles}/:role${tail}`,
      summary: `Is the role given to ${words}?`,
      status: 204,
      access: read,
      handle: async ({ ctx, params }) => {
        if (!(await hasGrant(ctx, one(params)))) throw noGrant(params)
      },
    },
    {
      name: `${name}.add`,
      method: 'PUT',
      path: `${roles}/:role${tail}`,
      summary: `Give a role to ${words}`,
      status: 204,
      access: write,
      handle: async ({ ctx, params }) => {
        await grantRole(ctx, one(params))
      },
    },
    {
      name: `${name}.remove`,
      method: 'DELETE',
      path: `${roles}/:role${tail}`,
      summary: `Take a role away from ${words}`,
      status: 204,
      access: write,
      handle: async ({ ctx, params }) => {
        if (!(await revokeRole(ctx, one(params)))) throw noGrant(params)
      },
    },
  ]
}

function at({ place, holder, inherited }: Kind, params: Record<string, string>) {
  const who = idOf(params, 'holder')
  return {
    inherited,
    ...(holder === 'users' ? { userId: who } : { groupId: who }),
    ...(place === 'projects' ? { projectId: idOf(params, 'place') } : {}),
    ...(place === 'domains' ? { domainId: idOf(params, 'place') } : {}),
    ...(place === 'system' ? { system: true as const } : {}),
  }
}

const filled = (path: string, params: Record<string, string>) =>
  path.slice(1).replace(/:([a-z]+)/g, (_, name: string) => idOf(params, name))

const noGrant = (params: Record<string, string>) =>
  new HttpError(404, `Could not find role assignment with role: ${idOf(params, 'role')}.`)
