'use client'
import { Text } from '@mantine/core'
import type { Manageable } from '@stratolith/api/volumes/manage/contract'
import { IconDatabase, IconDatabaseImport } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ResourceAction, RowsDescriptor } from '../../kit/descriptor.ts'
import { gib } from '../../kit/format.ts'
import { Loaded } from '../../kit/Loaded.tsx'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { all, useAdminOnly } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { Section } from '../../ui/Section.tsx'

const unknown: RowsDescriptor<Manageable> = {
  kind: 'volume',
  noun: 'Volume',
  plural: 'Volumes',
  name: ({ id }) => id,
  icon: <IconDatabase size={28} />,
  columns: [
    { id: 'name', header: 'Name in the pool', cell: ({ id }) => id },
    { id: 'size', header: 'Size', width: 90, cell: ({ sizeGib }) => gib(sizeGib) },
    { id: 'problem', header: 'Why it stays there', hideBelow: 'sm', cell: ({ problem }) => problem ?? '–' },
  ],
}

/** What lies in the pool and has no row, such as after a restored backup of the database. */
export function UnknownVolumes({ pool }: { pool: string }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const admin = useAdminOnly()
  const here = useSession().project
  const query = useQuery(trpc.volumes.manage.list.queryOptions({ pool }))
  const take = useMutation(trpc.volumes.manage.take.mutationOptions())
  const actions: ResourceAction<Manageable>[] = [
    {
      id: 'take',
      label: 'Take over',
      icon: <IconDatabaseImport size={16} />,
      allowed: ({ problem }) =>
        all(admin(), here !== null || 'Choose a project first: the volume comes to it.', problem ?? true),
      confirm: ([volume]) => ({
        title: `Take ${volume?.id ?? 'the volume'} over?`,
        body: (
          <Text size="sm">
            It becomes a volume of the project {here?.name}, with the data that it has, and counts in its
            quota. Nobody knows with which other volumes it shares data: give it only to the project that had
            it.
          </Text>
        ),
        confirmLabel: 'Take over',
      }),
      run: async ({ id }) => {
        await take.mutateAsync({ pool, ref: id })
        invalidateKind(client, 'volume')
      },
      started: ([volume]) => `Took over ${volume?.id ?? 'the volume'}`,
      asCli: ({ id }) => shellLine('cinder', 'manage', `${pool}#${pool.split('@')[1] ?? ''}`, id),
    },
  ]
  return (
    <Section
      title="Volumes that the cloud does not know"
      description="They lie in the pool and are left alone: an administrator has left them there, or the database was restored from a backup that is older than they are."
    >
      <Loaded query={query}>
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
      </Loaded>
    </Section>
  )
}
