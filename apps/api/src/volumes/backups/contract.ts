import { z } from 'zod'
import { descriptionInput, nameInput, pageInput, projectIdInput } from '../../kernel/contract.ts'
import { volumeMetadataInput } from '../metadata.ts'
import { type BackupState, backupStates } from './states.ts'

export * from './states.ts'

const backupName = z.union([nameInput, z.literal('')])

export const backupListInput = pageInput.extend({
  state: z.enum(backupStates).optional(),
  /** Only those of volumes that had a system, or only the others. */
  bootable: z.boolean().optional(),
  volumeId: z.uuid().optional(),
})
export const backupTrashInput = pageInput.extend({ id: z.uuid().optional() })
export const backupCreateInput = z.object({
  volumeId: z.uuid(),
  /** A snapshot of the volume that is backed up instead of what the volume contains now. */
  snapshotId: z.uuid().optional(),
  /** Only what has changed since the newest available backup of the volume is stored anew. */
  incremental: z.boolean().default(false),
  name: backupName.default(''),
  description: descriptionInput.default(''),
  metadata: volumeMetadataInput.default({}),
  /** Must be that of the volume: a store of backups is where the volume is. */
  zone: z.string().min(1).max(255).optional(),
  container: z.string().max(255).optional(),
})
export const backupPlanInput = backupCreateInput.pick({ volumeId: true })
/** `incremental`: whether there is a backup on which a new one of the volume can build. */
export type BackupPlan = { incremental: boolean }
export const backupUpdateInput = z.object({
  id: z.uuid(),
  name: backupName.optional(),
  description: descriptionInput.optional(),
  metadata: volumeMetadataInput.optional(),
})
export const backupRestoreInput = z.object({
  id: z.uuid(),
  /** The volume that gets the content and loses what it has; absent: a new volume. */
  volumeId: z.uuid().optional(),
  /** Of a new volume; absent: that of the volume of which the backup was made. */
  name: backupName.optional(),
})
export const backupImportInput = z.object({ record: z.string().min(1).max(16_384) })
/** A backup without a row, by its names in the store that a host reaches. */
export const storedBackupInput = z.object({ id: z.uuid(), volumeId: z.uuid(), hostId: z.uuid() })
/** `projectId`: the project that gets it; absent: the one that its record names. */
export const storedBackupImportInput = storedBackupInput.extend({ projectId: projectIdInput.optional() })

export type BackupView = {
  id: string
  projectId: string
  userId: string
  name: string
  description: string
  /** `name`: null when the volume is gone; `lastName` is the name that it had when the backup was made. */
  volume: { id: string; name: string | null; lastName: string }
  snapshotId: string | null
  /** The earlier backup from which the content was taken that had not changed; null: a full backup. It may be gone since. */
  parentId: string | null
  sizeGib: number
  state: BackupState
  zone: string
  container: string | null
  /** How much the backup has added to its store; null until it is made. */
  storedBytes: number | null
  chunks: number | null
  quiesced: boolean | null
  dataTimestamp: string
  bootable: boolean
  /** Whether its data are encrypted in the store. */
  encrypted: boolean
  /** An opaque id of the key of an encrypted backup: only a volume with the same key can get its content. */
  keyId: string | null
  metadata: Record<string, string>
  /** The schedule that has made it; null: a person or a program. */
  scheduleId: string | null
  /** Why the backup is in an error state; null in other states. */
  error: string | null
  createdAt: string
  updatedAt: string
}
/** A backup that is deleted and can be taken back until that time, or whose data are being removed. */
export type TrashedBackupView = BackupView & { until: string }
export type Restored = { backupId: string; volumeId: string; volumeName: string }
/** A backup that lies in a store and has no row. Only administrators see such. */
export type UnknownBackup = {
  id: string
  volumeId: string
  /** A machine that reaches the store. */
  host: { id: string; name: string }
  /** Null when the index of the backup cannot be read. */
  sizeBytes: number | null
  storedBytes: number | null
  /** What its record says; empty and null without one that can be used. */
  name: string
  volumeName: string
  projectId: string | null
  dataTimestamp: string | null
  /** Why it cannot be imported; null when it can be. */
  problem: string | null
}
/** How many there are, the first of them, and the machines that have not told what their stores have. */
export type UnknownBackups = {
  total: number
  items: UnknownBackup[]
  silent: { host: { id: string; name: string }; problem: string }[]
}
/** The store of backups that a machine reaches. Only administrators see stores. */
export type StoreView = {
  /** That of the machine. */
  id: string
  host: { id: string; name: string }
  /** Null when the machine has not told. */
  totalBytes: number | null
  freeBytes: number | null
  /** Whether the store is lost with the disk of the machine's data folder; null when the machine has not told. */
  sharesDisk: boolean | null
  /** The other machines that reach the same store. */
  sharedWith: string[]
  /** Its folder was copied with its mark from that of another machine: their backups are kept apart. */
  isCopied: boolean
  /** How many backups lie there, those counted that are deleted and can be taken back. */
  backups: number
  /** Why the store cannot be used; null when it can. */
  problem: string | null
}
