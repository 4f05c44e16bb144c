'use client'
import { Alert, SegmentedControl, Select, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { BackupView } from '@stratolith/api/volumes/backups/contract'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { gib } from '../../kit/format.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useElsewhere, useLook } from '../../kit/session.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { volumeName } from '../volume.descriptor.tsx'
import { backupRestoreCli, backupRestoreNewCli } from './cli.ts'
import { backupName, type Restoring, restoreLoss, restoringOf, whyNotTo } from './words.ts'

type Props = { backup: BackupView; opened: boolean; onClose: () => void }

/** Gives a new or an existing volume what a backup contains. */
export function RestoreForm({ backup, opened, onClose }: Props) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const isElsewhere = useElsewhere(backup.projectId)
  const { allProjects } = useLook(backup.projectId)
  const { projectId } = backup
  const volumes =
    useQuery(trpc.volumes.list.queryOptions({ limit: 1000, allProjects, projectId })).data?.items ?? []
  const router = useRouter()
  const restore = useMutation(trpc.volumes.backups.restore.mutationOptions())
  const form = useForm<Restoring>({
    initialValues: restoringOf(backup, isElsewhere),
    validate: {
      name: (name, { to }) => (to === 'existing' || name.trim() ? null : 'Give it a name.'),
      volumeId: (id, { to }) => (to === 'new' || id ? null : 'Choose a volume.'),
    },
  })
  const { to, volumeId } = form.values
  const chosen = volumes.find(({ id }) => id === volumeId)
  return (
    <SidePanelForm
      title={`Restore ${backupName(backup)}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Restore"
      danger={to === 'existing'}
      onSubmit={async (values) => {
        const target =
          values.to === 'new' ? { name: values.name.trim() } : { volumeId: values.volumeId ?? undefined }
        const since = Date.now()
        const made = await restore.mutateAsync({ id: backup.id, ...target })
        invalidateKind(client, 'volume')
        notify.started(`Restoring to “${made.volumeName || made.volumeId}”`, [made.volumeId], since, {
          label: 'Open the volume',
          onClick: () => router.push(paths.volume(made.volumeId)),
        })
      }}
      asCli={(values) =>
        values.to === 'new'
          ? backupRestoreNewCli(backup.id, values.name)
          : backupRestoreCli(backup.id, values.volumeId ?? 'VOLUME')
      }
    >
      {isElsewhere ? (
        <Text size="sm" c="dimmed">
          The backup belongs to another project, and so does a volume that gets its content. Switch to that
          project first to restore it to a new volume.
        </Text>
      ) : (
        <SegmentedControl
          fullWidth
          aria-label="Where the content goes"
          data={[
            { value: 'new', label: 'A new volume' },
            { value: 'existing', label: 'A volume that exists' },
          ]}
          {...form.getInputProps('to')}
        />
      )}
      {to === 'new' ? (
        <>
          <TextInput label="Name" required maxLength={255} {...form.getInputProps('name')} />
          <Text size="sm" c="dimmed">
            It has {gib(backup.sizeGib)}. “Create volume” in the menu of the backup lets you choose a larger
            size and another type.
          </Text>
        </>
      ) : (
        <>
          <VolumeField backup={backup} volumes={volumes} field={form.getInputProps('volumeId')} />
          {chosen && (
            <Alert color="warn" variant="light" icon={<IconAlertTriangle />} role="alert">
              {restoreLoss(volumeName(chosen), chosen.sizeGib, backup.sizeGib)}
            </Alert>
          )}
        </>
      )}
    </SidePanelForm>
  )
}

function VolumeField({
  backup,
  volumes,
  field,
}: {
  backup: BackupView
  volumes: readonly VolumeView[]
  field: object
}) {
  return (
    <Select
      label="Volume"
      required
      searchable
      data={volumes.map((volume) => {
        const problem = whyNotTo(volume, backup)
        const label = `${volumeName(volume)} · ${gib(volume.sizeGib)}`
        return {
          value: volume.id,
          label: problem === null ? label : `${label}: ${problem}`,
          disabled: problem !== null,
        }
      })}
      nothingFoundMessage="No volume has such a name"
      {...field}
    />
  )
}
