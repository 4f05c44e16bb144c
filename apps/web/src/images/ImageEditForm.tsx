'use client'
import { Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { ImageView } from '@stratolith/api/images/contract'
import { useMutation } from '@tanstack/react-query'
import { notify } from '../kit/notify.ts'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { imageSetCli } from './cli.ts'
import { SharingFields } from './SharingFields.tsx'

/** Name, description, visibility and protection; the data of an image never changes. */
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
    },
    validate: { name: (name) => (name.trim() ? null : 'Give it a name.') },
  })
  return (
    <SidePanelForm
      title={`Edit ${image.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async (values) => {
        const saved = await update.mutateAsync({ id: image.id, ...values })
        form.resetDirty(values)
        notify.done(`Saved ${saved.name}`)
      }}
      submitLabel="Save"
      asCli={(values) => imageSetCli(image, values)}
    >
      <TextInput label="Name" required {...form.getInputProps('name')} />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      <SharingFields form={form} isPublic={image.visibility === 'public'} />
    </SidePanelForm>
  )
}
