import { byId, user } from '../authorization.testing.ts'
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
    // The "ok" of administrators is a conflict here, because this user has no codes.
    'secondFactor.reset': byId('hidden', user),
    'sessions.list': { kind: 'token', input: () => ({}) },
    'sessions.revoke': { kind: 'mine', input: () => ({ id: 'unknown' }) },
    'sessions.revokeAll': { kind: 'anyone', input: () => ({}) },
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
