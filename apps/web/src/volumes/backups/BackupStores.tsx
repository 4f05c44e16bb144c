'use client'
import { Text } from '@mantine/core'
import type { StoreView } from '@stratolith/api/volumes/backups/contract'
import { IconArchive } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { RowsDescriptor } from '../../kit/descriptor.ts'
import { bytes } from '../../kit/format.ts'
import { Loaded } from '../../kit/Loaded.tsx'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { Bar } from '../../ui/Bar.tsx'
import { Section } from '../../ui/Section.tsx'

const usableText = ({ problem, sharesDisk }: StoreView): string =>
  problem ??
  (sharesDisk
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
  const stores = useQuery({ ...trpc.volumes.backups.stores.queryOptions(), staleTime: 60_000 })
  return (
    <Section
      title="Stores of backups"
      description="The folder in which each machine keeps backups of volumes, with all that lies on the same disk."
    >
      <Loaded query={stores}>
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
      </Loaded>
    </Section>
  )
}
