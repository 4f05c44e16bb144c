'use client'
import { useForm } from '@mantine/form'
import type { VolumeTypeView } from '@stratolith/api/volumes/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { TypeFields } from './TypeFields.tsx'
import { typeProblems, typeSetCli } from './values.ts'

type Props = { type: VolumeTypeView; opened: boolean; onClose: () => void }

export function TypeEditForm({ type, opened, onClose }: Props) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const update = useMutation(trpc.volumes.types.update.mutationOptions())
  const { name, description, public: isPublic } = type
  const form = useForm({
    initialValues: { name, description, public: isPublic },
    validate: { name: typeProblems.name },
  })
  return (
    <SidePanelForm
      needs="admin"
      title={`Edit ${name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Save"
      asCli={(values) => typeSetCli(type, values)}
      onSubmit={async (values) => {
        const saved = await update.mutateAsync({ id: type.id, ...values, name: values.name.trim() })
        form.resetDirty(values)
        invalidateKind(client, 'volumeType')
        notify.done(`Saved ${saved.name}`)
      }}
    >
      <TypeFields inputs={form.getInputProps} />
    </SidePanelForm>
  )
}
