import { z } from 'zod'
import { descriptionInput, nameInput, pageInput } from '../kernel/contract.ts'
import { type ImageState, imageStates } from './states.ts'

export * from './states.ts'

export const diskFormats = ['raw', 'qcow2'] as const

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
