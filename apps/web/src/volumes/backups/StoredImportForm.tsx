'use client'
import { Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { UnknownBackup } from '@stratolith/api/volumes/backups/contract'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ProjectPick } from '../../directory/pickers.tsx'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { backupName } from './words.ts'

type Props = { backup: UnknownBackup; opened: boolean; onClose: () => void; onDone: () => void }

/** Makes a backup known again that lies in a store. */
export function StoredImportForm({ backup, opened, onClose, onDone }: Props) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const importing = useMutation(trpc.volumes.backups.importStored.mutationOptions())
  const owner = useQuery({
    ...trpc.directory.projects.get.queryOptions({ id: backup.projectId ?? '' }),
    enabled: backup.projectId !== null,
    retry: false,
  })
  const form = useForm<{ projectId: string | null }>({
    initialValues: { projectId: backup.projectId },
    validate: { projectId: (id) => (id ? null : 'Choose the project that gets the backup.') },
  })
  return (
    <SidePanelForm
      title="Import a backup"
      needs="admin"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Import"
      onSubmit={async ({ projectId }) => {
        const { id, volumeId, host } = backup
        const made = await importing.mutateAsync({
          ...{ id, volumeId, hostId: host.id },
          projectId: projectId ?? undefined,
        })
        invalidateKind(client, 'volumeBackup')
        notify.started(`Importing ${backupName(made)}`, [made.id])
        onDone()
      }}
    >
      <Text size="sm">
        The backup becomes one of this project and counts in its quota. Its record names the project that had
        it: another one could read everything that the volume contained.
      </Text>
      <ProjectPick required chosen={owner.data ?? null} {...form.getInputProps('projectId')} />
    </SidePanelForm>
  )
}
