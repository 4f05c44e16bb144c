'use client'
import { Switch, TextInput } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import type { VolumeGroupTypeView } from '@stratolith/api/volumes/groups/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../../kit/notify.ts'
import { SidePanelForm } from '../../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../../kit/stale.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { groupTypeCreateCli, groupTypeSetCli } from './cli.ts'

type Panel = { opened: boolean; onClose: () => void }
type Values = { name: string; description: string; public: boolean }

const validate = { name: (name: string) => (name.trim() ? null : 'Give it a name.') }

export function GroupTypeCreateForm({ opened, onClose }: Panel) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const create = useMutation(trpc.volumes.groups.types.create.mutationOptions())
  const form = useForm<Values>({ initialValues: { name: '', description: '', public: true }, validate })
  return (
    <SidePanelForm
      title="Create volume group type"
      needs="admin"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Create"
      asCli={groupTypeCreateCli}
      onSubmit={async (values) => {
        const { name } = await create.mutateAsync({ ...values, name: values.name.trim() })
        invalidateKind(client, 'volumeGroupType')
        notify.done(`Created ${name}`)
      }}
    >
      <Fields form={form} />
    </SidePanelForm>
  )
}

export function GroupTypeEditForm({ type, opened, onClose }: { type: VolumeGroupTypeView } & Panel) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const update = useMutation(trpc.volumes.groups.types.update.mutationOptions())
  const { name, description, public: isPublic } = type
  const form = useForm<Values>({ initialValues: { name, description, public: isPublic }, validate })
  return (
    <SidePanelForm
      title={`Edit ${name}`}
      needs="admin"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Save"
      asCli={(values) => groupTypeSetCli(type, values)}
      onSubmit={async (values) => {
        const saved = await update.mutateAsync({ id: type.id, ...values, name: values.name.trim() })
        form.resetDirty(values)
        invalidateKind(client, 'volumeGroupType')
        notify.done(`Saved ${saved.name}`)
      }}
    >
      <Fields form={form} />
    </SidePanelForm>
  )
}

function Fields({ form }: { form: UseFormReturnType<Values> }) {
  return (
    <>
      <TextInput label="Name" required data-autofocus maxLength={255} {...form.getInputProps('name')} />
      <TextInput
        label="Description"
        description="People who choose a type read this."
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      <Switch
        label="For everybody"
        description="Off: only administrators make groups of the type."
        {...form.getInputProps('public', { type: 'checkbox' })}
      />
    </>
  )
}
