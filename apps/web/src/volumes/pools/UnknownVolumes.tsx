'use client'
import { Text } from '@mantine/core'
import type { Manageable } from '@stratolith/api/volumes/manage/contract'
import { IconDatabase, IconDatabaseImport } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { ResourceAction, RowsDescriptor } from '../../kit/descriptor.ts'
import { gib } from '../../kit/format.ts'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { Photograph } from '../../kit/Photograph.tsx'
import { photoQuery } from '../../kit/photo-query.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { all, useAdminOnly } from '../../kit/rights.ts'
import { useTRPC } from '../../kit/trpc.ts'

const TakeOverForm = lazyPanel(() => import('./TakeOverForm.tsx').then((module) => module.TakeOverForm))

const unknown: RowsDescriptor<Manageable> = {
  kind: 'volume',
  noun: 'Volume',
  plural: 'Volumes',
  name: ({ id }) => id,
  icon: <IconDatabase size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name in the pool',
      // A phone is too narrow for a whole ID in one line.
      cell: ({ id }) => <span style={{ overflowWrap: 'anywhere' }}>{id}</span>,
    },
    { id: 'size', header: 'Size', width: 90, cell: ({ sizeGib }) => gib(sizeGib) },
    { id: 'problem', header: 'Can be taken over', hideBelow: 'sm', cell: ({ problem }) => problem ?? 'Yes' },
  ],
}

/** What lies in the pool and has no row, such as after a restored backup of the database. */
export function UnknownVolumes({ pool }: { pool: string }) {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const [taken, setTaken] = useState<Manageable | null>(null)
  const query = useQuery({ ...trpc.volumes.manage.list.queryOptions({ pool }), ...photoQuery })
  const actions: ResourceAction<Manageable>[] = [
    {
      id: 'take',
      label: 'Take over',
      icon: <IconDatabaseImport size={16} />,
      allowed: ({ problem }) => all(admin(), problem ?? true),
      open: setTaken,
    },
  ]
  return (
    <>
      <Photograph
        title="Volumes that the cloud does not know"
        description="They lie in the pool and are left alone: an administrator has left them there, or the database was restored from a backup that is older than they are."
        query={query}
      >
        {(found) => (
          <RowsTable
            descriptor={unknown}
            label="Volumes that the cloud does not know"
            rows={found.filter(({ isKnown }) => !isKnown)}
            actions={actions}
            empty={
              <Text size="sm" c="dimmed">
                None.
              </Text>
            }
          />
        )}
      </Photograph>
      {taken && (
        <TakeOverForm key={taken.id} pool={pool} volume={taken} opened onClose={() => setTaken(null)} />
      )}
    </>
  )
}
