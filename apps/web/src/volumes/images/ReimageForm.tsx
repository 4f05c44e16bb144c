'use client'
import { Alert, Select } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { gib } from '../../kit/format.ts'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { reimageCli } from '../cli.ts'
import { useChoices } from '../use-choices.ts'
import type { VolumeFormProps } from '../VolumeForms.tsx'
import { volumeName } from '../volume.descriptor.tsx'

/** Gives a volume what an image contains, instead of what is on it. */
export function ReimageForm({ volume, opened, onClose }: VolumeFormProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const reimage = useMutation(trpc.volumes.reimage.mutationOptions())
  const choices = useChoices('image')
  const form = useForm<{ imageId: string | null }>({
    initialValues: { imageId: null },
    validate: { imageId: (id) => (id ? null : 'Choose an image.') },
  })
  return (
    <SidePanelForm
      title={`Write an image onto ${volumeName(volume)}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Write the image"
      danger
      onSubmit={async ({ imageId }) => {
        const since = Date.now()
        await reimage.mutateAsync({ id: volume.id, imageId: imageId ?? '' })
        invalidateKind(client, 'volume')
        notify.started(`Writing an image onto “${volumeName(volume)}”`, [volume.id], since)
      }}
      asCli={({ imageId }) => reimageCli(volume.id, imageId)}
    >
      <Alert color="bad" title="All data on the volume is lost">
        The volume gets what the image contains. Back it up first when you may need the data again. Its
        snapshots stay; a volume in Ceph must have none.
      </Alert>
      <Select
        label="Image"
        required
        searchable
        data-autofocus
        data={choices.map(({ id, label, leastGib }) =>
          leastGib <= volume.sizeGib
            ? { value: id, label }
            : { value: id, label: `${label}: needs ${gib(leastGib)}`, disabled: true },
        )}
        nothingFoundMessage="No image has such a name"
        {...form.getInputProps('imageId')}
      />
    </SidePanelForm>
  )
}
