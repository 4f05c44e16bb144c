import { Anchor, Text } from '@mantine/core'
import type {
  GroupSnapshotView,
  GroupVolumeView,
  VolumeGroupView,
} from '@stratolith/api/volumes/groups/contract'
import { IconCamera, IconDatabase, IconStack2 } from '@tabler/icons-react'
import { Fragment } from 'react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor, RowsDescriptor } from '../../kit/descriptor.ts'
import { gib } from '../../kit/format.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { TwoLines } from '../../kit/TwoLines.tsx'
import { VolumeLink } from '../snapshots/snapshot.descriptor.tsx'
import { VolumeState } from '../VolumeState.tsx'
import { GroupState } from './GroupState.tsx'
import { groupName, instantText } from './words.ts'

const sizeOf = ({ volumes }: VolumeGroupView) => volumes.reduce((sum, { sizeGib }) => sum + sizeGib, 0)

export const groupDescriptor: ResourceDescriptor<VolumeGroupView> = {
  kind: 'volumeGroup',
  noun: 'Volume group',
  plural: 'Volume groups',
  name: groupName,
  path: ({ id }) => paths.volumeGroup(id),
  icon: <IconStack2 size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: ({ name }) => name,
      cell: (group) => (
        <NameCell href={paths.volumeGroup(group.id)} name={groupName(group)} detail={group.description} />
      ),
    },
    {
      id: 'state',
      header: 'State',
      width: 130,
      sort: true,
      value: ({ state }) => state,
      cell: (group) => <GroupState view={group} />,
    },
    {
      id: 'volumes',
      header: 'Volumes',
      width: 100,
      value: ({ volumes }) => volumes.length,
      cell: ({ volumes }) => volumes.length,
    },
    {
      id: 'size',
      header: 'Size',
      width: 90,
      hideBelow: 'sm',
      value: sizeOf,
      cell: (group) => <span style={{ whiteSpace: 'nowrap' }}>{gib(sizeOf(group))}</span>,
    },
    {
      id: 'created',
      header: 'Created',
      hideBelow: 'sm',
      sort: true,
      value: ({ createdAt }) => createdAt,
      cell: ({ createdAt }) => <Ago iso={createdAt} />,
    },
  ],
  facts: (group) => [
    { label: 'ID', value: group.id, copy: group.id },
    { label: 'Group type', value: group.type.name },
    { label: 'Volume types', value: group.volumeTypes.map(({ name }) => name).join(', ') || '–' },
    { label: 'Size', value: gib(sizeOf(group)) },
    { label: 'Created', value: <Ago iso={group.createdAt} /> },
    { label: 'Changed', value: <Ago iso={group.updatedAt} /> },
  ],
  empty: {
    title: 'No volume groups yet',
    text: 'A group has volumes that belong together, such as the data and the log of a database: a snapshot of the group keeps all of them together.',
  },
}

export const memberDescriptor: RowsDescriptor<GroupVolumeView> = {
  kind: 'volume',
  noun: 'Volume',
  plural: 'Volumes',
  name: groupName,
  icon: <IconDatabase size={28} />,
  columns: [
    { id: 'name', header: 'Name', cell: (volume) => <VolumeLink volume={volume} /> },
    {
      id: 'state',
      header: 'State',
      width: 130,
      cell: ({ state }) => <VolumeState volume={{ state, error: null }} />,
    },
    { id: 'type', header: 'Type', hideBelow: 'sm', cell: ({ type }) => type.name },
    { id: 'size', header: 'Size', width: 90, cell: ({ sizeGib }) => gib(sizeGib) },
  ],
}

/** A row has room for so many parts. */
const most = 6

/** Leads from a group snapshot to what it keeps of each volume. */
function Parts({ parts }: { parts: GroupSnapshotView['snapshots'] }) {
  if (parts.length === 0) return null
  return (
    <Text size="xs" c="dimmed">
      {'Of '}
      {parts.slice(0, most).map(({ id, volume }, index) => (
        <Fragment key={id}>
          {index > 0 && ', '}
          <Anchor
            component={Link}
            href={paths.volumeSnapshot(id)}
            size="xs"
            underline="always"
            prefetch={false}
          >
            {groupName(volume)}
          </Anchor>
        </Fragment>
      ))}
      {parts.length > most && ` and ${parts.length - most} more`}
    </Text>
  )
}

export const groupSnapshotDescriptor: ResourceDescriptor<GroupSnapshotView> = {
  kind: 'volumeGroupSnapshot',
  noun: 'Group snapshot',
  plural: 'Group snapshots',
  name: groupName,
  icon: <IconCamera size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: ({ name }) => name,
      // A group snapshot has no page, so its row leads to its parts, and says whole why it has failed.
      cell: (snapshot) => (
        <>
          <TwoLines second={snapshot.description}>{groupName(snapshot)}</TwoLines>
          <Parts parts={snapshot.snapshots} />
          {snapshot.error && (
            <Text size="xs" c="bad">
              {snapshot.error}
            </Text>
          )}
        </>
      ),
    },
    {
      id: 'state',
      header: 'State',
      width: 130,
      sort: true,
      value: ({ state }) => state,
      cell: (snapshot) => <GroupState view={snapshot} />,
    },
    {
      id: 'volumes',
      header: 'Volumes',
      width: 90,
      hideBelow: 'sm',
      value: ({ snapshots }) => snapshots.length,
      cell: ({ snapshots }) => snapshots.length,
    },
    { id: 'instant', header: 'Kept at', value: instantText, cell: instantText },
    {
      id: 'created',
      header: 'Taken',
      hideBelow: 'sm',
      sort: true,
      value: ({ createdAt }) => createdAt,
      cell: ({ createdAt }) => <Ago iso={createdAt} />,
    },
  ],
  empty: {
    title: 'No snapshots of this group yet',
    text: 'A snapshot of the group keeps what all of its volumes contain, as far as possible at one instant.',
  },
}
