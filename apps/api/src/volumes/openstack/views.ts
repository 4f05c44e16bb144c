import { type At, type Field, links, micros, shape } from '../../openstack/fields.ts'
import type { VolumeAttachmentView, VolumeView } from '../contract.ts'

/** A volume that was never changed has no time of a change. */
type Shown = Omit<VolumeView, 'updatedAt'> & { updatedAt: string | null }

const forAdmins = ({ of, ...field }: Field<Shown>): Field<Shown> => ({
  ...field,
  of: (volume, at) => (at.admin ? of(volume, at) : undefined),
})

/** A volume that a server has stays in use while it moves, as in Cinder; migration_status says that it moves. */
function statusOf({ state, attachments }: Shown): string {
  return state === 'maintenance' && attachments.length > 0 ? 'in-use' : state
}

const fields: Field<Shown>[] = [
  { name: 'id', of: (volume) => volume.id },
  { name: 'status', of: statusOf },
  { name: 'size', of: (volume) => volume.sizeGib },
  { name: 'availability_zone', of: (volume) => volume.zone },
  { name: 'created_at', of: (volume) => micros(volume.createdAt) },
  { name: 'updated_at', of: (volume) => micros(volume.updatedAt) },
  { name: 'name', of: (volume) => volume.name || null },
  { name: 'description', of: (volume) => volume.description || null },
  { name: 'volume_type', of: (volume) => volume.type.name },
  { name: 'snapshot_id', of: (volume) => volume.snapshotId },
  { name: 'source_volid', of: (volume) => volume.sourceVolumeId },
  { name: 'metadata', of: metadataOf },
  { name: 'links', of: (volume, at) => links(at, `volumes/${volume.id}`) },
  { name: 'user_id', of: (volume) => volume.userId },
  { name: 'bootable', of: (volume) => String(volume.bootable) },
  { name: 'encrypted', of: (volume) => volume.encrypted },
  { name: 'replication_status', of: () => null },
  { name: 'consistencygroup_id', of: () => null },
  { name: 'multiattach', of: (volume) => volume.multiattach },
  { name: 'attachments', of: (volume, at) => attachmentsOf(volume, at) },
  forAdmins({ name: 'migration_status', of: ({ migration }) => migration }),
  { name: 'group_id', since: 13, of: (volume) => volume.groupId },
  forAdmins({ name: 'provider_id', since: 21, of: () => null }),
  { name: 'service_uuid', since: 48, of: () => null },
  // No two volumes share a connection, so that nobody needs to take turns.
  { name: 'shared_targets', since: 48, of: () => false },
  forAdmins({ name: 'cluster_name', since: 61, of: () => null }),
  { name: 'volume_type_id', since: 63, of: (volume) => volume.type.id },
  { name: 'encryption_key_id', since: 64, of: ({ keyId }) => keyId ?? undefined },
  { name: 'consumes_quota', since: 65, of: () => true },
]

/** What Cinder adds where it shows volumes and not where it makes or changes them. */
const extensions: Field<Shown>[] = [
  { name: 'os-vol-tenant-attr:tenant_id', of: (volume) => volume.projectId },
  forAdmins({ name: 'os-vol-mig-status-attr:migstat', of: ({ migration }) => migration }),
  forAdmins({ name: 'os-vol-mig-status-attr:name_id', of: () => null }),
  forAdmins({ name: 'os-vol-host-attr:host', of: ({ pool }) => pool && `${pool}#${pool.split('@').at(-1)}` }),
  {
    name: 'volume_image_metadata',
    of: (volume) =>
      volume.image === null && isEmpty(volume.imageMetadata) ? undefined : imageMetadataOf(volume),
  },
]
const shownFields = [...fields, ...extensions]
const summaryFields = fields.filter(({ name }) => ['id', 'name', 'links'].includes(name))

const isEmpty = (items: object) => Object.keys(items).length === 0
/** The image of which a volume was made, and what users have written about it. */
export const imageMetadataOf = ({ image, imageMetadata }: Pick<VolumeView, 'image' | 'imageMetadata'>) => ({
  ...(image === null ? {} : { image_id: image.id, image_name: image.name }),
  ...imageMetadata,
})

/** Cinder writes among the entries of the owner that guests may only read the volume. */
function metadataOf({ metadata, readOnly }: Shown): Record<string, string> {
  return readOnly ? { ...metadata, readonly: 'True' } : metadata
}

const attachmentsOf = (volume: Shown, { admin }: At) =>
  volume.attachments
    .filter(({ state }) => state !== 'attaching')
    .map((one: VolumeAttachmentView) => ({
      id: volume.id,
      attachment_id: one.id,
      volume_id: volume.id,
      server_id: one.instanceId,
      host_name: admin ? one.host : null,
      device: one.device,
      attached_at: micros(one.attachedAt),
    }))

/** A volume in a list without details. */
export const summaryOf = (volume: VolumeView, at: At) => shape(summaryFields, volume, at)
/** A volume that is shown. */
export const detailOf = (volume: VolumeView, at: At) => shape(shownFields, volume, at)
/** A volume in the answer of the request that has changed it. */
export const changedOf = (volume: VolumeView, at: At) => shape(fields, volume, at)
/** A volume in the answer of the request that has made it. */
export const madeOf = (volume: VolumeView, at: At) => shape(fields, { ...volume, updatedAt: null }, at)
