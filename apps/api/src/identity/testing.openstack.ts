import { aUser, none } from '../directory/openstack/testing.shared.ts'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import type { Examples } from '../openstack/testing.ts'
import { credentialExamples } from './credentials/testing.openstack.ts'
import { issueToken } from './tokens.ts'

const tokenFor = async (ctx: Ctx, userId: string, projectId: string) =>
  (
    await inTransaction(ctx, (tx) =>
      issueToken(tx, { userId, scope: { kind: 'project', projectId }, methods: ['password'] }),
    )
  ).text

/** Requests of identity's part of Keystone that succeed (openstack/testing.ts). */
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
  ...credentialExamples,
  'users.password': {
    make: async (tenant) => ({
      params: { id: (await aUser(tenant, 'the-old-password')).id },
      body: { user: { original_password: 'the-old-password', password: 'a-new-password' } },
    }),
  },
}
