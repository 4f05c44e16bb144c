'use client'
import { Button } from '@mantine/core'
import type { PoolReach as Reach } from '@stratolith/api/volumes/contract'
import { IconRefresh, IconServer } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { gib } from '../../kit/format.ts'
import { Loaded } from '../../kit/Loaded.tsx'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { Section } from '../../ui/Section.tsx'

type Row = Reach & { id: string }
const roomOf = ({ freeGib, totalGib }: Row): string =>
  freeGib === null || totalGib === null ? '–' : `${gib(freeGib)} of ${gib(totalGib)}`

const descriptor: ResourceDescriptor<Row> = {
  kind: 'volumePool',
  noun: 'Machine',
  plural: 'Machines of this pool',
  name: ({ host }) => host.name,
  icon: <IconServer size={28} />,
  columns: [
    { id: 'name', header: 'Name', cell: ({ host }) => host.name },
    {
      id: 'reach',
      header: 'Reaches the pool',
      prose: true,
      cell: ({ problem }) => (problem === null ? 'Yes' : `No. ${problem}`),
    },
    { id: 'free', header: 'Free now', hideBelow: 'sm', cell: roomOf },
  ],
  empty: { title: 'No machine', text: 'No machine is to reach this pool.' },
}

/** Which machines reach a pool: each is asked when the page opens, and again when somebody asks. */
export function PoolReach({ name }: { name: string }) {
  const trpc = useTRPC()
  const reach = useQuery({ ...trpc.volumes.pools.probe.queryOptions({ name }), staleTime: 60_000 })
  return (
    <Section
      title="Machines"
      description="Each machine says whether it reaches the pool, and how much room it sees there."
      action={
        <Button
          size="xs"
          variant="default"
          leftSection={<IconRefresh size={14} />}
          loading={reach.isFetching}
          onClick={() => void reach.refetch()}
        >
          Ask again
        </Button>
      }
    >
      <Loaded query={reach}>
        {(rows) => (
          <RowsTable descriptor={descriptor} rows={rows.map((row) => ({ ...row, id: row.host.id }))} />
        )}
      </Loaded>
    </Section>
  )
}
