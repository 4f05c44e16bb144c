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
  /** Show only images that other projects share with this project and that this project has not answered yet. */
  offered: z.boolean().default(false),
  /**
   * True: only hidden images; false: only images that are not hidden; absent: both, but only the project's own hidden
   * images.
   */
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
/** Limits of the properties and tags that an owner may put on an image. */
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
/** Checks only that the value could be the id of a project, not that the project exists. */
export const imageMemberInput = imageMembersInput.extend({ projectId: projectIdInput })
export const imageMemberStatusInput = imageMemberInput.extend({ status: z.enum(memberStatuses) })

export type ImageView = {
  id: string
  name: string
  description: string
  projectId: string
  visibility: ImageVisibility
  state: ImageState
  /** Null: nobody has named the format yet. The format must be known before data is uploaded. */
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
  /** Properties that the owner chooses, for example os_admin_user, which a launch reads. */
  properties: Record<string, string>
  /** A hidden image is left out of lists that do not ask for hidden images. */
  hidden: boolean
  protected: boolean
  errorMessage: string | null
  createdAt: string
  updatedAt: string
  own: boolean
}

/** Fields of an image that the façade can set and the portal's form does not have. */
export type ImageExtras = {
  properties: Record<string, string>
  tags: string[]
  hidden: boolean
  containerFormat: 'bare' | null
}
export type NewImage = Omit<z.output<typeof imageCreateInput>, 'diskFormat'> &
  Partial<ImageExtras> & {
    /** The id that the caller has chosen; when absent, the cloud chooses the id. */
    id?: string
    /** The project that owns the image, which only an administrator may set; when absent, the caller's project. */
    projectId?: string
    diskFormat: DiskFormat | null
  }
/** The fields of an image that may change. The data of an image never changes. */
export type ImageChange = Omit<z.output<typeof imageUpdateInput>, 'id'> &
  Partial<ImageExtras> & {
    diskFormat?: DiskFormat | null
    minDiskGib?: number
    minRamMib?: number
    /** The project that the image is given to; only an administrator may set this. */
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

/** Names bytes that belong to no image by the id of the stray under which they are listed. */
export const imageAdoptInput = z.object({
  strayId: z.uuid(),
  name: nameInput,
  diskFormat: z.enum(diskFormats),
})
