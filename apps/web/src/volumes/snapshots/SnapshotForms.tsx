'use client'
import { Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { QuotaRoom } from '../QuotaBars.tsx'
import { volumeName } from '../volume.descriptor.tsx'
import { snapshotCreateCli, snapshotSetCli } from './cli.ts'
import { proposedName, snapshotName } from './words.ts'

type Panel = { opened: boolean; onClose: () => void }

/** Keeps what a volume contains now. */
export function SnapshotTakeForm({ volume, opened, onClose }: { volume: VolumeView } & Panel) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const create = useMutation(trpc.volumes.snapshots.create.mutationOptions())
  const form = useForm({
    initialValues: { name: proposedName(volumeName(volume), new Date()), description: '' },
  })
  const force = volume.attachments.length > 0
  return (
    <SidePanelForm
      title={`Take a snapshot of ${volumeName(volume)}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Take snapshot"
      onSubmit={async ({ name, description }) => {
        const input = { volumeId: volume.id, name: name.trim(), description }
        const made = await create.mutateAsync(input)
        invalidateKind(client, 'volumeSnapshot')
        notify.started(`Taking “${snapshotName(made)}”`, [made.id])
      }}
      asCli={(values) => snapshotCreateCli(volume.id, { ...values, force })}
    >
      <TextInput label="Name" data-autofocus maxLength={255} {...form.getInputProps('name')} />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      {force && (
        <Text size="sm" c="dimmed">
          The guest goes on. If its guest agent answers, its file systems hold still for a moment and the
          snapshot is consistent. Otherwise the snapshot is as after a power cut; the list says which.
        </Text>
      )}
      {/* A snapshot counts as much as its volume, because all of the volume may change afterwards. */}
      <QuotaRoom projectId={volume.projectId} adds={{ volumeSnapshots: 1, volumeGib: volume.sizeGib }} />
    </SidePanelForm>
  )
}

export function SnapshotEditForm({ snapshot, opened, onClose }: { snapshot: SnapshotView } & Panel) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const update = useMutation(trpc.volumes.snapshots.update.mutationOptions())
  const { name, description } = snapshot
  const form = useForm({ initialValues: { name, description } })
  return (
    <SidePanelForm
      title={`Edit ${snapshotName(snapshot)}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Save"
      onSubmit={async (values) => {
        const saved = await update.mutateAsync({ id: snapshot.id, ...values, name: values.name.trim() })
        form.resetDirty(values)
        invalidateKind(client, 'volumeSnapshot')
        notify.done(`Saved ${snapshotName(saved)}`)
      }}
      asCli={(values) => snapshotSetCli(snapshot, values)}
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
