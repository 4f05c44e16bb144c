import { type Ctx, inTransaction } from '../kernel/context.ts'
import type { Examples, Tenant } from '../openstack/testing.ts'
import { issueToken } from './tokens.ts'

const none = { make: () => ({}) }
const ofUser = { make: ({ userId }: Tenant) => ({ params: { id: userId } }) }

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
  'auth.projects': none,
  'projects.list': none,
  'projects.get': { make: ({ projectId }) => ({ params: { id: projectId } }) },
  'users.list': none,
  'users.get': ofUser,
  'users.projects': ofUser,
  'domains.list': none,
  'domains.get': { make: ({ domainId }) => ({ params: { id: domainId } }) },
  'roles.list': none,
  'roles.get': {
    make: async ({ deps }) => ({ params: { id: (await deps.root.role.findFirstOrThrow()).id } }),
  },
  'role_assignments.list': none,
  'auth.tokens.revoke': {
    make: async ({ admin, userId, projectId }) => ({
      headers: { 'x-subject-token': await tokenFor(admin, userId, projectId) },
    }),
  },
}
