import { z } from 'zod'
import { imageVisibilities } from '../../images/contract.ts'
import { isAdmin } from '../../kernel/context.ts'
import { HttpError } from '../../openstack/errors.ts'
import { micros } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { boolean, objectAt, parse } from '../../openstack/schema.ts'
import { volumeImageInput } from '../images/contract.ts'
import { changeImageMetadata, getVolume, makeVolumeImage, reimageVolume, typeOfVolume } from '../service.ts'
import { typeView } from '../types/openstack/types.ts'
import { action } from './actions.ts'
import { volumeOf } from './at.ts'
import { maxItems, metadata } from './metadata.ts'
import { imageMetadataOf } from './views.ts'

type Upload = {
  image_name: string
  force?: boolean
  container_format?: string | null
  disk_format?: string | null
  visibility?: (typeof imageVisibilities)[number]
  protected?: boolean
}
const upload = (minor: number) =>
  objectAt(minor, {
    image_name: z.string().min(1, "'' is too short").max(255),
    force: boolean.optional(),
    container_format: z.string().max(255).nullish(),
    disk_format: z
      .enum(['raw', 'vmdk', 'vdi', 'qcow2', 'vhd', 'vhdx', 'ploop'], 'is no format of a disk')
      .nullish(),
    visibility: { schema: z.enum(imageVisibilities, 'is no visibility').optional(), since: 1 },
    protected: { schema: boolean.optional(), since: 1 },
  }) as z.ZodType<Upload>

/** Cinder's default format is raw, and so is ours at this door. */
async function makeImage(call: Call): Promise<object> {
  const wish = parse(upload(call.minor), call.body)
  const { image_name: name, container_format: container, disk_format: format } = wish
  if (container != null && container !== 'bare')
    throw new HttpError(
      400,
      `Invalid container format ${container.slice(0, 100)}: this cloud stores bare images.`,
    )
  if (format != null && format !== 'raw' && format !== 'qcow2')
    throw new HttpError(400, `Invalid disk format ${format}: this cloud makes raw and qcow2 images.`)
  const { visibility, protected: isProtected, force } = wish
  const wished = { ...volumeOf(call), name, visibility, protected: isProtected, force }
  const input = volumeImageInput.parse({ ...wished, diskFormat: format ?? 'raw' })
  // What may refuse the request is asked before anything is made.
  const type = await typeOfVolume(call.ctx, volumeOf(call))
  const { volume, image } = await makeVolumeImage(call.ctx, input)
  return {
    'os-volume_upload_image': {
      id: volume.id,
      updated_at: micros(volume.updatedAt),
      status: volume.state,
      display_description: volume.description || null,
      size: volume.sizeGib,
      volume_type: typeView(call, type),
      container_format: 'bare',
      disk_format: image.diskFormat,
      image_id: image.id,
      image_name: image.name,
      ...(call.minor >= 1 ? { visibility: image.visibility, protected: image.protected } : {}),
    },
  }
}

const reimage = z.strictObject({ image_id: z.uuid('is not a uuid'), reimage_reserved: boolean.optional() })

async function rewrite(call: Call): Promise<void> {
  const { image_id: imageId, reimage_reserved: isReserved } = parse(reimage, call.body)
  if (isReserved && !isAdmin(call.ctx))
    throw new HttpError(403, 'Nobody but an administrator may rewrite a volume that is reserved.')
  await reimageVolume(call.ctx, { ...volumeOf(call), imageId })
}

const many = z.strictObject({ metadata })
const one = z.strictObject({ key: z.string().min(1, "'' is too short").max(255, 'is too long') })

async function setImageMetadata(call: Call): Promise<object> {
  const { metadata: items } = parse(many, call.body)
  const changed = await changeImageMetadata(call.ctx, volumeOf(call).id, (before) => {
    const after = { ...before, ...items }
    if (Object.keys(after).length > maxItems)
      throw new HttpError(413, `Maximum number of metadata items exceeds ${maxItems}`)
    return after
  })
  return { metadata: imageMetadataOf(changed) }
}

async function unsetImageMetadata(call: Call): Promise<void> {
  const { key } = parse(one, call.body)
  await changeImageMetadata(call.ctx, volumeOf(call).id, (before) => {
    if (!Object.hasOwn(before, key)) throw new HttpError(404, 'Metadata item was not found.')
    return Object.fromEntries(Object.entries(before).filter(([name]) => name !== key))
  })
}

const showImageMetadata = async (call: Call): Promise<object> => ({
  metadata: imageMetadataOf(await getVolume(call.ctx, volumeOf(call))),
})

const written =
  'What is written holds for servers that boot from the volume and for images of it, before the properties of its image.'
const imageMetadataOperations: ApiOperation[] = [
  {
    ...action('os-set_image_metadata', {
      ...{ status: 200, deviation: written },
      summary: 'Write about the image of a volume',
      run: setImageMetadata,
    }),
    handle: setImageMetadata,
  },
  action('os-unset_image_metadata', {
    status: 200,
    summary: 'Remove what was written about the image of a volume',
    deviation: 'The id and the name of the image itself stay.',
    run: unsetImageMetadata,
  }),
  {
    ...action('os-show_image_metadata', {
      ...{ status: 200, access: 'read' },
      summary: 'Show the image of a volume, and what was written about it',
      run: showImageMetadata,
    }),
    handle: showImageMetadata,
  },
]

export const imageActionOperations: ApiOperation[] = [
  {
    ...action('os-volume_upload_image', {
      summary: 'Make an image of a volume, with force also in use',
      deviation: 'The formats are raw and qcow2. With force a volume that is in use is always copied.',
      run: makeImage,
    }),
    handle: makeImage,
  },
  action('os-reimage', {
    since: 68,
    summary: 'Give a volume what an image contains',
    deviation: 'Refused (400) while a server has the volume, or somebody has reserved it.',
    run: rewrite,
  }),
  ...imageMetadataOperations,
]
