'use client'
import { SegmentedControl, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { SharingFields } from '../../images/SharingFields.tsx'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { volumeImageCli } from '../cli.ts'
import { QuotaRoom } from '../QuotaBars.tsx'
import type { VolumeFormProps } from '../VolumeForms.tsx'
import { volumeName } from '../volume.descriptor.tsx'

type Values = {
  name: string
  diskFormat: 'raw' | 'qcow2'
  visibility: 'private' | 'shared' | 'community' | 'public'
  protected: boolean
}

/** Makes an image of what a volume contains, from which instances can be launched. */
export function VolumeImageForm({ volume, opened, onClose }: VolumeFormProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const router = useRouter()
  const make = useMutation(trpc.volumes.makeImage.mutationOptions())
  const form = useForm<Values>({
    initialValues: {
      name: volume.name,
      diskFormat: 'qcow2',
      visibility: 'private',
      protected: false,
    },
    validate: { name: (name) => (name.trim() ? null : 'Give it a name.') },
  })
  const force = volume.attachments.length > 0
  return (
    <SidePanelForm
      title={`Make an image of ${volumeName(volume)}`}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Make an image"
      onSubmit={async (values) => {
        const since = Date.now()
        const { image } = await make.mutateAsync({
          ...values,
          id: volume.id,
          name: values.name.trim(),
          force,
        })
        invalidateKind(client, 'volume')
        invalidateKind(client, 'image')
        notify.started(`Making the image “${image.name}”`, [volume.id], since, {
          label: 'Open the image',
          onClick: () => router.push(paths.image(image.id)),
        })
      }}
      asCli={(values) => volumeImageCli(volume.id, { ...values, force })}
    >
      <TextInput label="Name" required data-autofocus maxLength={255} {...form.getInputProps('name')} />
      <Stack gap={4}>
        <Text size="sm" fw={500} id="volume-image-format">
          Format
        </Text>
        <SegmentedControl
          aria-labelledby="volume-image-format"
          data={[
            { value: 'qcow2', label: 'QCOW2' },
            { value: 'raw', label: 'Raw' },
          ]}
          {...form.getInputProps('diskFormat')}
        />
        <Text size="xs" c="dimmed">
          {form.values.diskFormat === 'qcow2'
            ? 'The file is as large as what is written on the volume.'
            : 'The file is as large as the volume.'}
        </Text>
      </Stack>
      {force && (
        <Text size="sm" c="dimmed">
          The guest goes on. If its guest agent answers, its file systems hold still for a moment and the
          image is consistent. Otherwise the image is as after a power cut.
        </Text>
      )}
      <SharingFields form={form} />
      {/* An image counts with the size of its disk. It belongs to the project of its maker. */}
      <QuotaRoom adds={{ images: 1, imageGib: volume.sizeGib }} />
    </SidePanelForm>
  )
}
