import { z } from 'zod'
import { pageInput } from '../../kernel/contract.ts'
import type { VolumeView } from '../contract.ts'

export const volumeTrashInput = pageInput.extend({ id: z.uuid().optional() })

/** `takeBackUntil`: null when the data go at once. */
export type VolumeDeleted = { takeBackUntil: string | null }
/** A volume that is deleted and can be taken back until that time, or whose data are being removed. */
export type TrashedVolumeView = VolumeView & { until: string }
/** How long deleted volumes, snapshots and backups wait, and how much of the quota those of the project take meanwhile. */
export type VolumeTrashSummary = {
  minutes: number
  volumes: number
  snapshots: number
  backups: number
  /** Of volumes and snapshots. */
  volumeGib: number
  volumeBackupGib: number
}
export const trashSummaryInput = z.object({ projectId: z.string().max(64).optional() }).optional()
