import type { ImageMemberView, ImageView } from '../contract.ts'

/** Id of the only store, as `info/stores` names it. */
export const storeId = 'file'
/** Times of Glance have no fractions of a second. */
const instant = (iso: string) => iso.replace(/\.\d+Z$/, 'Z')

/** An image as Glance v2 shows it: custom properties first, at the top level. */
export function imageView(image: ImageView): Record<string, unknown> {
  const self = `/v2/images/${image.id}`
  return {
    ...image.properties,
    ...(image.description === '' ? {} : { description: image.description }),
    name: image.name === '' ? null : image.name,
    disk_format: image.diskFormat,
    container_format: image.containerFormat,
    visibility: image.visibility,
    size: image.sizeBytes,
    virtual_size: image.virtualBytes,
    status: image.state,
    checksum: image.checksumMd5,
    protected: image.protected,
    min_ram: image.minRamMib,
    min_disk: image.minDiskGib,
    owner: image.projectId,
    os_hidden: image.hidden,
    os_hash_algo: image.sha512 === null ? null : 'sha512',
    os_hash_value: image.sha512,
    id: image.id,
    created_at: instant(image.createdAt),
    updated_at: instant(image.updatedAt),
    tags: image.tags,
    self,
    file: `${self}/file`,
    schema: '/v2/schemas/image',
    ...(image.state === 'active' || image.state === 'deactivated' ? { stores: storeId } : {}),
  }
}

export const memberView = (member: ImageMemberView) => ({
  created_at: instant(member.createdAt),
  image_id: member.imageId,
  member_id: member.projectId,
  schema: '/v2/schemas/member',
  status: member.status,
  updated_at: instant(member.updatedAt),
})
