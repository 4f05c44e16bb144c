import { catalogExamples } from './catalog/testing.openstack.ts'
import { computeExamples } from './compute/testing.openstack.ts'
import { identityExamples } from './identity/testing.openstack.ts'
import { imageExamples } from './images/testing.openstack.ts'
import { networkExamples } from './networking/testing.openstack.ts'
import type { ExampleMaker, Examples } from './openstack/testing.ts'
import { policyExamples } from './policy/testing.openstack.ts'

const of = (service: string, examples: Examples): [string, ExampleMaker][] =>
  Object.entries(examples).map(([name, maker]) => [`${service}:${name}`, maker])

/** Every room's examples by "service:operation", for the matrix and the fuzz. */
export const examples: Record<string, ExampleMaker> = Object.fromEntries([
  ...of('identity', { ...identityExamples, ...catalogExamples, ...policyExamples }),
  ...of('compute', computeExamples),
  ...of('image', imageExamples),
  ...of('network', networkExamples),
])
