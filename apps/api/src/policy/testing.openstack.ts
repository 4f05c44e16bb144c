import type { Examples } from '../openstack/testing.ts'

/** Examples that succeed for the policy's part of Keystone (openstack/testing.ts). */
export const policyExamples: Examples = {
  'policy.rules': { make: () => ({}) },
  'policy.explain': {
    make: ({ userId, projectId }) => ({
      query: { action: 'compute:launch_instance', user_id: userId, project_id: projectId },
    }),
    foreign: (_tenant, other) =>
      [
        ['user_id', other.userId],
        ['project_id', other.projectId],
        ['domain_id', other.domainId],
      ].map(([name = '', value = '']) => ({ query: { action: 'compute:launch_instance', [name]: value } })),
  },
}
