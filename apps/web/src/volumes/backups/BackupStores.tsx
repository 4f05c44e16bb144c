'use client'
import { Text } from '@mantine/core'
import type { StoreView } from '@stratolith/api/volumes/backups/contract'
import { IconArchive } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { RowsDescriptor } from '../../kit/descriptor.ts'
import { bytes } from '../../kit/format.ts'
import { Photograph } from '../../kit/Photograph.tsx'
import { photoQuery } from '../../kit/photo-query.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { Bar } from '../../ui/Bar.tsx'

const copied =
  'Yes, and it is a copy of the folder of another machine, with its mark: what lies there from before is not known to be there. Begin a store of its own: the manual of operations says how (“Backups of volumes”).'

const usableText = ({ problem, sharesDisk, isCopied }: StoreView): string =>
  problem ??
  (isCopied
    ? copied
    : sharesDisk
      ? 'Yes, but it lies on the disk of the cloud’s data folder, with which it is lost. The manual of operations says how to name a folder on another disk (“Backups of volumes”).'
      : 'Yes')

const descriptor: RowsDescriptor<StoreView> = {
  kind: 'volumeBackup',
  noun: 'Store of backups',
  plural: 'Stores of backups',
  name: ({ host }) => host.name,
  icon: <IconArchive size={28} />,
  columns: [
    { id: 'name', header: 'Machine', cell: ({ host }) => host.name },
    {
      id: 'room',
      header: 'Room',
      width: 170,
      cell: ({ totalBytes, freeBytes }) =>
        totalBytes === null || freeBytes === null ? (
          '–'
        ) : (
          <div style={{ minWidth: 130 }}>
            <Bar used={totalBytes - freeBytes} limit={totalBytes} label="Room" format={bytes} bare />
          </div>
        ),
    },
    { id: 'backups', header: 'Backups', cell: ({ backups }) => backups.toLocaleString('en') },
    { id: 'shared', header: 'Shared with', cell: ({ sharedWith }) => sharedWith.join(', ') || '–' },
    { id: 'problem', header: 'Can be used', prose: true, cell: usableText },
  ],
}

/** How full the stores of backups are: each machine is asked when the page opens. */
export function BackupStores() {
  const trpc = useTRPC()
  const stores = useQuery({ ...trpc.volumes.backups.stores.queryOptions(), ...photoQuery })
  return (
    <Photograph
      title="Stores of backups"
      description="The folder in which each machine keeps backups of volumes, with all that lies on the same disk."
      again="Ask again"
      query={stores}
    >
      {(rows) => (
        <RowsTable
          descriptor={descriptor}
          rows={rows}
          empty={
            <Text size="sm" c="dimmed">
              No machine yet.
            </Text>
          }
        />
      )}
    </Photograph>
  )
}
