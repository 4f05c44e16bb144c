'use client'
import { SegmentedControl, Select, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { notify } from '../kit/notify.ts'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { whole } from '../kit/whole.ts'
import { sourceName } from './backups/words.ts'
import { volumeCreateCli } from './cli.ts'
import { type Choice, type From, fromWords, type Given, leastText, sourceOf } from './origin.ts'
import { mostGib, SizeField } from './SizeField.tsx'
import { TypeField } from './TypeField.tsx'
import { useChoices } from './use-choices.ts'
import { volumeName } from './volume.descriptor.tsx'

type Values = {
  name: string
  description: string
  from: From
  sourceId: string | null
  sizeGib: number | string
  type: string | null
}
type Panel = { opened: boolean; onClose: () => void }

/** Makes a copy of a volume. */
export const VolumeCopyForm = ({ volume, ...panel }: { volume: VolumeView } & Panel) => (
  <VolumeCreateForm source={{ from: 'volume', view: volume }} {...panel} />
)

/** Makes a volume, empty or with what an image, a snapshot, a volume or a backup contains; `source` is chosen already. */
export function VolumeCreateForm({ opened, onClose, source }: Panel & { source?: Given }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const create = useMutation(trpc.volumes.create.mutationOptions())
  const form = useForm<Values>({
    initialValues: beginning(source),
    validate: {
      name: (name) => (name.trim() ? null : 'Give it a name.'),
      sourceId: (id, { from }) =>
        from === 'nothing' || id ? null : `Choose ${articles[from]} ${fromWords[from].toLowerCase()}.`,
      sizeGib: (size, values) => whole(leastOf(values), mostGib, 'GiB: a whole number')(size),
    },
  })
  const { from } = form.values
  const choices = useChoices(from, source)
  const leastOf = ({ sourceId }: Pick<Values, 'sourceId'>) =>
    choices.find(({ id }) => id === sourceId)?.leastGib ?? 1
  return (
    <SidePanelForm
      title={source ? `Create volume from ${source.view.name || source.view.id}` : 'Create volume'}
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Create"
      onSubmit={async (values) => {
        const { name, description, type, ...wish } = wishOf(values)
        const { id } = await create.mutateAsync({
          ...{ name, description, sizeGib: Number(values.sizeGib), type: type ?? undefined },
          imageId: wish.imageId ?? undefined,
          snapshotId: wish.snapshotId ?? undefined,
          sourceVolumeId: wish.sourceVolumeId ?? undefined,
          backupId: wish.backupId ?? undefined,
        })
        invalidateKind(client, 'volume')
        notify.started(`Creating “${name}”`, [id])
      }}
      asCli={(values) => volumeCreateCli(wishOf(values))}
    >
      <TextInput label="Name" required data-autofocus maxLength={255} {...form.getInputProps('name')} />
      {!source && (
        <SegmentedControl
          fullWidth
          aria-label="What is on it at first"
          data={Object.entries(fromWords).map(([value, label]) => ({ value, label }))}
          {...form.getInputProps('from')}
          onChange={(value) => form.setValues({ from: value as From, sourceId: null, type: null })}
        />
      )}
      {from !== 'nothing' && (
        <SourceField
          from={from}
          choices={choices}
          field={form.getInputProps('sourceId')}
          onChoose={(sourceId) => {
            form.setFieldValue('sourceId', sourceId)
            const least = leastOf({ sourceId })
            if (Number(form.values.sizeGib) < least) form.setFieldValue('sizeGib', least)
          }}
        />
      )}
      <SizeField
        field={form.getInputProps('sizeGib')}
        type={form.values.type}
        description={leastText(from, leastOf(form.values))}
      />
      <TypeField
        field={form.getInputProps('type')}
        chosen={form.values.type}
        from={from}
        sizeGib={form.values.sizeGib}
      />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
    </SidePanelForm>
  )
}

const articles = { image: 'an', snapshot: 'a', volume: 'a', backup: 'a' }
const nothingFound = {
  image: 'No image has such a name',
  snapshot: 'No volume snapshot has such a name',
  volume: 'No volume has such a name',
  backup: 'No volume backup has such a name',
}

function SourceField({
  from,
  choices,
  field,
  onChoose,
}: {
  from: Exclude<From, 'nothing'>
  choices: readonly Choice[]
  field: object
  onChoose: (id: string | null) => void
}) {
  return (
    <Select
      label={fromWords[from]}
      required
      searchable
      data={choices.map(({ id, label, problem }) => ({
        value: id,
        label: problem === null ? label : `${label}: ${problem}`,
        disabled: problem !== null,
      }))}
      nothingFoundMessage={nothingFound[from]}
      {...field}
      onChange={onChoose}
    />
  )
}

/** The request, and the command, that the values of the form ask for. */
const wishOf = ({ name, sourceId, ...values }: Values) => ({
  ...values,
  name: name.trim(),
  ...sourceOf(values.from, sourceId),
})

const beginning = (source?: Given): Values => ({
  name: source ? copyName(source) : '',
  description: '',
  from: source?.from ?? 'nothing',
  sourceId: source?.view.id ?? null,
  sizeGib: source?.view.sizeGib ?? 1,
  type: null,
})
/** The name that the form proposes for a volume of a source. */
function copyName({ from, view }: Given): string {
  if (from === 'backup') return sourceName(view)
  return `${(from === 'volume' ? volumeName(view) : view.volume.name || view.volume.id).slice(0, 240)} copy`
}
