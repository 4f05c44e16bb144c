import { Anchor, Text } from '@mantine/core'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { isRootVolume } from '@stratolith/api/volumes/states'
import { IconDatabase } from '@tabler/icons-react'
import { Fragment } from 'react'
import { Ago } from '../kit/Ago.tsx'
import type { ColumnDef, ResourceDescriptor } from '../kit/descriptor.ts'
import { gib } from '../kit/format.ts'
import { NameCell } from '../kit/NameCell.tsx'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { BackupSource, GroupLink, SnapshotSource, VolumeSource } from './Sources.tsx'
import { inOneLine, limitWords } from './types/limit-words.ts'
import { VolumeStateNow } from './VolumeState.tsx'

type Attached = VolumeView['attachments'][number]

type Named = Pick<VolumeView, 'name' | 'id'> & Partial<Pick<VolumeView, 'attachments' | 'image'>>
/** OpenStack's clients may leave a volume without a name: then the volume is called by what it is for, or by its image. */
export function volumeName({ name, id, attachments = [], image = null }: Named): string {
  if (name) return name
  const [instance] = attachments
  if (instance?.instanceName)
    return `${isRootVolume({ attachments }) ? 'Root disk' : 'Disk'} of ${instance.instanceName}`
  return image?.name ? `Disk made from ${image.name}` : id
}

/** Links to the instance that has the volume. */
export function InstanceLink({ attachment }: { attachment: Attached }) {
  return (
    <Anchor
      component={Link}
      href={paths.instance(attachment.instanceId, 'volumes')}
      size="sm"
      prefetch={false}
      style={{ overflowWrap: 'anywhere' }}
    >
      {attachment.instanceName ?? 'An instance that is gone'}
    </Anchor>
  )
}

export const volumeDescriptor: ResourceDescriptor<VolumeView> = {
  kind: 'volume',
  noun: 'Volume',
  plural: 'Volumes',
  name: volumeName,
  path: (volume) => paths.volume(volume.id),
  icon: <IconDatabase size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (volume) => volume.name,
      cell: (volume) => (
        <NameCell href={paths.volume(volume.id)} name={volumeName(volume)} detail={volume.description} />
      ),
    },
    {
      id: 'state',
      header: 'State',
      width: 140,
      sort: true,
      value: (volume) => volume.state,
      cell: (volume) => <VolumeStateNow volume={volume} />,
    },
    {
      id: 'size',
      header: 'Size',
      width: 100,
      sort: true,
      value: (volume) => volume.sizeGib,
      cell: (volume) => <span style={{ whiteSpace: 'nowrap' }}>{gib(volume.sizeGib)}</span>,
    },
    {
      id: 'attached',
      header: 'Attached to',
      value: (volume) => volume.attachments.map((one) => one.instanceName ?? one.instanceId).join(' '),
      cell: (volume) => <AttachedTo volume={volume} />,
    },
    {
      id: 'type',
      header: 'Type',
      hideBelow: 'md',
      value: (volume) => volume.type.name,
      cell: (volume) => volume.type.name,
    },
    {
      id: 'created',
      header: 'Created',
      hideBelow: 'sm',
      sort: true,
      value: (volume) => volume.createdAt,
      cell: (volume) => <Ago iso={volume.createdAt} />,
    },
  ],
  facts: (volume) => [
    { label: 'ID', value: volume.id, copy: volume.id },
    { label: 'Size', value: gib(volume.sizeGib) },
    { label: 'Type', value: volume.type.name },
    { label: 'Speed', value: inOneLine(limitWords(volume.limits)) },
    ...(volume.encrypted ? [{ label: 'Encrypted', value: 'Yes' }] : []),
    { label: 'Zone', value: volume.zone },
    ...(volume.pool === null ? [] : [{ label: 'Pool', value: volume.pool }]),
    ...(volume.groupId === null ? [] : [{ label: 'Group', value: <GroupLink id={volume.groupId} /> }]),
    { label: 'Made from', value: <Source volume={volume} /> },
    ...(volume.multiattach ? [{ label: 'For several instances', value: 'Yes' }] : []),
    { label: 'Bootable', value: volume.bootable ? 'Yes' : 'No' },
    ...(volume.readOnly ? [{ label: 'Read-only', value: 'Yes' }] : []),
    ...(volume.protected ? [{ label: 'Protected from deletion', value: 'Yes' }] : []),
    { label: 'Created', value: <Ago iso={volume.createdAt} /> },
    { label: 'Changed', value: <Ago iso={volume.updatedAt} /> },
  ],
  empty: {
    title: 'No volumes yet',
    text: 'A volume is a disk of its own: it is attached to an instance, also while that runs, and keeps its data when the instance is deleted.',
  },
}

const poolColumn: ColumnDef<VolumeView> = {
  id: 'pool',
  header: 'Pool',
  hideBelow: 'md',
  value: (volume) => volume.pool,
  cell: (volume) => volume.pool ?? '–',
}

/** The administrators' list of all volumes names the pool of each volume. */
export const allVolumesDescriptor: ResourceDescriptor<VolumeView> = {
  ...volumeDescriptor,
  columns: volumeDescriptor.columns.map((column) => (column.id === 'type' ? poolColumn : column)),
}

function AttachedTo({ volume }: { volume: VolumeView }) {
  const { attachments } = volume
  return attachments.length > 0 ? (
    attachments.map((attachment, index) => (
      <Fragment key={attachment.id}>
        {index > 0 && ', '}
        <InstanceLink attachment={attachment} />
      </Fragment>
    ))
  ) : (
    <Text size="sm" c="dimmed">
      Nothing
    </Text>
  )
}

function Source({ volume: { image, snapshotId, sourceVolumeId, backupId } }: { volume: VolumeView }) {
  if (backupId !== null) return <BackupSource id={backupId} />
  if (snapshotId !== null) return <SnapshotSource id={snapshotId} />
  if (sourceVolumeId !== null) return <VolumeSource id={sourceVolumeId} />
  if (image === null) return <>Nothing: it began empty</>
  return (
    <Anchor component={Link} href={paths.image(image.id)} size="sm" prefetch={false}>
      {image.name || image.id}
    </Anchor>
  )
}
