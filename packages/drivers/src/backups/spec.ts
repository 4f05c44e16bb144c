import { z } from 'zod'
import { generatedId, uuid } from '../fields.ts'
import { poolSpec, volumeKey } from '../volumes/spec.ts'

/** The place of backups, with everything that a host must know to reach the place. */
export const storeSpec = z.discriminatedUnion('driver', [
  z.object({ driver: z.literal('folder'), id: generatedId }),
])

/** The SHA-256 of a backup's index in hex. The index has the checksums of all content. */
export const backupChecksum = z.string().regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in hex')

/** `volumeId`: the volume of which the backup is, which may be gone since. Backups of one volume may share content. */
export const backupKey = z.object({ id: uuid, volumeId: uuid, store: storeSpec })
export const backupIdentity = backupKey.extend({ checksum: backupChecksum })

export const backupSpec = backupKey.extend({
  /** The snapshot of the volume that is backed up; null: what the volume contains now. */
  snapshotId: uuid.nullable(),
  pool: poolSpec,
  /** An earlier backup of the volume: only what differs from it is stored. */
  parent: backupIdentity.pick({ id: true, checksum: true }).nullable(),
})

/** A word that a host leaves in a store under its name. */
export const storeWord = z.object({ name: uuid, word: uuid })
export const storeProof = storeWord.extend({ store: storeSpec })

/** The caller's own words about a backup, which lie beside it and are read by nobody here. */
export const backupRecord = z
  .string()
  .min(1)
  .max(256 * 1024)
export const recordSpec = backupKey.extend({ record: backupRecord })

export const restoreSpec = z.object({ backup: backupIdentity, volume: volumeKey })

/** `pool`: where the volume was while the backup was being made, which is told when that was interrupted; else null. */
export const backupRemoval = backupKey.extend({ pool: poolSpec.nullable() })
