import {
  aTrust,
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
import { identityExamples } from './testing.openstack.ts'

export const testingRoom: TestingRoom = {
  examples: { identity: identityExamples },
  rows: {
    signIn: 'public',
    session: { kind: 'token' },
    ownProjects: { kind: 'anyone' },
    places: { kind: 'anyone' },
    passwordRules: 'public',
    changePassword: 'public',
    'domains.list': { kind: 'admin', input: () => ({}) },
    'domains.get': { kind: 'anyone', input: () => ({ id: 'default' }) },
    'domains.create': { kind: 'admin', input: () => ({ name: name() }) },
    'domains.update': { kind: 'admin', input: () => ({ id: 'default', description: 'new' }) },
    'domains.delete': byId('hidden', domain),
    'projects.list': { kind: 'admin', input: () => ({}) },
    // These callers' token is for it, whatever they may do there.
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
    // "ok" for administrators is a conflict: this user has no codes.
    'users.resetCodes': byId('hidden', user),
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
        await callerOf(system()).identity.groups.addMember(input)
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
        await callerOf(system()).identity.roles.imply(input)
        return input
      },
    },
    'assignments.list': { kind: 'admin', input: () => ({}) },
    'assignments.grant': { kind: 'adminWrite', input: grant },
    'assignments.revoke': {
      kind: 'adminWrite',
      input: async () => {
        const input = await grant()
        await callerOf(system()).identity.assignments.grant(input)
        return input
      },
    },
    'sessions.list': { kind: 'token', input: () => ({}) },
    'sessions.revoke': { kind: 'mine', input: () => ({ id: 'unknown' }) },
    'sessions.revokeAll': { kind: 'anyone', input: () => ({}) },
    'applicationCredentials.list': { kind: 'anyone', input: () => ({}) },
    'applicationCredentials.get': { kind: 'mine', input: () => ({ id: 'f'.repeat(32) }) },
    'applicationCredentials.create': {
      kind: 'anyone',
      input: () => ({ name: name(), roles: [] }),
    },
    'applicationCredentials.delete': { kind: 'mine', input: () => ({ id: 'f'.repeat(32) }) },
    'ec2Credentials.list': { kind: 'anyone', input: () => ({}) },
    // For a project where one has a role in the database, which these callers do not have.
    'ec2Credentials.create': { kind: 'mine', input: () => ({}) },
    'ec2Credentials.delete': { kind: 'mine', input: () => ({ access: 'unknown' }) },
    'trusts.list': { kind: 'anyone', input: () => ({}) },
    'trusts.get': byId('hidden', aTrust),
    'trusts.create': {
      // Only in one's own name.
      kind: 'admin',
      except: { admin: 'forbidden' },
      input: async () => ({ trustorId: await user(), trusteeId: await user(), impersonation: false }),
    },
    'trusts.delete': byId('hidden', aTrust),
    'secondFactor.get': { kind: 'anyone' },
    'secondFactor.begin': { kind: 'anyone' },
    'secondFactor.confirm': { kind: 'token', input: () => ({ enrolment: 'x', code: '123456' }) },
    'secondFactor.disable': {
      kind: 'anyone',
      mayBeInvalid: true,
      input: () => ({ password: 'not the password' }),
    },
    // Nobody here has codes to recover from, so that "ok" is a conflict.
    'secondFactor.recoveryCodes': { kind: 'anyone', input: () => ({ password: 'not the password' }) },
    rescope: { kind: 'mine', input: () => ({ projectId: 'f'.repeat(32) }) },
    signOut: { kind: 'token' },
  },
}
