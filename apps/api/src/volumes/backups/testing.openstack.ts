import type { Example, ExampleMaker, Examples, Tenant } from '../../openstack/testing.ts'
import { createBackup } from '../service.ts'
import { aSnapshot } from '../snapshots/testing.openstack.ts'
import { aVolume } from '../testing.openstack.ts'
import { backupCreateInput } from './contract.ts'
import { exportBackup } from './record.ts'

/** Makes an available backup of the tenant, of a new volume unless `volumeId` names one. */
export async function aBackup(
  tenant: Tenant,
  patch: { volumeId?: string; name?: string; container?: string } = {},
): Promise<string> {
  const volumeId = patch.volumeId ?? (await aVolume(tenant))
  const { id } = await createBackup(
    tenant.ctx,
    backupCreateInput.parse({ name: 'monday', ...patch, volumeId }),
  )
  await tenant.settle()
  return id
}

/** The record of a backup of the tenant whose row is lost. */
async function aRecord(tenant: Tenant): Promise<string> {
  const id = await aBackup(tenant)
  const record = await exportBackup(tenant.ctx, { id })
  await tenant.deps.root.volumeBackup.delete({ where: { id } })
  return record
}

const on = (body?: unknown): ExampleMaker => ({
  make: async (tenant) => ({
    params: { backup_id: await aBackup(tenant) },
    ...(body === undefined ? {} : { body }),
  }),
})
const foreignList: ExampleMaker = {
  make: () => ({}),
  foreign: async (_tenant, other): Promise<Example[]> => {
    const volumeId = await aVolume(other)
    await aBackup(other, { volumeId })
    return [
      { query: { all_tenants: '1' } },
      { query: { project_id: other.projectId, all_tenants: 'True' } },
      { query: { volume_id: volumeId } },
    ]
  },
}

/** Requests about backups in Cinder's API that succeed for their owner, for the matrix and the fuzz. */
export const backupExamples: Examples = {
  'backups.list': foreignList,
  'backups.detail': foreignList,
  'backups.create': {
    make: async (tenant) => ({ body: { backup: { volume_id: await aVolume(tenant), name: 'monday' } } }),
    foreign: async (tenant, other) => [
      { body: { backup: { volume_id: await aVolume(other) } } },
      { body: { backup: { volume_id: await aVolume(tenant), snapshot_id: await aSnapshot(other) } } },
    ],
  },
  'backups.get': on(),
  'backups.update': on({ backup: { name: 'new', description: 'd' } }),
  'backups.delete': on(),
  'backups.restore': {
    make: async (tenant) => ({
      params: { backup_id: await aBackup(tenant) },
      body: { restore: { volume_id: await aVolume(tenant) } },
    }),
    foreign: async (tenant, other) => [
      {
        params: { backup_id: await aBackup(tenant) },
        body: { restore: { volume_id: await aVolume(other) } },
      },
    ],
  },
  'backups.export_record': on(),
  'backups.import_record': {
    make: async (tenant) => ({
      body: {
        'backup-record': {
          backup_service: 'stratolith.backups.folder',
          backup_url: await aRecord(tenant),
        },
      },
    }),
  },
  'backups.os-reset_status': on({ status: 'error' }),
  'backups.os-force_delete': on(),
}
