import { z } from 'zod'
import { conflict } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { At } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { boolean, inner } from '../../openstack/schema.ts'
import { type BackupView, backupCreateInput, backupUpdateInput } from '../backups/contract.ts'
import { createBackup, deleteBackup, findBackups, getBackup, getVolume, updateBackup } from '../service.ts'
import { at, backupOf } from './at.ts'
import { adminBackupFilters, backupFilters, backupQuery } from './backup-list.ts'
import { backupDetail, backupSummary } from './backup-views.ts'
import { metadata } from './metadata.ts'
import { countWanted, pageBody } from './page-body.ts'

async function list(call: Call, view: (backup: BackupView, at: At) => object): Promise<object> {
  const isCounted = countWanted(call)
  const asked = backupQuery(call)
  if (asked === null) return pageBody(call, 'backups', [], { more: false, count: isCounted ? 0 : null })
  const { backups, more, count } = await findBackups(call.ctx, asked, isCounted)
  const here = at(call)
  const shown = backups.map((backup) => view(backup, here))
  return pageBody(call, 'backups', shown, { more, lastId: backups.at(-1)?.id, count })
}

const text = z.string().max(255, 'is too long').nullish()
/** From these minor microversions on, a backup has metadata, and its zone can be named. */
const [withMetadata, withZone] = [43, 51]
const metadataAt = (minor: number) => (minor < withMetadata ? {} : { metadata: metadata.nullish() })

const creation = (minor: number) =>
  z.strictObject({
    volume_id: z.uuid('is not a uuid'),
    ...{ name: text, description: text, container: text },
    ...{ incremental: boolean.nullish(), force: boolean.nullish() },
    snapshot_id: z.uuid('is not a uuid').nullish(),
    ...metadataAt(minor),
    ...(minor < withZone ? {} : { availability_zone: text }),
  })
type Text = string | null
type Wish = {
  volume_id: string
  name?: Text
  description?: Text
  container?: Text
  incremental?: boolean | null
  force?: boolean | null
  snapshot_id?: Text
  metadata?: Record<string, string> | null
  availability_zone?: Text
}

async function create(call: Call): Promise<object> {
  const wish = inner(call, 'backup', creation(call.minor)) as Wish
  const { volume_id: volumeId, snapshot_id: snapshotId } = wish
  if (!wish.force && !snapshotId) {
    const { state } = await getVolume(call.ctx, { id: volumeId })
    if (state === 'in-use')
      throw conflict('Backing up an in-use volume must use the force flag.', 'volumeState')
  }
  const made = await createBackup(
    call.ctx,
    backupCreateInput.parse({
      volumeId,
      snapshotId: snapshotId ?? undefined,
      incremental: wish.incremental ?? false,
      name: wish.name ?? '',
      description: wish.description ?? '',
      container: wish.container ?? undefined,
      zone: wish.availability_zone || undefined,
      metadata: wish.metadata ?? {},
    }),
  )
  return { backup: backupSummary(made, at(call)) }
}

const change = (minor: number) => z.strictObject({ name: text, description: text, ...metadataAt(minor) })

async function update(call: Call): Promise<object> {
  const wish = inner(call, 'backup', change(call.minor)) as Pick<Wish, 'name' | 'description' | 'metadata'>
  if (Object.keys(wish).length === 0)
    throw new HttpError(400, 'Invalid input for field/attribute backup. Value: {}. Name what is to change.')
  const said = (value: string | null | undefined) => (value === null ? '' : value)
  const changed = await updateBackup(
    call.ctx,
    backupUpdateInput.parse({
      ...backupOf(call),
      name: said(wish.name),
      description: said(wish.description),
      metadata: wish.metadata ?? undefined,
    }),
  )
  return { backup: backupSummary(changed, at(call)) }
}

const lists = {
  method: 'GET',
  status: 200,
  access: 'list',
  filters: backupFilters,
  adminFilters: adminBackupFilters,
  deviation: 'The next page has a link only when it has backups.',
} as const
const item = { path: '/backups/:backup_id' }
export const backupOperations: ApiOperation[] = [
  {
    ...lists,
    name: 'backups.list',
    path: '/backups',
    summary: 'List backups of volumes',
    handle: (call) => list(call, backupSummary),
  },
  {
    ...lists,
    name: 'backups.detail',
    path: '/backups/detail',
    summary: 'List backups of volumes with details',
    handle: (call) => list(call, backupDetail),
  },
  {
    name: 'backups.create',
    method: 'POST',
    path: '/backups',
    summary: 'Back up what a volume or a snapshot contains',
    status: 202,
    // The volume is one of a project, so that strangers do not find it.
    access: 'write',
    deviation:
      'The container is a word that is kept and shown: all backups of a volume lie in one store. The zone is that of the volume.',
    handle: create,
  },
  {
    ...item,
    name: 'backups.get',
    method: 'GET',
    summary: 'Show a backup of a volume',
    status: 200,
    access: 'read',
    deviation: 'has_dependent_backups is always false: each backup is whole by itself and can be deleted.',
    handle: async (call) => ({ backup: backupDetail(await getBackup(call.ctx, backupOf(call)), at(call)) }),
  },
  {
    ...item,
    name: 'backups.update',
    method: 'PUT',
    since: 9,
    summary: 'Change name, description and, since 3.43, metadata of a backup',
    status: 200,
    access: 'write',
    handle: update,
  },
  {
    ...item,
    name: 'backups.delete',
    method: 'DELETE',
    summary: 'Delete a backup',
    deviation:
      'It is gone at once for every client; its data and its quota are until it can no longer be taken back (STRATOLITH_TAKE_BACK_MINUTES). Refused (400) while an incremental backup is being made that builds on it.',
    status: 202,
    access: 'write',
    handle: async (call) => {
      await deleteBackup(call.ctx, backupOf(call))
    },
  },
]
