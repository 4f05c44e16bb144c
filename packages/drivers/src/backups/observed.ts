import { z } from 'zod'
import { generatedId } from '../fields.ts'
import { backupChecksum } from './spec.ts'

/** Schemas of what a host says of backups. The control plane parses every answer by them (remote/answers.ts). */
const count = z.int().min(0)

/**
 * `storedBytes` and `chunks` are what this backup has added to its store. `quiesced`: the guest's file systems held still
 * while the content was taken, or no guest used the volume.
 */
export const observedBackup = z.object({
  id: generatedId,
  volumeId: generatedId,
  sizeBytes: count,
  storedBytes: count,
  chunks: count,
  quiesced: z.boolean(),
  parentId: generatedId.nullable(),
  checksum: backupChecksum,
})

/** A backup that is whole, by its names in the store. */
export const storedBackup = z.object({ id: generatedId, volumeId: generatedId })

/**
 * `mark` is the same on all hosts that reach the same store; absent: an older host, which does not say it. `sharesDisk`: the
 * store lies in the same file system as the host's data folder; absent: the host does not tell.
 */
export const storeSpace = z.object({
  totalBytes: count,
  freeBytes: count,
  mark: z.string().min(1).max(255).optional(),
  sharesDisk: z.boolean().optional(),
})

/** `restoredBytes`: how much content the volume has got. */
export const restoredVolume = z.object({ id: generatedId, restoredBytes: count })
