'use client'
import type { PoolReach as Reach } from '@stratolith/api/volumes/contract'
import { IconServer } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { gib } from '../../kit/format.ts'
import { Photograph } from '../../kit/Photograph.tsx'
import { photoQuery } from '../../kit/photo-query.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useTRPC } from '../../kit/trpc.ts'

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
  const reach = useQuery({ ...trpc.volumes.pools.probe.queryOptions({ name }), ...photoQuery })
  return (
    <Photograph
      title="Machines"
      description="Each machine says whether it reaches the pool, and how much room it sees there."
      again="Ask again"
      query={reach}
    >
      {(rows) => (
        <RowsTable descriptor={descriptor} rows={rows.map((row) => ({ ...row, id: row.host.id }))} />
      )}
    </Photograph>
  )
}
