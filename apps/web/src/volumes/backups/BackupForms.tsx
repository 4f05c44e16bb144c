'use client'
import { Checkbox, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { BackupView } from '@stratolith/api/volumes/backups/contract'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { QuotaRoom } from '../QuotaBars.tsx'
import { proposedName, snapshotName } from '../snapshots/words.ts'
import { volumeName } from '../volume.descriptor.tsx'
import { backupCreateCli, backupSetCli } from './cli.ts'
import { backupName } from './words.ts'

type Panel = { opened: boolean; onClose: () => void }
type Of = {
  volumeId: string
  snapshotId: string | null
  /** What is backed up, in the title and in the proposed name. */
  name: string
  projectId: string
  sizeGib: number
  isInUse: boolean
}

/** Backs up what a volume contains now. */
export const VolumeBackupForm = ({ volume, ...panel }: { volume: VolumeView } & Panel) => (
  <MakeForm
    of={{
      ...{ volumeId: volume.id, snapshotId: null, name: volumeName(volume), projectId: volume.projectId },
      ...{ sizeGib: volume.sizeGib, isInUse: volume.attachments.length > 0 },
    }}
    {...panel}
  />
)

/** Backs up what a snapshot contains. */
export const SnapshotBackupForm = ({ snapshot, ...panel }: { snapshot: SnapshotView } & Panel) => (
  <MakeForm
    of={{
      ...{ volumeId: snapshot.volume.id, snapshotId: snapshot.id, name: snapshotName(snapshot) },
      ...{ projectId: snapshot.projectId, sizeGib: snapshot.sizeGib, isInUse: false },
    }}
    {...panel}
  />
)

function MakeForm({ of, opened, onClose }: { of: Of } & Panel) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const plan = useQuery(trpc.volumes.backups.plan.queryOptions({ volumeId: of.volumeId }))
  const hasEarlier = plan.data?.incremental === true
  const create = useMutation(trpc.volumes.backups.create.mutationOptions())
  const form = useForm({
    initialValues: { name: proposedName(of.name, new Date()), description: '', incremental: true },
  })
  const wish = ({ name, description, incremental }: typeof form.values) => ({
    ...{ name: name.trim(), description, incremental: incremental && hasEarlier },
  })
  return (
    <SidePanelForm
      title={`Back up ${of.name}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Back up"
      onSubmit={async (values) => {
        const input = { ...wish(values), volumeId: of.volumeId, snapshotId: of.snapshotId ?? undefined }
        const made = await create.mutateAsync(input)
        invalidateKind(client, 'volumeBackup')
        notify.started(`Backing up “${of.name}”`, [made.id])
      }}
      asCli={(values) =>
        backupCreateCli(of.volumeId, { ...wish(values), force: of.isInUse, snapshotId: of.snapshotId })
      }
    >
      <TextInput label="Name" data-autofocus maxLength={255} {...form.getInputProps('name')} />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      {hasEarlier && (
        <Checkbox
          label="Store only what has changed"
          description="Since the newest backup of the volume. It is whole all the same: every backup can be deleted, and is restored without the others."
          {...form.getInputProps('incremental', { type: 'checkbox' })}
        />
      )}
      <Text size="sm" c="dimmed">
        {of.isInUse
          ? 'The guest goes on. If its guest agent answers, its file systems hold still for a moment. Otherwise the backup is as after a power cut.'
          : 'It can take long: all of the volume is read. The volume cannot be changed meanwhile.'}
        {of.snapshotId === null &&
          ' When other operations have their turn first, it contains what the volume has after them.'}
      </Text>
      <QuotaRoom projectId={of.projectId} adds={{ volumeBackups: 1, volumeBackupGib: of.sizeGib }} />
    </SidePanelForm>
  )
}

export function BackupEditForm({ backup, opened, onClose }: { backup: BackupView } & Panel) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const update = useMutation(trpc.volumes.backups.update.mutationOptions())
  const { name, description } = backup
  const form = useForm({ initialValues: { name, description } })
  return (
    <SidePanelForm
      title={`Edit ${backupName(backup)}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Save"
      onSubmit={async (values) => {
        const saved = await update.mutateAsync({ id: backup.id, ...values, name: values.name.trim() })
        form.resetDirty(values)
        invalidateKind(client, 'volumeBackup')
        notify.done(`Saved ${backupName(saved)}`)
      }}
      asCli={(values) => backupSetCli(backup, values)}
    >
      <TextInput label="Name" data-autofocus maxLength={255} {...form.getInputProps('name')} />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
    </SidePanelForm>
  )
}
