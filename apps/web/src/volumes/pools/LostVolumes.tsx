'use client'
import { Text } from '@mantine/core'
import type { Lost } from '@stratolith/api/volumes/manage/contract'
import { IconDatabaseOff } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { RowsDescriptor } from '../../kit/descriptor.ts'
import { gib } from '../../kit/format.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { Section } from '../../ui/Section.tsx'

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
      cell: ({ name, id }) => <span style={{ overflowWrap: 'anywhere' }}>{name || id}</span>,
    },
    { id: 'kind', header: 'Kind', cell: ({ kind }) => (kind === 'volume' ? 'Volume' : 'Snapshot') },
    { id: 'size', header: 'Size', width: 90, cell: ({ sizeGib }) => gib(sizeGib) },
    { id: 'project', header: 'Project', hideBelow: 'sm', cell: ({ projectId }) => projectId },
  ],
}

/** What the cloud takes for there although the pool does not have it; nothing is shown of a pool that has everything. */
export function LostVolumes({ pool }: { pool: string }) {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.volumes.manage.lost.queryOptions({ pool }))
  if (!data || data.total === 0) return null
  return (
    <Section
      title="Volumes that the pool does not have"
      description="The cloud takes them for there, but their data are missing: the pool has lost them, or the database was restored from a backup of a time before they were deleted. Delete them, or restore backups to them."
    >
      <RowsTable descriptor={descriptor} label="Volumes that the pool does not have" rows={data.items} />
      {data.total > data.items.length && (
        <Text size="sm" c="dimmed">
          {`These are the first ${data.items.length} of ${data.total.toLocaleString('en')}.`}
        </Text>
      )}
    </Section>
  )
}
