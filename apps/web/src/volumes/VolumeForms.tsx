'use client'
import { Switch, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { volumeCan } from '@stratolith/api/volumes/states'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { gib } from '../kit/format.ts'
import { notify } from '../kit/notify.ts'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { whole } from '../kit/whole.ts'
import { ReasonSwitch } from '../ui/ReasonSwitch.tsx'
import { volumeExtendCli, volumeSetCli } from './cli.ts'
import { mostGib, SizeField } from './SizeField.tsx'
import { volumeName } from './volume.descriptor.tsx'
import { growText } from './words.ts'

export type VolumeFormProps = { volume: VolumeView; opened: boolean; onClose: () => void }

export function VolumeEditForm({ volume, opened, onClose }: VolumeFormProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const update = useMutation(trpc.volumes.update.mutationOptions())
  const { name, description, bootable, readOnly } = volume
  const form = useForm({
    initialValues: { name, description, bootable, readOnly, protected: volume.protected },
  })
  return (
    <SidePanelForm
      title={`Edit ${volumeName(volume)}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Save"
      onSubmit={async (values) => {
        const { protected: isProtected, ...others } = values
        const saved = await update.mutateAsync({
          ...{ id: volume.id, ...others, name: values.name.trim() },
          // Somebody else may have protected the volume meanwhile.
          ...(isProtected === form.getInitialValues().protected ? {} : { protected: isProtected }),
        })
        form.resetDirty(values)
        invalidateKind(client, 'volume')
        notify.done(`Saved ${volumeName(saved)}`)
      }}
      asCli={(values) => volumeSetCli(volume, values)}
    >
      <TextInput label="Name" data-autofocus maxLength={255} {...form.getInputProps('name')} />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      <Switch
        label="Bootable"
        description="It has a system: instances can be launched from it."
        {...form.getInputProps('bootable', { type: 'checkbox' })}
      />
      <ReasonSwitch
        label="Read-only"
        description="Guests may read it, and not write to it."
        allowed={volumeCan.setReadOnly(volume)}
        checked={form.values.readOnly}
        onChange={(checked) => form.setFieldValue('readOnly', checked)}
      />
      <Switch
        label="Protected from deletion"
        description="Nobody deletes it until this is switched off, and it stays when its instance is deleted."
        {...form.getInputProps('protected', { type: 'checkbox' })}
      />
    </SidePanelForm>
  )
}

export function VolumeExtendForm({ volume, opened, onClose }: VolumeFormProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const extend = useMutation(trpc.volumes.extend.mutationOptions())
  const form = useForm<{ sizeGib: number | string }>({
    initialValues: { sizeGib: volume.sizeGib + 1 },
    validate: { sizeGib: whole(volume.sizeGib + 1, mostGib, 'GiB: a whole number') },
  })
  return (
    <SidePanelForm
      title={`Extend ${volumeName(volume)}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Extend"
      onSubmit={async ({ sizeGib }) => {
        const since = Date.now()
        await extend.mutateAsync({ id: volume.id, sizeGib: Number(sizeGib) })
        invalidateKind(client, 'volume')
        notify.started(`Extending “${volumeName(volume)}” to ${gib(Number(sizeGib))}`, [volume.id], since)
      }}
      asCli={({ sizeGib }) => volumeExtendCli(volume, sizeGib)}
    >
      <SizeField
        field={form.getInputProps('sizeGib')}
        volume={volume}
        description={`It has ${gib(volume.sizeGib)}. It cannot be made smaller afterwards. ${growText(volume)}`}
      />
    </SidePanelForm>
  )
}
