import { z } from 'zod'
import { descriptionInput, nameInput, projectIdInput } from '../../kernel/contract.ts'
import { volumeMetadataInput } from '../metadata.ts'

/** A pool, and what lies there without a row: a volume, or a snapshot. */
const ref = z.uuid('is not the name of a volume in a pool of this cloud')
const name = z.union([nameInput, z.literal('')]).default('')
export const manageableInput = z.object({ pool: z.string().min(1).max(255) })
export const volumeManageInput = manageableInput.extend({
  ref,
  /** The project that gets the volume, which only administrators may name; absent: the project of the caller. */
  projectId: projectIdInput.optional(),
  name,
  description: descriptionInput.default(''),
  /** Name or id of a type; absent: the default type. */
  type: z.string().min(1).max(255).optional(),
  bootable: z.boolean().default(false),
  metadata: volumeMetadataInput.default({}),
})
export const snapshotManageInput = z.object({
  volumeId: z.uuid(),
  ref,
  name,
  description: descriptionInput.default(''),
  metadata: volumeMetadataInput.default({}),
})

/** A volume or a snapshot that lies in a pool. */
export type Manageable = {
  /** Its name in the pool, which is its id in the cloud as well. */
  id: string
  sizeGib: number
  /** The volume of which a snapshot was taken; null for a volume. */
  volumeId: string | null
  /** Whether a snapshot was taken while the guest's file systems held still; null for a volume. */
  quiesced: boolean | null
  /** The cloud has a row of it. */
  isKnown: boolean
  /** Why it cannot be taken over; null when it can be. */
  problem: string | null
}

/** A volume or a snapshot that, as its row says, lies in a pool which does not have it. */
export type Lost = {
  id: string
  kind: 'volume' | 'volumeSnapshot'
  name: string
  projectId: string
  sizeGib: number
  state: string
}
/** How many there are, and the first of them. */
export type LostThings = { total: number; items: Lost[] }
