import { expect, test } from 'vitest'
import { liveKeys } from './live-keys.ts'

test.each(['port', 'floatingIp', 'securityGroup'])(
  'a change of a %s is seen on the pages of instances, which show addresses and groups',
  (kind) => expect(liveKeys(kind)).toContain('compute.instances'),
)
