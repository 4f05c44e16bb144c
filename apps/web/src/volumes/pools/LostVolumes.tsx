'use client'
import { Text } from '@mantine/core'
import type { Lost } from '@stratolith/api/volumes/manage/contract'
import { IconDatabaseOff } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { RowsDescriptor } from '../../kit/descriptor.ts'
import { gib } from '../../kit/format.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { Photograph } from '../../kit/Photograph.tsx'
import { paths } from '../../kit/paths.ts'
import { photoQuery } from '../../kit/photo-query.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { projectColumn } from '../../networking/everyones.tsx'

const pathOf = ({ kind, id }: Lost): string =>
  kind === 'volume' ? paths.volume(id) : paths.volumeSnapshot(id)

const descriptor: RowsDescriptor<Lost> = {
  kind: 'volume',
  noun: 'Volume or snapshot',
  plural: 'Volumes and snapshots',
  name: ({ name, id }) => name || id,
  icon: <IconDatabaseOff size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      cell: (lost) => (
        <NameCell href={pathOf(lost)} name={lost.name || lost.id} detail={lost.name ? lost.id : null} />
      ),
    },
    projectColumn,
    {
      id: 'kind',
      header: 'Kind',
      hideBelow: 'sm',
      cell: ({ kind }) => (kind === 'volume' ? 'Volume' : 'Snapshot'),
    },
    { id: 'size', header: 'Size', width: 90, cell: ({ sizeGib }) => gib(sizeGib) },
  ],
}

/** What the cloud takes for there although the pool does not have it. A machine lists the whole pool for the answer. */
export function LostVolumes({ pool }: { pool: string }) {
  const trpc = useTRPC()
  const lost = useQuery({
    ...trpc.volumes.manage.lost.queryOptions({ pool }),
    ...photoQuery,
    enabled: false,
  })
  return (
    <Photograph
      title="Volumes that the pool does not have"
      description="What the cloud takes for there although its data are missing: the pool has lost them, or the database was restored from a backup of a time before they were deleted. Delete them, or restore backups to them."
      first="Compare with the pool"
      query={lost}
    >
      {({ items, total }) => (
        <>
          <RowsTable
            descriptor={descriptor}
            label="Volumes that the pool does not have"
            rows={items}
            empty={
              <Text size="sm" c="dimmed">
                None: the pool has everything that the cloud takes for there.
              </Text>
            }
          />
          {total > items.length && (
            <Text size="sm" c="dimmed">
              {`These are the first ${items.length} of ${total.toLocaleString('en')}.`}
            </Text>
          )}
        </>
      )}
    </Photograph>
  )
}
