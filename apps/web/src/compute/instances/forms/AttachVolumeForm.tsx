'use client'
import { SegmentedControl, Select, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { gib } from '../../../kit/format.ts'
import { notify } from '../../../kit/notify.ts'
import { SidePanelForm } from '../../../kit/SidePanelForm.tsx'
import { useLook } from '../../../kit/session.ts'
import { invalidateKind } from '../../../kit/stale.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { whole } from '../../../kit/whole.ts'
import { volumeAttachCli, volumeCreateCli } from '../../../volumes/cli.ts'
import { mostGib, SizeField } from '../../../volumes/SizeField.tsx'
import { TypeField } from '../../../volumes/TypeField.tsx'
import { useMadeVolume } from '../../../volumes/use-made-volume.ts'
import { volumeName } from '../../../volumes/volume.descriptor.tsx'

type Values = {
  how: 'free' | 'new'
  volumeId: string | null
  name: string
  sizeGib: number | string
  type: string | null
}

/** Gives the instance a volume that is free, or a new one that is made first on a machine that it reaches. */
export function AttachVolumeForm({
  view,
  opened,
  onClose,
}: {
  view: InstanceView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const make = useMutation(trpc.compute.instances.createVolume.mutationOptions())
  const attach = useMutation(trpc.compute.instances.attachVolume.mutationOptions())
  const made = useMadeVolume()
  const form = useForm<Values>({
    initialValues: { how: 'new', volumeId: null, name: `${view.name}-data`, sizeGib: 1, type: null },
    validate: {
      volumeId: (id, { how }) => (how === 'new' || id ? null : 'Choose a volume.'),
      name: (name, { how }) => (how === 'free' || name.trim() ? null : 'Give it a name.'),
      sizeGib: (size, { how }) => (how === 'free' ? null : whole(1, mostGib, 'GiB: a whole number')(size)),
    },
  })
  const volumeOf = async ({ how, volumeId, name, sizeGib, type }: Values): Promise<string> => {
    if (how === 'free') return volumeId ?? ''
    const { id } = await make.mutateAsync({
      ...{ id: view.id, name: name.trim(), sizeGib: Number(sizeGib), type: type ?? undefined },
    })
    await made(id)
    return id
  }
  const { how } = form.values
  return (
    <SidePanelForm
      title={`Attach a volume to ${view.name}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Attach"
      onSubmit={async (values) => {
        const volumeId = await volumeOf(values)
        const since = Date.now()
        await attach.mutateAsync({ id: view.id, volumeId }).catch((error: unknown) => {
          // The new volume exists: another try attaches this one, and makes no second one.
          form.setValues({ how: 'free', volumeId })
          throw error
        })
        invalidateKind(client, 'instance')
        invalidateKind(client, 'volume')
        notify.started(`Attaching a volume to “${view.name}”`, [view.id], since)
      }}
      asCli={({ how: chosen, volumeId, name, sizeGib, type }) =>
        chosen === 'free'
          ? volumeAttachCli(view.id, volumeId)
          : [
              volumeCreateCli({ name, sizeGib, description: '', imageId: null, type }),
              volumeAttachCli(view.id, name.trim()),
            ].join('\n')
      }
    >
      <SegmentedControl
        fullWidth
        aria-label="Which volume"
        data={[
          { value: 'new', label: 'A new volume' },
          { value: 'free', label: 'A volume that is free' },
        ]}
        {...form.getInputProps('how')}
      />
      {how === 'new' ? (
        <>
          <TextInput label="Name" required maxLength={255} {...form.getInputProps('name')} />
          <SizeField
            field={form.getInputProps('sizeGib')}
            type={form.values.type}
            description="It is empty at first, and can be extended later."
          />
          <TypeField
            field={form.getInputProps('type')}
            chosen={form.values.type}
            from="nothing"
            sizeGib={form.values.sizeGib}
          />
        </>
      ) : (
        <FreeVolume view={view} field={form.getInputProps('volumeId')} />
      )}
    </SidePanelForm>
  )
}

function FreeVolume({ view, field }: { view: InstanceView; field: object }) {
  const trpc = useTRPC()
  const { allProjects } = useLook(view.projectId)
  const { data } = useQuery(
    trpc.compute.instances.freeVolumes.queryOptions({ id: view.id, limit: 1000, allProjects }),
  )
  const volumes = data?.items ?? []
  return (
    <Select
      label="Volume"
      required
      searchable
      data={volumes.map((volume) => ({
        value: volume.id,
        label: `${volumeName(volume)} · ${gib(volume.sizeGib)}`,
      }))}
      nothingFoundMessage="No volume with such a name"
      description={
        data && volumes.length === 0
          ? 'The project has no free volume that the machine of this instance reaches.'
          : 'A running guest sees the disk at once, a stopped one at its next start.'
      }
      {...field}
    />
  )
}
