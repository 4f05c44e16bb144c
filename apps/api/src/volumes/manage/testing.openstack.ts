import type { Example, ExampleMaker, Examples, Tenant } from '../../openstack/testing.ts'
import { aSnapshot } from '../snapshots/testing.openstack.ts'
import { aVolume } from '../testing.openstack.ts'
import { unmanageSnapshot, unmanageVolume } from './service.ts'

/** A volume that lies in a pool without a row. */
export async function aLeftVolume(tenant: Tenant): Promise<{ host: string; ref: object }> {
  const id = await aVolume(tenant)
  const { pool } = await tenant.deps.root.volume.findUniqueOrThrow({
    where: { id },
    include: { pool: true },
  })
  await unmanageVolume(tenant.admin, { id })
  return { host: `${pool.name}#local`, ref: { 'source-name': id } }
}
async function aLeftSnapshot(tenant: Tenant): Promise<{ volume_id: string; ref: object }> {
  const volumeId = await aVolume(tenant)
  const id = await aSnapshot(tenant, { volumeId })
  await unmanageSnapshot(tenant.admin, { id })
  return { volume_id: volumeId, ref: { 'source-name': id } }
}

const list: ExampleMaker = { make: () => ({ query: { host: 'secret-name-a@local#local' } }) }
const volume: ExampleMaker = {
  make: async (tenant): Promise<Example> => ({ body: { volume: await aLeftVolume(tenant) } }),
}
const snapshot: ExampleMaker = {
  make: async (tenant): Promise<Example> => ({ body: { snapshot: await aLeftSnapshot(tenant) } }),
}

/** Requests about what lies in pools, for the matrix and the fuzz. */
export const manageExamples: Examples = {
  'manageable_volumes.list': list,
  'manageable_volumes.detail': list,
  'manageable_snapshots.list': list,
  'manageable_snapshots.detail': list,
  'manageable_volumes.create': volume,
  'os-volume-manage.create': volume,
  'manageable_snapshots.create': snapshot,
  'os-snapshot-manage.create': snapshot,
  'volumes.os-unmanage': {
    make: async (tenant) => ({ params: { volume_id: await aVolume(tenant) } }),
  },
  'snapshots.os-unmanage': {
    make: async (tenant) => ({ params: { snapshot_id: await aSnapshot(tenant) } }),
  },
}
