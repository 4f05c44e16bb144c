import { IconArchive, IconCamera, IconCategory, IconDatabase, IconDatabaseCog } from '@tabler/icons-react'
import { gib } from '../kit/format.ts'
import { creating, paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

export const volumesRoom: PortalRoom = {
  pages: [
    {
      group: 'Compute',
      label: 'Volumes',
      href: paths.volumes,
      help: 'volumes#what-a-volume-is',
      icon: IconDatabase,
      create: { label: 'Create volume', href: creating(paths.volumes), help: 'volumes#create-a-volume' },
    },
    {
      group: 'Compute',
      label: 'Volume snapshots',
      href: paths.volumeSnapshots,
      help: 'volumes#snapshots',
      icon: IconCamera,
    },
    {
      group: 'Compute',
      label: 'Volume backups',
      href: paths.volumeBackups,
      help: 'volumes#backups',
      icon: IconArchive,
    },
    {
      group: 'Resources',
      order: 3,
      label: 'All volumes',
      href: paths.adminVolumes,
      help: 'volumes#all-volumes',
      icon: IconDatabase,
    },
    {
      group: 'Storage',
      label: 'All volume snapshots',
      href: paths.adminVolumeSnapshots,
      help: 'volumes#snapshots',
      icon: IconCamera,
    },
    {
      group: 'Storage',
      label: 'All volume backups',
      href: paths.adminVolumeBackups,
      help: 'volumes#backups',
      icon: IconArchive,
    },
    {
      group: 'Storage',
      label: 'Volume types',
      href: paths.adminVolumeTypes,
      help: 'volumes#volume-types',
      icon: IconCategory,
      create: { label: 'Create volume type', href: creating(paths.adminVolumeTypes) },
    },
    {
      group: 'Storage',
      label: 'Volume pools',
      href: paths.adminVolumePools,
      help: 'volumes#volume-pools',
      icon: IconDatabaseCog,
      create: { label: 'Create volume pool', href: creating(paths.adminVolumePools) },
    },
  ],
  kinds: {
    volume: {
      words: 'volume',
      path: paths.volume,
      live: ['volumes', 'compute.instances.freeVolumes', 'hosts', 'quota', 'compute.instances.plan'],
      titles: {
        make_image: 'Make an image of a volume',
        reimage: 'Write an image onto a volume',
        restore: 'Restore a backup to a volume',
        schedule_backups: 'Back up a volume automatically',
        unschedule_backups: 'End the automatic backups of a volume',
        discard: 'Delete volume',
        delete: 'Delete volume for good',
        take_back: 'Take back volume',
        offer: 'Offer volume to another project',
        withdraw: 'Withdraw the offer of a volume',
        accept: 'Accept volume',
        hand_over: 'Hand over volume',
        delete_message: 'Delete a message about a volume',
      },
      ends: {
        ...{ create: 'is available', extend: 'has its new size', revert: 'is as in its snapshot' },
        ...{ make_image: 'has an image of its data', reimage: 'has what the image contains' },
        restore: 'has what the backup contains',
      },
    },
    volumeSnapshot: {
      words: 'volume snapshot',
      path: paths.volumeSnapshot,
      live: ['volumes.snapshots', 'hosts', 'quota'],
      titles: {
        discard: 'Delete volume snapshot',
        delete: 'Delete volume snapshot for good',
        take_back: 'Take back volume snapshot',
        delete_message: 'Delete a message about a volume snapshot',
      },
      ends: { create: 'is available' },
    },
    volumeBackup: {
      words: 'volume backup',
      path: paths.volumeBackup,
      live: ['volumes.backups', 'quota'],
      titles: {
        create: 'Back up a volume',
        discard: 'Delete volume backup',
        delete: 'Delete volume backup for good',
        take_back: 'Take back volume backup',
        export: 'Export the record of a volume backup',
        import: 'Import the record of a volume backup',
        delete_message: 'Delete a message about a volume backup',
      },
      ends: { create: 'is available', import: 'is available' },
    },
    volumeType: {
      words: 'volume type',
      path: paths.adminVolumeType,
      live: ['volumes.types', 'volumes.list', 'volumes.get', 'volumes.plan', 'quota'],
    },
    volumePool: {
      words: 'volume pool',
      live: ['volumes.pools', 'volumes.plan'],
    },
    volumeQos: { words: 'set of volume limits', live: ['volumes.types'] },
  },
  quota: {
    volumes: { label: 'Volumes', option: 'volumes' },
    volumeSnapshots: { label: 'Volume snapshots', option: 'snapshots' },
    volumeGib: { label: 'Volume storage', format: gib, unit: ' GiB', option: 'gigabytes' },
    volumeBackups: { label: 'Volume backups', option: 'backups' },
    volumeBackupGib: { label: 'Backup storage', format: gib, unit: ' GiB', option: 'backup-gigabytes' },
    volumeGibEach: {
      ...{ label: 'Size of each volume', format: gib, unit: ' GiB' },
      ...{ option: 'per-volume-gigabytes', each: true },
    },
  },
}
