import { Text } from '@mantine/core'
import type { BackupView } from '@stratolith/api/volumes/backups/contract'
import { IconArchive } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { gib } from '../../kit/format.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { paths } from '../../kit/paths.ts'
import { BackupSource, SnapshotSource } from '../Sources.tsx'
import { VolumeLink } from '../snapshots/snapshot.descriptor.tsx'
import { conditionReason } from '../snapshots/words.ts'
import { BackupStateNow } from './BackupState.tsx'
import { backupName, kindText, madeAt, sourceName, storedText } from './words.ts'

/** Links to the volume of a backup, while that exists. */
function Source({ backup }: { backup: BackupView }) {
  const { id, name } = backup.volume
  if (name !== null) return <VolumeLink volume={{ id, name }} />
  return (
    <Text size="sm" c="dimmed" component="span">
      {sourceName(backup)}, which is deleted
    </Text>
  )
}

/** The time of what a backup contains, which nobody knows before the backup has its turn. */
function Made({ backup }: { backup: BackupView }) {
  const at = madeAt(backup)
  return at === null ? '–' : <Ago iso={at} />
}

export const backupDescriptor: ResourceDescriptor<BackupView> = {
  kind: 'volumeBackup',
  noun: 'Volume backup',
  plural: 'Volume backups',
  name: backupName,
  path: (backup) => paths.volumeBackup(backup.id),
  icon: <IconArchive size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (backup) => backup.name,
      cell: (backup) => (
        <NameCell
          href={paths.volumeBackup(backup.id)}
          name={backupName(backup)}
          detail={backup.description}
        />
      ),
    },
    {
      id: 'state',
      header: 'State',
      width: 130,
      sort: true,
      value: (backup) => backup.state,
      cell: (backup) => <BackupStateNow backup={backup} />,
    },
    {
      id: 'volume',
      header: 'Volume',
      value: sourceName,
      cell: (backup) => <Source backup={backup} />,
    },
    {
      id: 'kind',
      header: 'Kind',
      width: 110,
      hideBelow: 'md',
      value: kindText,
      cell: kindText,
    },
    {
      id: 'size',
      header: 'Stored',
      width: 150,
      hideBelow: 'sm',
      value: (backup) => backup.storedBytes,
      cell: (backup) => <span style={{ whiteSpace: 'nowrap' }}>{storedText(backup)}</span>,
    },
    {
      id: 'created',
      header: 'Made',
      hideBelow: 'sm',
      sort: true,
      value: madeAt,
      cell: (backup) => <Made backup={backup} />,
    },
  ],
  facts: (backup) => [
    { label: 'ID', value: backup.id, copy: backup.id },
    { label: 'Volume', value: <Source backup={backup} /> },
    ...(backup.snapshotId === null
      ? []
      : [{ label: 'Snapshot', value: <SnapshotSource id={backup.snapshotId} /> }]),
    { label: 'Kind', value: kindText(backup) },
    ...(backup.parentId === null
      ? []
      : [{ label: 'Changed since', value: <BackupSource id={backup.parentId} /> }]),
    { label: 'Size of the volume', value: gib(backup.sizeGib) },
    { label: 'Stored', value: storedText(backup) },
    { label: 'Condition', value: conditionReason(backup.quiesced) },
    ...(backup.encrypted ? [{ label: 'Encrypted', value: 'Yes' }] : []),
    { label: 'Bootable', value: backup.bootable ? 'Yes' : 'No' },
    { label: 'Zone', value: backup.zone },
    { label: 'Made by', value: backup.scheduleId === null ? 'A person' : 'The schedule of the volume' },
    { label: 'Made', value: <Made backup={backup} /> },
    { label: 'Asked for', value: <Ago iso={backup.createdAt} /> },
    { label: 'Changed', value: <Ago iso={backup.updatedAt} /> },
  ],
  empty: {
    title: 'No volume backups yet',
    text: 'A backup keeps what a volume contains in the store of backups: it outlives the volume, and is restored to a new or an existing one.',
  },
}
