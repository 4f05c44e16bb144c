import type { Example, ExampleMaker, Examples, Tenant } from '../../openstack/testing.ts'
import { changeSnapshotMetadata, createSnapshot } from '../service.ts'
import { aVolume } from '../testing.openstack.ts'
import { snapshotCreateInput } from './contract.ts'

/** Begins a snapshot of the tenant, of a new volume unless `volumeId` names one. */
async function begunSnapshot(
  tenant: Tenant,
  patch: { volumeId?: string; name?: string } = {},
): Promise<string> {
  const volumeId = patch.volumeId ?? (await aVolume(tenant))
  const input = snapshotCreateInput.parse({ name: 'before', ...patch, volumeId })
  return (await createSnapshot(tenant.ctx, input)).id
}
/** Makes an available snapshot of the tenant. */
export async function aSnapshot(
  tenant: Tenant,
  patch: { volumeId?: string; name?: string } = {},
): Promise<string> {
  const id = await begunSnapshot(tenant, patch)
  await tenant.settle()
  return id
}

const on = (body?: unknown, make = aSnapshot): ExampleMaker => ({
  make: async (tenant) => ({
    params: { snapshot_id: await make(tenant) },
    ...(body === undefined ? {} : { body }),
  }),
})
const withItem = (body?: unknown): ExampleMaker => ({
  async make(tenant): Promise<Example> {
    const id = await aSnapshot(tenant)
    await changeSnapshotMetadata(tenant.ctx, id, () => ({ a: 'b' }))
    return { params: { snapshot_id: id, key: 'a' }, ...(body === undefined ? {} : { body }) }
  },
})
const foreignList: ExampleMaker = {
  make: () => ({}),
  foreign: async (_tenant, other): Promise<Example[]> => {
    const volumeId = await aVolume(other)
    await aSnapshot(other, { volumeId })
    return [
      { query: { all_tenants: '1' } },
      { query: { project_id: other.projectId, all_tenants: 'True' } },
      { query: { volume_id: volumeId } },
    ]
  },
}

/** Requests about snapshots in Cinder's API that succeed for their owner, for the matrix and the fuzz. */
export const snapshotExamples: Examples = {
  'snapshots.list': foreignList,
  'snapshots.detail': foreignList,
  'snapshots.create': {
    make: async (tenant) => ({
      body: {
        snapshot: { volume_id: await aVolume(tenant), name: 'before', metadata: { a: 'b' } },
      },
    }),
    foreign: async (_tenant, other) => [{ body: { snapshot: { volume_id: await aVolume(other) } } }],
  },
  'snapshots.get': on(),
  'snapshots.update': on({ snapshot: { name: 'new', description: 'd' } }),
  'snapshots.delete': on(),
  'snapshots.metadata.list': on(),
  'snapshots.metadata.create': on({ metadata: { a: 'b' } }),
  'snapshots.metadata.replace': on({ metadata: { a: 'b' } }),
  'snapshots.metadata.get': withItem(),
  'snapshot.metadata.get': withItem(),
  'snapshots.metadata.update': withItem({ meta: { a: 'c' } }),
  'snapshots.metadata.delete': withItem(),
  'snapshots.os-reset_status': on({ status: 'error' }),
  'snapshots.os-force_delete': on(),
  'snapshots.os-update_snapshot_status': on({ status: 'creating', progress: '10%' }, begunSnapshot),
  'volumes.revert': {
    async make(tenant) {
      const volumeId = await aVolume(tenant)
      return {
        params: { volume_id: volumeId },
        body: { snapshot_id: await aSnapshot(tenant, { volumeId }) },
      }
    },
    foreign: async (tenant, other) => [
      { params: { volume_id: await aVolume(tenant) }, body: { snapshot_id: await aSnapshot(other) } },
    ],
  },
}
