'use client'
import { Alert, Text } from '@mantine/core'
import type { UnknownBackup } from '@stratolith/api/volumes/backups/contract'
import { IconAlertTriangle, IconArchive, IconDatabaseImport, IconTrash } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ProjectName } from '../../directory/projects/ProjectName.tsx'
import { DateTime } from '../../kit/DateTime.tsx'
import type { ResourceAction, RowsDescriptor } from '../../kit/descriptor.ts'
import { bytes } from '../../kit/format.ts'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { Photograph } from '../../kit/Photograph.tsx'
import { photoQuery } from '../../kit/photo-query.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { all, useAdminOnly } from '../../kit/rights.ts'
import { TwoLines } from '../../kit/TwoLines.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { unknownText } from './words.ts'

const StoredImportForm = lazyPanel(() =>
  import('./StoredImportForm.tsx').then((module) => module.StoredImportForm),
)

const title = 'Backups that the cloud does not know'
const nameOf = ({ name, volumeName, id }: UnknownBackup): string =>
  name || (volumeName ? `Backup of ${volumeName}` : id)

const descriptor: RowsDescriptor<UnknownBackup> = {
  kind: 'volumeBackup',
  noun: 'Backup',
  plural: 'Backups',
  name: nameOf,
  icon: <IconArchive size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Backup',
      cell: (one) => (
        <TwoLines second={nameOf(one) === one.id ? null : one.id}>
          <span style={{ overflowWrap: 'anywhere' }}>{nameOf(one)}</span>
        </TwoLines>
      ),
    },
    { id: 'project', header: 'Project', width: 140, cell: ({ projectId }) => <ProjectName id={projectId} /> },
    { id: 'host', header: 'Machine', hideBelow: 'md', cell: ({ host }) => host.name },
    {
      id: 'stored',
      header: 'Stored',
      hideBelow: 'sm',
      cell: ({ storedBytes }) => (storedBytes === null ? '–' : bytes(storedBytes)),
    },
    {
      id: 'at',
      header: 'Made',
      hideBelow: 'md',
      cell: ({ dataTimestamp }) => (dataTimestamp === null ? '–' : <DateTime iso={dataTimestamp} />),
    },
    {
      id: 'problem',
      header: 'Can be imported',
      prose: true,
      hideBelow: 'sm',
      cell: ({ problem }) => problem ?? 'Yes',
    },
  ],
}

/** What lies in the stores of backups and has no row, such as after a restored backup of the database. */
export function UnknownBackups() {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const [chosen, setChosen] = useState<UnknownBackup | null>(null)
  /** What was imported, or is being removed, since the stores were asked. */
  const [settled, setSettled] = useState<ReadonlySet<string>>(new Set())
  const query = useQuery({
    ...trpc.volumes.backups.unknown.queryOptions(),
    ...photoQuery,
    enabled: false,
  })
  const remove = useMutation(trpc.volumes.backups.removeStored.mutationOptions())
  const settle = (id: string) => setSettled((before) => new Set([...before, id]))
  const actions: ResourceAction<UnknownBackup>[] = [
    {
      id: 'import',
      label: 'Import',
      icon: <IconDatabaseImport size={16} />,
      allowed: ({ problem }) => all(admin(), problem ?? true),
      open: setChosen,
    },
    {
      id: 'delete',
      label: 'Remove from the store',
      icon: <IconTrash size={16} />,
      danger: true,
      allowed: admin,
      confirm: ([one]) => ({
        title: `Remove “${one && nameOf(one)}” from the store?`,
        body: (
          <Text size="sm">
            Its data are removed for good. When another cloud keeps its backups in the same folder, the backup
            may be one of that cloud.
          </Text>
        ),
        confirmLabel: 'Remove',
      }),
      run: async ({ id, volumeId, host }) => {
        await remove.mutateAsync({ id, volumeId, hostId: host.id })
        settle(id)
      },
      started: ([one]) => `Removing “${one && nameOf(one)}” from its store`,
    },
  ]
  return (
    <>
      <Photograph
        title={title}
        description="They lie in a store and are left alone: the database was restored from a backup that is older than they are, or their rows were lost."
        first="Look in the stores"
        query={query}
      >
        {({ total, items, silent }) => (
          <>
            {silent.map(({ host, problem }) => (
              <Alert key={host.id} color="warn" icon={<IconAlertTriangle />} mb="sm">
                {`${host.name} does not tell what its store has. ${problem}`}
              </Alert>
            ))}
            {total > 0 && (
              <Text size="sm" mb="sm">
                {unknownText({ total, items })}
              </Text>
            )}
            <RowsTable
              descriptor={descriptor}
              label={title}
              rows={items.filter(({ id }) => !settled.has(id))}
              actions={actions}
              empty={
                <Text size="sm" c="dimmed">
                  None.
                </Text>
              }
            />
          </>
        )}
      </Photograph>
      {chosen && (
        <StoredImportForm
          key={chosen.id}
          backup={chosen}
          opened
          onClose={() => setChosen(null)}
          onDone={() => settle(chosen.id)}
        />
      )}
    </>
  )
}
