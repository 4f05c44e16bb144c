'use client'
import { Select } from '@mantine/core'
import { useForm } from '@mantine/form'
import { instanceCan } from '@stratolith/api/compute/states'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { notify } from '../kit/notify.ts'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { useLook } from '../kit/session.ts'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { volumeAttachCli } from './cli.ts'
import type { VolumeFormProps } from './VolumeForms.tsx'
import { volumeName } from './volume.descriptor.tsx'

/** Gives the volume to an instance of its project, on a machine that reaches the volume. */
export function VolumeAttachForm({ volume, opened, onClose }: VolumeFormProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { allProjects } = useLook(volume.projectId)
  const { data } = useQuery(
    trpc.compute.instances.list.queryOptions({ forVolume: volume.id, limit: 1000, allProjects }),
  )
  const instances = data?.items ?? []
  const attach = useMutation(trpc.compute.instances.attachVolume.mutationOptions())
  const form = useForm<{ instanceId: string | null }>({
    initialValues: { instanceId: null },
    validate: { instanceId: (id) => (id ? null : 'Choose an instance.') },
  })
  return (
    <SidePanelForm
      title={`Attach ${volumeName(volume)}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Attach"
      onSubmit={async ({ instanceId }) => {
        const since = Date.now()
        await attach.mutateAsync({ id: instanceId ?? '', volumeId: volume.id })
        invalidateKind(client, 'volume')
        invalidateKind(client, 'instance')
        notify.started(`Attaching “${volumeName(volume)}”`, [instanceId ?? ''], since)
      }}
      asCli={({ instanceId }) => volumeAttachCli(instanceId, volume.id)}
    >
      <Select
        label="Instance"
        required
        searchable
        data-autofocus
        placeholder="Search instances"
        data={instances.map((instance) => {
          const allowed = instanceCan.attachVolume(instance)
          return allowed === true
            ? { value: instance.id, label: instance.name }
            : { value: instance.id, label: `${instance.name}: ${allowed}`, disabled: true }
        })}
        nothingFoundMessage="No instance with such a name"
        description={
          data && instances.length === 0
            ? 'No instance of the project is on a machine that reaches this volume. Launch one first.'
            : 'A running guest sees the disk at once, a stopped one at its next start.'
        }
        {...form.getInputProps('instanceId')}
      />
    </SidePanelForm>
  )
}
