import { Anchor } from '@mantine/core'
import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { IconCamera } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { gib } from '../../kit/format.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { SnapshotState } from './SnapshotState.tsx'
import { conditionReason, conditionText, snapshotName } from './words.ts'

export function VolumeLink({ volume }: { volume: { id: string; name: string } }) {
  return (
    <Anchor
      component={Link}
      href={paths.volume(volume.id)}
      size="sm"
      prefetch={false}
      style={{ overflowWrap: 'anywhere' }}
    >
      {volume.name || volume.id}
    </Anchor>
  )
}

export const snapshotDescriptor: ResourceDescriptor<SnapshotView> = {
  kind: 'volumeSnapshot',
  noun: 'Volume snapshot',
  plural: 'Volume snapshots',
  name: snapshotName,
  path: (snapshot) => paths.volumeSnapshot(snapshot.id),
  icon: <IconCamera size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (snapshot) => snapshot.name,
      cell: (snapshot) => (
        <NameCell
          href={paths.volumeSnapshot(snapshot.id)}
          name={snapshotName(snapshot)}
          detail={snapshot.description}
        />
      ),
    },
    {
      id: 'state',
      header: 'State',
      width: 130,
      sort: true,
      value: (snapshot) => snapshot.state,
      cell: (snapshot) => <SnapshotState snapshot={snapshot} />,
    },
    {
      id: 'volume',
      header: 'Volume',
      value: (snapshot) => snapshot.volume.name || snapshot.volume.id,
      cell: (snapshot) => <VolumeLink volume={snapshot.volume} />,
    },
    {
      id: 'size',
      header: 'Size',
      width: 90,
      hideBelow: 'sm',
      sort: true,
      value: (snapshot) => snapshot.sizeGib,
      cell: (snapshot) => <span style={{ whiteSpace: 'nowrap' }}>{gib(snapshot.sizeGib)}</span>,
    },
    {
      id: 'condition',
      header: 'Condition',
      hideBelow: 'md',
      value: (snapshot) => conditionText(snapshot.quiesced),
      cell: (snapshot) => conditionText(snapshot.quiesced),
    },
    {
      id: 'created',
      header: 'Taken',
      hideBelow: 'sm',
      sort: true,
      value: (snapshot) => snapshot.createdAt,
      cell: (snapshot) => <Ago iso={snapshot.createdAt} />,
    },
  ],
  facts: (snapshot) => [
    { label: 'ID', value: snapshot.id, copy: snapshot.id },
    { label: 'Volume', value: <VolumeLink volume={snapshot.volume} /> },
    { label: 'Size', value: gib(snapshot.sizeGib) },
    { label: 'Condition', value: conditionReason(snapshot.quiesced) },
    { label: 'Bootable', value: snapshot.bootable ? 'Yes' : 'No' },
    { label: 'Taken', value: <Ago iso={snapshot.createdAt} /> },
    { label: 'Changed', value: <Ago iso={snapshot.updatedAt} /> },
  ],
  empty: {
    title: 'No volume snapshots yet',
    text: 'A snapshot keeps what a volume contains at one moment: the volume can go back to it, and new volumes are made of it.',
  },
}
