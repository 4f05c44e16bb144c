import type { TestingRoom } from '../rooms.testing.ts'
import { policyExamples } from './testing.openstack.ts'

export const testingRoom: TestingRoom = {
  examples: { identity: policyExamples },
  rows: {
    rules: { kind: 'anyone' },
    explain: { kind: 'anyone', input: () => ({ action: 'compute:launch_instance' }) },
  },
}
