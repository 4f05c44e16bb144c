import type { Example, Examples, Tenant } from '../../openstack/testing.ts'
import { grantRole } from '../roles/assignments.ts'
import type { GrantInput } from '../roles/contract.ts'
import { implyRole } from '../roles/service.ts'
import { grantOperations } from './grants.ts'
import { aGroup, aRole, aUser, fresh, none, roleNamed } from './testing.shared.ts'

const pairOf = async (tenant: Tenant) => {
  const prior = await aRole(tenant)
  return { id: prior.id, implied: await roleNamed(tenant.admin, 'reader') }
}
const implying = async (tenant: Tenant) => {
  const pair = await pairOf(tenant)
  await implyRole(tenant.admin, { priorRoleId: pair.id, impliedRoleId: pair.implied })
  return { params: pair }
}

export const roleExamples: Examples = {
  'roles.list': {
    make: () => ({ query: { name: 'member' } }),
    foreign: (_tenant, other) => [{ query: { domain_id: other.domainId } }],
  },
  'roles.get': { make: async ({ admin }) => ({ params: { id: await roleNamed(admin, 'member') } }) },
  'roles.create': {
    make: () => ({ body: { role: { name: fresh('role'), description: null, options: {} } } }),
    foreign: (_tenant, other) => [{ body: { role: { name: fresh('role'), domain_id: other.domainId } } }],
  },
  'roles.update': {
    make: async (tenant) => ({
      params: { id: (await aRole(tenant)).id },
      body: { role: { description: 'x', options: {} } },
    }),
  },
  'roles.delete': { make: async (tenant) => ({ params: { id: (await aRole(tenant)).id } }) },
  'role_inferences.list': none,
  'roles.implies.list': { make: implying },
  'roles.implies.get': { make: implying },
  'roles.implies.add': { make: async (tenant) => ({ params: await pairOf(tenant) }) },
  'roles.implies.remove': { make: implying },
  'role_assignments.list': {
    make: ({ projectId }) => ({
      query: { 'scope.project.id': projectId, include_names: 'True', include_subtree: 'True' },
    }),
    foreign: (_tenant, other): Example[] => [
      { query: { 'scope.project.id': other.projectId } },
      { query: { 'scope.domain.id': other.domainId, effective: 'True' } },
      { query: { 'user.id': other.userId, include_names: 'True' } },
    ],
  },
  ...Object.fromEntries(grantOperations.map(({ name, path }) => [name, exampleOfGrant(name, path)])),
}

/** An example of grants.<place>.<holder>.<verb>. A grant that is read or removed is made first. */
function exampleOfGrant(name: string, path: string): Examples[string] {
  const system = path.startsWith('/system')
  const paramsOf = async (tenant: Tenant, there: Tenant, who: Tenant) => ({
    ...(system ? {} : { place: path.includes('/projects/') ? there.projectId : there.domainId }),
    holder: (await (path.includes('/users/') ? aUser(who) : aGroup(who))).id,
    role: await roleNamed(tenant.admin, 'reader'),
  })
  return {
    async make(tenant) {
      const params = await paramsOf(tenant, tenant, tenant)
      if (!name.endsWith('.add')) await grantRole(tenant.admin, grantOf(path, params))
      return { params }
    },
    async foreign(tenant, other) {
      const [there, theirs] = await Promise.all([
        paramsOf(tenant, other, tenant),
        paramsOf(tenant, tenant, other),
      ])
      return [{ params: there }, { params: theirs }]
    },
  }
}

const grantOf = (path: string, params: Record<string, string>): GrantInput => ({
  roleId: params.role ?? '',
  inherited: path.startsWith('/OS-INHERIT'),
  ...(path.includes('/users/') ? { userId: params.holder } : { groupId: params.holder }),
  ...(path.startsWith('/system')
    ? { system: true }
    : path.includes('/projects/')
      ? { projectId: params.place }
      : { domainId: params.place }),
})
