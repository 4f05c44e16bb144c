import type { Examples } from '../openstack/testing.ts'
import { domainConfigExamples } from './domain-config/testing.openstack.ts'
import { projectExamples } from './openstack/testing.projects.ts'
import { roleExamples } from './openstack/testing.roles.ts'
import { userExamples } from './openstack/testing.users.ts'

/** Requests of the directory's part of Keystone that succeed (openstack/testing.ts). */
export const directoryExamples: Examples = {
  ...projectExamples,
  ...userExamples,
  ...roleExamples,
  ...domainConfigExamples,
}
