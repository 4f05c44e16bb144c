import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { inner, parse } from '../../openstack/schema.ts'
import { backupImportInput, backupRestoreInput } from '../backups/contract.ts'
import { exportBackup, importBackup } from '../backups/record.ts'
import { restoreBackup } from '../backups/restore.ts'
import { forceDeleteBackup, resetBackup } from '../service.ts'
import { at, backupOf } from './at.ts'
import { backupSummary } from './backup-views.ts'

const restoration = z.strictObject({
  volume_id: z.uuid('is not a uuid').nullish(),
  name: z.string().max(255, 'is too long').nullish(),
})

async function restore(call: Call): Promise<object> {
  const wish = inner(call, 'restore', restoration)
  // The name that Cinder gives, so that scripts find the volume and no two have one name.
  const name = wish.name ?? `restore_backup_${backupOf(call).id}`
  const { backupId, volumeId, volumeName } = await restoreBackup(
    call.ctx,
    backupRestoreInput.parse({
      ...backupOf(call),
      volumeId: wish.volume_id ?? undefined,
      name,
    }),
  )
  return { restore: { backup_id: backupId, volume_id: volumeId, volume_name: volumeName } }
}

/** The name of our stores in records, where Cinder has that of a driver. */
const backupService = 'stratolith.backups.folder'
const recorded = z.strictObject({
  backup_service: z.string().min(1).max(255),
  backup_url: z.string().min(1).max(16_384),
})

async function importRecord(call: Call): Promise<object> {
  const { backup_service: service, backup_url: record } = inner(call, 'backup-record', recorded)
  if (service !== backupService)
    throw new HttpError(400, `This cloud has no backup service ${service.slice(0, 100)}.`)
  return {
    backup: backupSummary(await importBackup(call.ctx, backupImportInput.parse({ record })), at(call)),
  }
}

const ours = ['available', 'error'] as const
const reset = z.strictObject({ status: z.string().max(255) })

async function resetStatus(call: Call): Promise<void> {
  const status = parse(reset, call.body).status.toLowerCase()
  const to = ours.find((state) => state === status)
  if (to === undefined)
    throw new HttpError(
      400,
      `The status of a backup can be set to ${ours.join(' and ')}, and to nothing else.`,
    )
  await resetBackup(call.ctx, { ...backupOf(call), to })
}

/** A backup that the caller cannot see is not found, whatever the caller may do. */
const forAdmins = { access: 'admin', except: { stranger: 'not_found' } } as const
const action = (
  key: string,
  summary: string,
  deviation: string,
  run: (call: Call) => Promise<void>,
): ApiOperation => ({
  ...forAdmins,
  ...{ name: `backups.${key}`, method: 'POST', path: '/backups/:backup_id/action', action: key, status: 202 },
  ...{ summary, deviation, handle: run },
})

export const backupActionOperations: ApiOperation[] = [
  {
    name: 'backups.restore',
    method: 'POST',
    path: '/backups/:backup_id/restore',
    summary: 'Give a new or an available volume what a backup contains',
    status: 202,
    access: 'write',
    deviation:
      'Several volumes may get the content of one backup at once. A volume whose restore fails keeps its old content.',
    handle: restore,
  },
  {
    name: 'backups.export_record',
    method: 'GET',
    path: '/backups/:backup_id/export_record',
    summary: 'Export the record of a backup, by which it can be made known again',
    status: 200,
    access: 'read',
    deviation: 'The record is sealed by a key of the cloud, so that readers of the project may have it.',
    handle: async (call) => ({
      'backup-record': {
        backup_service: backupService,
        backup_url: await exportBackup(call.ctx, backupOf(call)),
      },
    }),
  },
  {
    name: 'backups.import_record',
    method: 'POST',
    path: '/backups/import_record',
    summary: 'Make a backup known again by its record',
    status: 201,
    access: 'admin',
    deviation:
      'Only records that this cloud has sealed. The backup is available when its store has confirmed it.',
    handle: importRecord,
  },
  action(
    'os-reset_status',
    'Set the status of a backup that is stuck',
    'The status is available or error. Refused while something is being done to the backup, and available for a backup that was never made.',
    resetStatus,
  ),
  action(
    'os-force_delete',
    'Delete a backup in any status, also while it is being made',
    'Refused (400) while a volume is getting its content.',
    (call) => forceDeleteBackup(call.ctx, backupOf(call)),
  ),
]
