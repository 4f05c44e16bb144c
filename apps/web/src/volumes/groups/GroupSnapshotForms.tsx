'use client'
import { Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { GroupSnapshotView, VolumeGroupView } from '@stratolith/api/volumes/groups/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { QuotaRoom } from '../QuotaBars.tsx'
import { proposedName } from '../snapshots/words.ts'
import { copyAdds, groupFromCli, groupName, groupSnapshotCli, nameProblem, snapshotAdds } from './words.ts'

type Panel = { opened: boolean; onClose: () => void }

/** Keeps what all volumes of the group contain now. */
export function GroupSnapshotForm({ group, opened, onClose }: { group: VolumeGroupView } & Panel) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const create = useMutation(trpc.volumes.groups.snapshots.create.mutationOptions())
  const form = useForm({
    initialValues: { name: proposedName(groupName(group), new Date()), description: '' },
  })
  return (
    <SidePanelForm
      title={`Take a snapshot of ${groupName(group)}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Take snapshot"
      onSubmit={async ({ name, description }) => {
        const made = await create.mutateAsync({ groupId: group.id, name: name.trim(), description })
        invalidateKind(client, 'volumeGroupSnapshot')
        notify.started(`Taking “${groupName(made)}”`, [made.id])
      }}
      asCli={({ name }) => groupSnapshotCli(group.id, name.trim())}
    >
      <TextInput label="Name" data-autofocus maxLength={255} {...form.getInputProps('name')} />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      <Text size="sm" c="dimmed">
        All volumes that one instance uses are kept at one instant, while its guest agent, if it answers,
        holds the file systems still. When several instances use volumes of the group, each instance has an
        instant of its own.
      </Text>
      <QuotaRoom projectId={group.projectId} adds={snapshotAdds(group)} />
    </SidePanelForm>
  )
}

/** Makes a group of new volumes, each with what a group snapshot has kept. */
export function GroupFromForm({ snapshot, opened, onClose }: { snapshot: GroupSnapshotView } & Panel) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const router = useRouter()
  const create = useMutation(trpc.volumes.groups.createFrom.mutationOptions())
  const form = useForm({
    initialValues: { name: `${groupName(snapshot.group).slice(0, 240)}-copy`, description: '' },
    validate: { name: nameProblem },
  })
  return (
    <SidePanelForm
      title={`Create a group from ${groupName(snapshot)}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Create volume group"
      onSubmit={async (values) => {
        const input = { ...values, name: values.name.trim(), groupSnapshotId: snapshot.id }
        const made = await create.mutateAsync(input)
        invalidateKind(client, 'volumeGroup')
        notify.started(`Creating “${groupName(made)}”`, [made.id])
        return () => router.push(paths.volumeGroup(made.id))
      }}
      asCli={({ name }) => groupFromCli(snapshot.id, name.trim())}
    >
      <TextInput
        label="Name"
        description="The new volumes are named by the group and the volume from which they come."
        required
        data-autofocus
        maxLength={255}
        {...form.getInputProps('name')}
      />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      <QuotaRoom adds={copyAdds(snapshot)} />
    </SidePanelForm>
  )
}
