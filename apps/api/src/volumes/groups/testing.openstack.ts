import type { Example, ExampleMaker, Examples, Tenant } from '../../openstack/testing.ts'
import { aVolume } from '../testing.openstack.ts'
import { groupCreateInput, groupSnapshotCreateInput, groupTypeCreateInput } from './contract.ts'
import { createGroup } from './service.ts'
import { createGroupSnapshot } from './snapshots.ts'
import { createGroupType } from './types.ts'

/** Makes a group of the tenant with one volume. */
export async function aGroup(tenant: Tenant): Promise<string> {
  const volumeIds = [await aVolume(tenant)]
  return (await createGroup(tenant.ctx, groupCreateInput.parse({ name: 'both', volumeIds }))).id
}
/** Makes an available group snapshot of the tenant. */
export async function aGroupSnapshot(tenant: Tenant): Promise<string> {
  const groupId = await aGroup(tenant)
  const { id } = await createGroupSnapshot(tenant.ctx, groupSnapshotCreateInput.parse({ groupId }))
  await tenant.settle()
  return id
}
const anEmptyGroup = async ({ ctx }: Tenant): Promise<string> =>
  (await createGroup(ctx, groupCreateInput.parse({ volumeTypes: ['Standard'] }))).id

const plain: ExampleMaker = { make: () => ({}) }
const onGroup = (body?: unknown, make = aGroup): ExampleMaker => ({
  make: async (tenant) => ({
    params: { group_id: await make(tenant) },
    ...(body === undefined ? {} : { body }),
  }),
})
const onSnapshot = (body?: unknown): ExampleMaker => ({
  make: async (tenant) => ({
    params: { group_snapshot_id: await aGroupSnapshot(tenant) },
    ...(body === undefined ? {} : { body }),
  }),
})
let types = 0
async function aType({ admin }: Tenant): Promise<string> {
  const wish = { name: `group-type-${crypto.randomUUID()}-${types++}`, specs: { a: 'b' } }
  return (await createGroupType(admin, groupTypeCreateInput.parse(wish))).id
}
const onType = (more: Example = {}): ExampleMaker => ({
  make: async (tenant) => ({
    ...more,
    params: { group_type_id: await aType(tenant), ...more.params },
  }),
})
const foreign = (make: (tenant: Tenant) => Promise<string>): ExampleMaker => ({
  make: () => ({}),
  foreign: async (_tenant, other): Promise<Example[]> => {
    await make(other)
    return [{ query: { all_tenants: '1' } }, { query: { project_id: other.projectId, all_tenants: 'True' } }]
  },
})

/** Requests about groups in Cinder's API that succeed for their owner, for the matrix and the fuzz. */
export const groupExamples: Examples = {
  'group_types.list': plain,
  'group_types.default': plain,
  'group_types.create': {
    make: () => ({ body: { group_type: { name: `t-${crypto.randomUUID()}`, is_public: true } } }),
  },
  'group_types.get': onType(),
  'group_types.update': onType({ body: { group_type: { description: 'new' } } }),
  'group_types.delete': onType(),
  'group_specs.list': onType(),
  'group_specs.create': onType({ body: { group_specs: { c: 'd' } } }),
  'group_specs.get': onType({ params: { key: 'a' } }),
  'group_specs.update': onType({ params: { key: 'a' }, body: { a: 'c' } }),
  'group_specs.delete': onType({ params: { key: 'a' } }),
  'groups.list': foreign(aGroup),
  'groups.detail': foreign(aGroup),
  'groups.create': {
    make: async (tenant) => ({
      body: { group: { name: 'g', group_type: await aType(tenant), volume_types: ['Standard'] } },
    }),
  },
  'groups.create-from-src': {
    make: async (tenant) => ({ body: { name: 'copy', group_snapshot_id: await aGroupSnapshot(tenant) } }),
    foreign: async (_tenant, other) => [
      { body: { group_snapshot_id: await aGroupSnapshot(other) } },
      { body: { source_group_id: await aGroup(other) } },
    ],
  },
  'groups.get': onGroup(),
  'groups.update': {
    async make(tenant) {
      const body = { group: { name: 'new', add_volumes: await aVolume(tenant) } }
      return { params: { group_id: await aGroup(tenant) }, body }
    },
    foreign: async (tenant, other) => [
      { params: { group_id: await aGroup(tenant) }, body: { group: { add_volumes: await aVolume(other) } } },
    ],
  },
  'groups.delete': onGroup({ 'delete-volumes': true }),
  'groups.reset_status': onGroup({ status: 'error' }),
  'groups.enable_replication': onGroup({}, anEmptyGroup),
  'groups.disable_replication': onGroup({}, anEmptyGroup),
  'groups.failover_replication': onGroup({}, anEmptyGroup),
  'groups.list_replication_targets': onGroup({}, anEmptyGroup),
  'group_snapshots.list': foreign(aGroupSnapshot),
  'group_snapshots.detail': foreign(aGroupSnapshot),
  'group_snapshots.create': {
    make: async (tenant) => ({ body: { group_snapshot: { group_id: await aGroup(tenant), name: 's' } } }),
    foreign: async (_tenant, other) => [{ body: { group_snapshot: { group_id: await aGroup(other) } } }],
  },
  'group_snapshots.get': onSnapshot(),
  'group_snapshots.delete': onSnapshot(),
  'group_snapshots.reset_status': onSnapshot({ status: 'error' }),
}
