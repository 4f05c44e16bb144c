import { z } from 'zod'
import { descriptionInput, nameInput, pageInput } from '../../kernel/contract.ts'
import { volumeMetadataInput } from '../metadata.ts'
import type { VolumeState } from '../states.ts'
import { type SnapshotState, snapshotStates } from './states.ts'

export * from './states.ts'

const snapshotName = z.union([nameInput, z.literal('')])

export const snapshotListInput = pageInput.extend({
  state: z.enum(snapshotStates).optional(),
  /** Only those of volumes that have a system, or only the others. */
  bootable: z.boolean().optional(),
  volumeId: z.uuid().optional(),
})
export const snapshotCreateInput = z.object({
  volumeId: z.uuid(),
  name: snapshotName.default(''),
  description: descriptionInput.default(''),
  metadata: volumeMetadataInput.default({}),
})
export const snapshotUpdateInput = z.object({
  id: z.uuid(),
  name: snapshotName.optional(),
  description: descriptionInput.optional(),
  metadata: volumeMetadataInput.optional(),
})
export const snapshotTrashInput = pageInput.extend({
  id: z.uuid().optional(),
  volumeId: z.uuid().optional(),
})
export const revertInput = z.object({ id: z.uuid(), snapshotId: z.uuid() })

export type SnapshotView = {
  id: string
  projectId: string
  userId: string
  name: string
  description: string
  volume: { id: string; name: string; state: VolumeState }
  sizeGib: number
  /** Whether its data are encrypted where they are stored. */
  encrypted: boolean
  state: SnapshotState
  /**
   * Whether the file systems of the guest held still meanwhile, or no guest used the volume. Otherwise a guest finds it
   * as after a power cut. Null until the snapshot is made.
   */
  quiesced: boolean | null
  bootable: boolean
  metadata: Record<string, string>
  /** Why the snapshot is in an error state; null in other states. */
  /** The group snapshot of which this one is a part. */
  groupSnapshotId: string | null
  error: string | null
  createdAt: string
  updatedAt: string
}
/** A snapshot that is deleted and can be taken back until that time, or whose data are being removed. */
export type TrashedSnapshotView = SnapshotView & { until: string; isVolumeDeleted: boolean }
