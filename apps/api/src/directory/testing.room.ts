import {
  byId,
  callerOf,
  domain,
  grant,
  implication,
  membership,
  name,
  owner,
  project,
  role,
  system,
  user,
  userGroup,
} from '../authorization.testing.ts'
import type { TestingRoom } from '../rooms.testing.ts'
import { directoryExamples } from './testing.openstack.ts'

export const testingRoom: TestingRoom = {
  examples: { identity: directoryExamples },
  rows: {
    'domains.list': { kind: 'admin', input: () => ({}) },
    'domains.get': { kind: 'anyone', input: () => ({ id: 'default' }) },
    'domains.create': { kind: 'admin', input: () => ({ name: name() }) },
    'domains.update': { kind: 'admin', input: () => ({ id: 'default', description: 'new' }) },
    'domains.delete': byId('hidden', domain),
    'projects.list': { kind: 'admin', input: () => ({}) },
    // The token of these callers is for this project, so they see it whatever their role.
    'projects.get': { ...byId('read', async () => owner.projectId), except: { noRole: 'ok' } },
    'projects.create': { kind: 'admin', input: () => ({ name: name() }) },
    'projects.update': byId('adminWrite', async () => owner.projectId, { description: 'new' }),
    'projects.deletionPlan': byId('adminWrite', async () => owner.projectId),
    'projects.delete': byId('hidden', project),
    'users.list': { kind: 'admin', input: () => ({}) },
    'users.get': byId('hidden', user),
    'users.create': { kind: 'admin', input: () => ({ name: name() }) },
    'users.update': byId('hidden', user, { description: 'new' }),
    'users.delete': byId('hidden', user),
    'users.resetPassword': byId('hidden', user, { password: 'another password' }),
    'groups.list': { kind: 'admin', input: () => ({}) },
    'groups.get': byId('hidden', userGroup),
    'groups.create': { kind: 'admin', input: () => ({ name: name() }) },
    'groups.update': byId('hidden', userGroup, { description: 'new' }),
    'groups.delete': byId('hidden', userGroup),
    'groups.addMember': { kind: 'hidden', input: membership },
    'groups.removeMember': {
      kind: 'hidden',
      input: async () => {
        const input = await membership()
        await callerOf(system()).directory.groups.addMember(input)
        return input
      },
    },
    'roles.list': { kind: 'admin', input: () => ({}) },
    'roles.get': byId('admin', role),
    'roles.create': { kind: 'admin', input: () => ({ name: name() }) },
    'roles.update': byId('admin', role, { description: 'new' }),
    'roles.delete': byId('admin', role),
    'roles.imply': { kind: 'admin', input: implication },
    'roles.unimply': {
      kind: 'admin',
      input: async () => {
        const input = await implication()
        await callerOf(system()).directory.roles.imply(input)
        return input
      },
    },
    'assignments.list': { kind: 'admin', input: () => ({}) },
    'assignments.grant': { kind: 'adminWrite', input: grant },
    'assignments.revoke': {
      kind: 'adminWrite',
      input: async () => {
        const input = await grant()
        await callerOf(system()).directory.assignments.grant(input)
        return input
      },
    },
  },
}
