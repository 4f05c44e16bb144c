import { none } from '../../directory/openstack/testing.shared.ts'
import { hexId } from '../../kernel/testing.ts'
import type { Examples, Tenant } from '../../openstack/testing.ts'
import { createCredential } from './service.ts'

const blob = () => JSON.stringify({ access: hexId(), secret: hexId() })
const body = (at: { userId: string; projectId: string }) => ({
  credential: { user_id: at.userId, project_id: at.projectId, type: 'ec2', blob: blob() },
})
/** A user has at most 200 credentials, and the matrix makes more than that. */
export async function makeRoom({ ctx, userId }: Tenant): Promise<void> {
  if ((await ctx.deps.root.credential.count({ where: { userId } })) > 150)
    await ctx.deps.root.credential.deleteMany({ where: { userId } })
}
async function make(tenant: Tenant): Promise<string> {
  await makeRoom(tenant)
  const { userId, projectId } = tenant
  return (await createCredential(tenant.ctx, { userId, projectId, type: 'ec2', blob: blob() })).id
}
const aCredential = {
  make: async (tenant: Tenant) => ({ params: { id: await make(tenant) } }),
  foreign: async (_tenant: Tenant, other: Tenant) => [{ params: { id: await make(other) } }],
}

export const credentialExamples: Examples = {
  'credentials.list': {
    ...none,
    foreign: (_tenant, other) => [{ query: { user_id: other.userId, type: 'ec2' } }],
  },
  'credentials.create': {
    make: async (tenant) => {
      await makeRoom(tenant)
      return { body: body(tenant) }
    },
    foreign: (tenant, other) => [
      { body: body(other) },
      { body: body({ userId: tenant.userId, projectId: other.projectId }) },
      { body: body({ userId: other.userId, projectId: tenant.projectId }) },
    ],
  },
  'credentials.get': aCredential,
  'credentials.update': {
    make: async (tenant) => ({
      params: { id: await make(tenant) },
      body: { credential: { blob: blob(), type: 'ec2', project_id: tenant.projectId } },
    }),
    foreign: async (tenant, other) => [
      { params: { id: await make(other) }, body: { credential: { blob: blob() } } },
      { params: { id: await make(tenant) }, body: { credential: { user_id: other.userId } } },
      { params: { id: await make(tenant) }, body: { credential: { project_id: other.projectId } } },
    ],
  },
  'credentials.delete': aCredential,
}
