import { z } from 'zod'
import { type Allowed, descriptionInput, nameInput, pageInput } from '../kernel/contract.ts'

export const imageStates = ['queued', 'saving', 'active', 'killed', 'deleted'] as const
export type ImageState = (typeof imageStates)[number]
export const diskFormats = ['raw', 'qcow2'] as const
export const imageTransitioning = (state: ImageState): boolean => state === 'saving'

export const imageListInput = pageInput.extend({
  visibility: z.enum(['private', 'public']).optional(),
  state: z.enum(imageStates).optional(),
})
export const imageCreateInput = z.object({
  name: nameInput,
  description: descriptionInput.default(''),
  diskFormat: z.enum(diskFormats),
  visibility: z.enum(['private', 'public']).default('private'),
  minDiskGib: z.number().int().min(0).max(65_536).default(0),
  minRamMib: z.number().int().min(0).max(16_777_216).default(0),
  protected: z.boolean().default(false),
})
export const imageUpdateInput = z.object({
  id: z.uuid(),
  name: nameInput.optional(),
  description: descriptionInput.optional(),
  visibility: z.enum(['private', 'public']).optional(),
  protected: z.boolean().optional(),
})

export type ImageView = {
  id: string
  name: string
  description: string
  projectId: string
  visibility: 'private' | 'public'
  state: ImageState
  diskFormat: 'raw' | 'qcow2'
  sizeBytes: number | null
  virtualBytes: number | null
  uploadedBytes: number
  minDiskGib: number
  minRamMib: number
  checksumMd5: string | null
  sha256: string | null
  protected: boolean
  errorMessage: string | null
  createdAt: string
  updatedAt: string
  own: boolean
}

/** What the state alone forbids; policy comes on top. */
export const imageCan = {
  upload: (image: Pick<ImageView, 'state'>): Allowed =>
    image.state === 'queued' || `Only a queued image takes data; this one is ${image.state}.`,
  launch: (image: Pick<ImageView, 'state'>): Allowed =>
    image.state === 'active' || `Only an active image can be launched; this one is ${image.state}.`,
  delete: (image: Pick<ImageView, 'state' | 'protected'>): Allowed =>
    image.protected
      ? 'This image is protected. Remove the protection first.'
      : image.state !== 'deleted' || 'It is deleted already.',
}
