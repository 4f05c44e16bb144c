'use client'
import { Group, SegmentedControl, Skeleton, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { bytes } from '../kit/format.ts'
import { lazyPart } from '../kit/lazy-part.tsx'
import { NumberField } from '../kit/NumberField.tsx'
import { notify } from '../kit/notify.ts'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { whole } from '../kit/whole.ts'
import { type ImageFormValues, imageCreateCli } from './cli.ts'
import { fileProblem, gibFor, nameAfter, readHead } from './format.ts'
import { uploads } from './portal-uploads.ts'
import { SharingFields } from './SharingFields.tsx'

const ImageFilePick = lazyPart(() => import('./ImageFilePick.tsx').then((module) => module.ImageFilePick), {
  browserOnly: true,
  waiting: <Skeleton height={118} />,
})

type Values = ImageFormValues & { file: File | null }
const initial: Values = {
  file: null,
  name: '',
  description: '',
  diskFormat: 'qcow2',
  visibility: 'private',
  minDiskGib: 0,
  minRamMib: 0,
  protected: false,
}

/** Makes the image and uploads the file. The panel closes at once, and the tray shows the progress. */
export function ImageCreateForm({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const trpc = useTRPC()
  const session = useSession()
  const create = useMutation(trpc.images.create.mutationOptions())
  const [seen, setSeen] = useState<{ format: 'raw' | 'qcow2'; virtualBytes: number } | null>(null)
  const form = useForm<Values>({
    initialValues: initial,
    validate: {
      file: (file) => (file ? null : 'Choose the file of the image.'),
      name: (name) => (name.trim() ? null : 'Give it a name.'),
      minDiskGib: whole(0, 65_536, 'GiB'),
      minRamMib: whole(0, 16_777_216, 'MiB'),
    },
  })
  const pick = async (file: File | null) => {
    setSeen(null)
    if (!file) return form.setFieldValue('file', null)
    const head = new Uint8Array(await file.slice(0, 64).arrayBuffer())
    const problem = fileProblem(file.name, file.size, head)
    if (problem) return form.setFieldError('file', problem)
    const found = readHead(head, file.size)
    setSeen(found)
    form.clearFieldError('file')
    form.setValues((values) => ({
      file,
      diskFormat: found.format,
      name: nameAfter(values.name ?? '', values.file?.name ?? null, file.name),
    }))
  }
  const submit = async ({ file, ...values }: Values) => {
    if (!file) return
    const image = await create.mutateAsync({
      ...values,
      minDiskGib: Number(values.minDiskGib),
      minRamMib: Number(values.minRamMib),
    })
    uploads.start(image, file, session)
    notify.started(`Uploading ${image.name}`)
    form.reset()
    setSeen(null)
  }
  return (
    <SidePanelForm
      needs="member"
      title="Upload image"
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={submit}
      submitLabel="Upload"
      asCli={(values) => imageCreateCli(values, values.file?.name ?? 'FILE')}
    >
      <ImageFilePick
        file={form.values.file}
        error={textOf(form.errors.file)}
        onPick={(file) => void pick(file)}
      />
      <TextInput label="Name" required {...form.getInputProps('name')} />
      <FormatField form={form} seen={seen} />
      <Textarea
        label="Description"
        description="What is on it, and how to sign in"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      <Group grow align="flex-start">
        <NumberField
          label="Minimum disk (GiB)"
          description={seen ? `It needs ${gibFor(seen.virtualBytes)} GiB` : '0: none'}
          {...form.getInputProps('minDiskGib')}
        />
        <NumberField
          label="Minimum memory (MiB)"
          description="0: none"
          step={256}
          {...form.getInputProps('minRamMib')}
        />
      </Group>
      <SharingFields form={form} />
    </SidePanelForm>
  )
}

type Form = UseFormReturnType<Values>

function FormatField({ form, seen }: { form: Form; seen: { format: string; virtualBytes: number } | null }) {
  const other = seen !== null && seen.format !== form.values.diskFormat
  return (
    <Stack gap={4}>
      <Text size="sm" fw={500} id="image-format">
        Format
      </Text>
      <SegmentedControl
        aria-labelledby="image-format"
        data={[
          { value: 'qcow2', label: 'QCOW2' },
          { value: 'raw', label: 'Raw' },
        ]}
        {...form.getInputProps('diskFormat')}
      />
      <Text size="xs" c={other ? 'bad' : 'dimmed'} aria-live="polite">
        {seen === null && 'Found out from the first bytes of the file.'}
        {seen !== null &&
          (other
            ? `The file begins like ${seen.format === 'qcow2' ? 'QCOW2' : 'raw'}; the upload will probably be refused.`
            : `Found out from the file. As a disk it has ${bytes(seen.virtualBytes)}.`)}
      </Text>
    </Stack>
  )
}

const textOf = (error: unknown): string | null => (typeof error === 'string' ? error : null)
