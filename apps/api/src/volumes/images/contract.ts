import { z } from 'zod'
import type { ImageView } from '../../images/contract.ts'
import { imageVisibilities } from '../../images/contract.ts'
import { nameInput } from '../../kernel/contract.ts'
import type { VolumeView } from '../contract.ts'

/** An image that is to be made of a volume. */
export const volumeImageInput = z.object({
  /** The volume. */
  id: z.uuid(),
  name: nameInput,
  diskFormat: z.enum(['raw', 'qcow2']).default('qcow2'),
  visibility: z.enum(imageVisibilities).default('private'),
  protected: z.boolean().default(false),
  /** Also while an instance uses the volume. */
  force: z.boolean().default(false),
})
export type VolumeImage = { volume: VolumeView; image: ImageView }

export const reimageInput = z.object({ id: z.uuid(), imageId: z.uuid() })
