'use client'
import { Checkbox, Group, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { ImageView } from '@stratolith/api/images/contract'
import { useMutation } from '@tanstack/react-query'
import { NumberField } from '../kit/NumberField.tsx'
import { notify } from '../kit/notify.ts'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { whole } from '../kit/whole.ts'
import { imageSetCli } from './cli.ts'
import { SharingFields } from './SharingFields.tsx'

/** The form for name, description, minimum sizes and visibility; the data of an image never changes. */
export function ImageEditForm({
  image,
  opened,
  onClose,
}: {
  image: ImageView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const update = useMutation(trpc.images.update.mutationOptions())
  const form = useForm({
    initialValues: {
      name: image.name,
      description: image.description,
      visibility: image.visibility,
      protected: image.protected,
      hidden: image.hidden,
      minDiskGib: image.minDiskGib as number | string,
      minRamMib: image.minRamMib as number | string,
    },
    validate: {
      name: (name) => (name.trim() ? null : 'Give it a name.'),
      minDiskGib: whole(0, 65_536, 'GiB: a whole number'),
      minRamMib: whole(0, 16_777_216, 'MiB: a whole number'),
    },
  })
  return (
    <SidePanelForm
      needs={{ own: image.own }}
      title={`Edit ${image.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async (values) => {
        const saved = await update.mutateAsync({ id: image.id, ...numbersOf(values) })
        form.resetDirty(values)
        notify.done(`Saved ${saved.name}`)
      }}
      submitLabel="Save"
      asCli={(values) => imageSetCli(image, numbersOf(values))}
    >
      <TextInput label="Name" required {...form.getInputProps('name')} />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      <Group grow align="flex-start">
        <NumberField label="Minimum disk" suffix=" GiB" {...form.getInputProps('minDiskGib')} />
        <NumberField label="Minimum memory" suffix=" MiB" {...form.getInputProps('minRamMib')} />
      </Group>
      <SharingFields form={form} isPublic={image.visibility === 'public'} />
      <Checkbox
        label="Hidden"
        description="Others no longer find it in their lists. Who knows its id still launches it."
        {...form.getInputProps('hidden', { type: 'checkbox' })}
      />
    </SidePanelForm>
  )
}

type Typed = { minDiskGib: number | string; minRamMib: number | string }
const numbersOf = <V extends Typed>(values: V) => ({
  ...values,
  minDiskGib: Number(values.minDiskGib),
  minRamMib: Number(values.minRamMib),
})
