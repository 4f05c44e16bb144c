import { aTrust, byId, name, user } from '../authorization.testing.ts'
import type { TestingRoom } from '../rooms.testing.ts'
import { delegationExamples } from './testing.openstack.ts'

export const testingRoom: TestingRoom = {
  examples: { identity: delegationExamples },
  rows: {
    'applicationCredentials.list': { kind: 'anyone', input: () => ({}) },
    'applicationCredentials.get': { kind: 'mine', input: () => ({ id: 'f'.repeat(32) }) },
    'applicationCredentials.create': {
      kind: 'anyone',
      input: () => ({ name: name(), roles: [] }),
    },
    'applicationCredentials.delete': { kind: 'mine', input: () => ({ id: 'f'.repeat(32) }) },
    'ec2Credentials.list': { kind: 'anyone', input: () => ({}) },
    // The caller needs a role on the project in the database, and these callers have none there.
    'ec2Credentials.create': { kind: 'mine', input: () => ({}) },
    'ec2Credentials.delete': { kind: 'mine', input: () => ({ access: 'unknown' }) },
    'trusts.list': { kind: 'anyone', input: () => ({}) },
    'trusts.get': byId('hidden', aTrust),
    'trusts.create': {
      // Callers may give trusts only in their own name.
      kind: 'admin',
      except: { admin: 'forbidden' },
      input: async () => ({ trustorId: await user(), trusteeId: await user(), impersonation: false }),
    },
    'trusts.delete': byId('hidden', aTrust),
  },
}
