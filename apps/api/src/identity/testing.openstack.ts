import { type Ctx, inTransaction } from '../kernel/context.ts'
import type { Examples } from '../openstack/testing.ts'
import { applicationCredentialExamples } from './application-credentials/testing.openstack.ts'
import { credentialExamples } from './credentials/testing.openstack.ts'
import { domainConfigExamples } from './domain-config/testing.openstack.ts'
import { oauthExamples } from './oauth1/testing.openstack.ts'
import { projectExamples } from './openstack/testing.projects.ts'
import { roleExamples } from './openstack/testing.roles.ts'
import { none } from './openstack/testing.shared.ts'
import { userExamples } from './openstack/testing.users.ts'
import { storedPolicyExamples } from './policies/testing.openstack.ts'
import { issueToken } from './tokens.ts'
import { trustExamples } from './trusts/testing.openstack.ts'

const tokenFor = async (ctx: Ctx, userId: string, projectId: string) =>
  (
    await inTransaction(ctx, (tx) =>
      issueToken(tx, { userId, scope: { kind: 'project', projectId }, methods: ['password'] }),
    )
  ).text

/** Requests of the identity façade that succeed (openstack/testing.ts). */
export const identityExamples: Examples = {
  versions: none,
  version: none,
  'version/': none,
  'auth.tokens.create': {
    make: ({ token }) => ({ body: { auth: { identity: { methods: ['token'], token: { id: token } } } } }),
  },
  'auth.tokens.validate': { make: ({ token }) => ({ headers: { 'x-subject-token': token } }) },
  'auth.tokens.revoke': {
    make: async ({ admin, userId, projectId }) => ({
      headers: { 'x-subject-token': await tokenFor(admin, userId, projectId) },
    }),
  },
  ...projectExamples,
  ...userExamples,
  ...roleExamples,
  ...applicationCredentialExamples,
  ...credentialExamples,
  ...trustExamples,
  ...storedPolicyExamples,
  ...domainConfigExamples,
  ...oauthExamples,
}
