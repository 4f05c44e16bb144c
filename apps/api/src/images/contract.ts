import { z } from 'zod'
import { descriptionInput, nameInput, pageInput, projectIdInput } from '../kernel/contract.ts'
import {
  type ImageState,
  type ImageVisibility,
  imageStates,
  imageVisibilities,
  type MemberStatus,
  memberStatuses,
} from './states.ts'

export * from './states.ts'

export const diskFormats = ['raw', 'qcow2'] as const
export type DiskFormat = (typeof diskFormats)[number]

export const imageListInput = pageInput.extend({
  visibility: z.enum(imageVisibilities).optional(),
  state: z.enum(imageStates).optional(),
  /** What others share with the project and it has not answered yet, alone. */
  offered: z.boolean().default(false),
  /** Hidden ones alone, or the others alone; left out: one's own hidden ones, too. */
  hidden: z.boolean().optional(),
})
export const imageCreateInput = z.object({
  name: nameInput,
  description: descriptionInput.default(''),
  diskFormat: z.enum(diskFormats),
  visibility: z.enum(imageVisibilities).default('private'),
  minDiskGib: z.number().int().min(0).max(65_536).default(0),
  minRamMib: z.number().int().min(0).max(16_777_216).default(0),
  protected: z.boolean().default(false),
})
const words = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\0\p{Cs}]*$/u, 'There must be no NUL characters.')
/** What an owner may hang on an image. */
export const imageBounds = { properties: 128, propertiesBytes: 64 * 1024, tags: 128 } as const
export const imageUpdateInput = z.object({
  id: z.uuid(),
  name: nameInput.optional(),
  description: descriptionInput.optional(),
  visibility: z.enum(imageVisibilities).optional(),
  protected: z.boolean().optional(),
  hidden: z.boolean().optional(),
  minDiskGib: z.number().int().min(0).max(65_536).optional(),
  minRamMib: z.number().int().min(0).max(16_777_216).optional(),
  tags: z
    .array(words(255).min(1))
    .max(imageBounds.tags, `An image has at most ${imageBounds.tags} tags.`)
    .transform((tags) => [...new Set(tags)])
    .optional(),
})
const propertyKey = z
  .string()
  .min(1, 'Give it a key.')
  .max(255, 'A key has at most 255 characters.')
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'A key has no control characters.')
export const imagePropertyInput = z.object({ id: z.uuid(), key: propertyKey, value: words(65_535) })
export const imagePropertyRef = z.object({ id: z.uuid(), key: propertyKey })
export const imageMembersInput = z.object({ imageId: z.uuid() })
/** Whether there is such a project is not looked at; only that it could be an id. */
export const imageMemberInput = imageMembersInput.extend({ projectId: projectIdInput })
export const imageMemberStatusInput = imageMemberInput.extend({ status: z.enum(memberStatuses) })

export type ImageView = {
  id: string
  name: string
  description: string
  projectId: string
  visibility: ImageVisibility
  state: ImageState
  /** Null: not said yet; it must be before data comes. */
  diskFormat: DiskFormat | null
  containerFormat: 'bare' | null
  sizeBytes: number | null
  virtualBytes: number | null
  uploadedBytes: number
  minDiskGib: number
  minRamMib: number
  checksumMd5: string | null
  sha256: string | null
  sha512: string | null
  tags: string[]
  /** Free words of the owner, e.g. os_admin_user; also read at launch. */
  properties: Record<string, string>
  /** Left out of lists that do not ask for it. */
  hidden: boolean
  protected: boolean
  errorMessage: string | null
  createdAt: string
  updatedAt: string
  own: boolean
}

/** What the façade may say of an image beside the portal's form. */
export type ImageExtras = {
  properties: Record<string, string>
  tags: string[]
  hidden: boolean
  containerFormat: 'bare' | null
}
export type NewImage = Omit<z.output<typeof imageCreateInput>, 'diskFormat'> &
  Partial<ImageExtras> & {
    /** Chosen by the caller; otherwise ours. */
    id?: string
    /** Another project's, which only an administrator may say; otherwise the caller's. */
    projectId?: string
    diskFormat: DiskFormat | null
  }
/** What may change of an image; its data never does. */
export type ImageChange = Omit<z.output<typeof imageUpdateInput>, 'id'> &
  Partial<ImageExtras> & {
    diskFormat?: DiskFormat | null
    minDiskGib?: number
    minRamMib?: number
    /** Administrators only: the project that it is given to. */
    projectId?: string
  }

export type ImageMemberView = {
  imageId: string
  projectId: string
  status: MemberStatus
  createdAt: string
  updatedAt: string
}

export const blobTakeBackInput = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) })

/** Bytes that are unknown here, by the id under which they are listed. */
export const imageAdoptInput = z.object({
  strayId: z.uuid(),
  name: nameInput,
  diskFormat: z.enum(diskFormats),
})
