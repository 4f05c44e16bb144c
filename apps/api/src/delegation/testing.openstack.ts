import type { Examples } from '../openstack/testing.ts'
import { applicationCredentialExamples } from './application-credentials/testing.openstack.ts'
import { ec2Examples } from './ec2/testing.openstack.ts'
import { oauthExamples } from './oauth1/testing.openstack.ts'
import { trustExamples } from './trusts/testing.openstack.ts'

/** Requests of delegation's part of Keystone that succeed (openstack/testing.ts). */
export const delegationExamples: Examples = {
  ...applicationCredentialExamples,
  ...ec2Examples,
  ...trustExamples,
  ...oauthExamples,
}
