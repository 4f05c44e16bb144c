import type { TestingRoom } from '../rooms.testing.ts'
import { storedPolicyExamples } from './stored/testing.openstack.ts'
import { policyExamples } from './testing.openstack.ts'

export const testingRoom: TestingRoom = {
  examples: { identity: { ...policyExamples, ...storedPolicyExamples } },
  rows: {
    rules: { kind: 'anyone' },
    explain: { kind: 'anyone', input: () => ({ action: 'compute:launch_instance' }) },
  },
}
