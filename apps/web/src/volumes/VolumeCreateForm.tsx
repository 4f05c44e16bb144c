'use client'
import { SegmentedControl, Select, Textarea, type TextareaProps, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { ImageView } from '@stratolith/api/images/contract'
import type { VolumeTypeView } from '@stratolith/api/volumes/contract'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { gib } from '../kit/format.ts'
import { notify } from '../kit/notify.ts'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { whole } from '../kit/whole.ts'
import { volumeCreateCli } from './cli.ts'
import { mostGib, SizeField } from './SizeField.tsx'
import { typeText } from './types/limit-words.ts'

type Values = {
  name: string
  description: string
  from: 'nothing' | 'image'
  imageId: string | null
  sizeGib: number | string
  type: string | null
}

/** Makes a volume, empty or with the bytes of an image. */
export function VolumeCreateForm({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const create = useMutation(trpc.volumes.create.mutationOptions())
  const images = useQuery(trpc.images.list.queryOptions({ state: 'active', limit: 1000 })).data?.items ?? []
  const { types, chosenFor } = useTypes()
  const leastOf = ({ from, imageId }: Pick<Values, 'from' | 'imageId'>) =>
    from === 'image' ? leastGib(images.find(({ id }) => id === imageId)) : 1
  const form = useForm<Values>({
    initialValues: { name: '', description: '', from: 'nothing', imageId: null, sizeGib: 1, type: null },
    validate: {
      name: (name) => (name.trim() ? null : 'Give it a name.'),
      imageId: (id, { from }) => (from === 'nothing' || id ? null : 'Choose an image.'),
      sizeGib: (size, values) => whole(leastOf(values), mostGib, 'GiB: a whole number')(size),
    },
  })
  const { from } = form.values
  const wishOf = (values: Values) => ({
    ...values,
    name: values.name.trim(),
    imageId: values.from === 'image' ? values.imageId : null,
  })
  return (
    <SidePanelForm
      title="Create volume"
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Create"
      onSubmit={async (values) => {
        const { name, description, imageId, type } = wishOf(values)
        const { id } = await create.mutateAsync({
          ...{ name, description, sizeGib: Number(values.sizeGib) },
          ...{ imageId: imageId ?? undefined, type: type ?? undefined },
        })
        invalidateKind(client, 'volume')
        notify.started(`Creating “${name}”`, [id])
      }}
      asCli={(values) => volumeCreateCli(wishOf(values))}
    >
      <TextInput label="Name" required data-autofocus maxLength={255} {...form.getInputProps('name')} />
      <SegmentedControl
        fullWidth
        aria-label="What is on it at first"
        data={[
          { value: 'nothing', label: 'Empty' },
          { value: 'image', label: 'From an image' },
        ]}
        {...form.getInputProps('from')}
      />
      {from === 'image' && (
        <Select
          label="Image"
          required
          searchable
          data={images.map(({ id, name }) => ({ value: id, label: name || id }))}
          nothingFoundMessage="No image has such a name"
          {...form.getInputProps('imageId')}
          onChange={(imageId) => {
            form.setFieldValue('imageId', imageId)
            const least = leastOf({ from, imageId })
            if (Number(form.values.sizeGib) < least) form.setFieldValue('sizeGib', least)
          }}
        />
      )}
      <SizeField
        field={form.getInputProps('sizeGib')}
        type={form.values.type}
        description={leastText(leastOf(form.values))}
      />
      {types.length > 1 && (
        <Select
          label="Type"
          description={typeTextFor(chosenFor(form.values.type), form.values.sizeGib)}
          data={types.map(({ name }) => name)}
          placeholder={chosenFor(null)?.name}
          clearable
          {...form.getInputProps('type')}
        />
      )}
      <DescriptionField {...form.getInputProps('description')} />
    </SidePanelForm>
  )
}

/** The types that the project may use; `chosenFor` finds the one of that name, and the default for none. */
function useTypes() {
  const trpc = useTRPC()
  const { types = [], defaultId } = useQuery(trpc.volumes.types.usable.queryOptions()).data ?? {}
  const chosenFor = (name: string | null) =>
    types.find((type) => (name === null ? type.id === defaultId : type.name === name))
  return { types, chosenFor }
}

const typeTextFor = (type: VolumeTypeView | undefined, sizeGib: number | string): string | undefined =>
  type && typeText(type, Math.max(1, Number(sizeGib) || 1))

function DescriptionField(props: TextareaProps) {
  return <Textarea label="Description" autosize minRows={2} maxLength={1000} {...props} />
}

const leastText = (least: number): string =>
  least > 1 ? `The image needs ${gib(least)} at least.` : 'It can be extended later, and never made smaller.'

function leastGib(image: Pick<ImageView, 'virtualBytes' | 'minDiskGib'> | undefined): number {
  return Math.max(1, image?.minDiskGib ?? 0, Math.ceil((image?.virtualBytes ?? 0) / 1024 ** 3))
}
