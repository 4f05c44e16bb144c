'use client'
import { Checkbox, Select } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { notify } from '../kit/notify.ts'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { volumeMigrateCli, volumeRetypeCli } from './cli.ts'
import { typeText } from './types/limit-words.ts'
import type { VolumeFormProps } from './VolumeForms.tsx'
import { volumeName } from './volume.descriptor.tsx'
import { moveText, noneText, whyNotType } from './words.ts'

/** What a move means for whoever uses the volume. */
const meanwhile = ({ state }: { state: string }): string =>
  state === 'in-use'
    ? 'The instance goes on with it, and must run until the end.'
    : 'It cannot be used meanwhile.'

/** Gives the volume another type. */
export function VolumeRetypeForm({ volume, opened, onClose }: VolumeFormProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const retype = useMutation(trpc.volumes.retype.mutationOptions())
  const { types } = useQuery(trpc.volumes.types.usable.queryOptions()).data ?? {}
  const others = types?.filter(({ id }) => id !== volume.type.id)
  const form = useForm<{ type: string | null; move: boolean }>({
    initialValues: { type: null, move: false },
    validate: { type: (type) => (type ? null : 'Choose the new type.') },
  })
  const chosen = types?.find(({ name }) => name === form.values.type)
  return (
    <SidePanelForm
      title={`Change type of ${volumeName(volume)}`}
      needs={{ projectId: volume.projectId }}
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Change"
      onSubmit={async ({ type, move }) => {
        const since = Date.now()
        const after = await retype.mutateAsync({
          ...{ id: volume.id, type: type ?? '', migrate: move ? 'on-demand' : 'never' },
        })
        invalidateKind(client, 'volume')
        if (after.state === 'retyping')
          notify.started(`Moving “${volumeName(volume)}” to a pool of its new type`, [volume.id], since)
        else notify.done(`“${volumeName(volume)}” has the type ${after.type.name}`)
      }}
      asCli={({ type, move }) => volumeRetypeCli(volume.id, type, move)}
    >
      <Select
        label="Type"
        required
        data-autofocus
        description={
          chosen
            ? [typeText({ ...chosen, choosesPool: false }, volume.sizeGib), moveText(chosen, volume)]
                .filter(Boolean)
                .join(' ')
            : `It has the type ${volume.type.name} at the moment.`
        }
        data={(others ?? []).map((type) => {
          const problem = whyNotType(type, volume)
          return {
            value: type.name,
            label: problem === null ? type.name : `${type.name}: ${problem}`,
            disabled: problem !== null,
          }
        })}
        nothingFoundMessage={noneText(others?.length, 'type')}
        {...form.getInputProps('type')}
      />
      <Checkbox
        label="Move it to another pool if the type asks for that"
        description={`All its data are copied. ${meanwhile(volume)} A volume with snapshots cannot be moved.`}
        {...form.getInputProps('move', { type: 'checkbox' })}
      />
    </SidePanelForm>
  )
}

/** Moves the volume to another pool, for administrators. */
export function VolumeMoveForm({ volume, opened, onClose }: VolumeFormProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const move = useMutation(trpc.volumes.move.mutationOptions())
  const { data: plan } = useQuery(trpc.volumes.planMove.queryOptions({ id: volume.id }))
  const form = useForm<{ pool: string | null }>({
    initialValues: { pool: null },
    validate: { pool: (pool) => (pool ? null : 'Choose the pool.') },
  })
  return (
    <SidePanelForm
      title={`Move ${volumeName(volume)} to another pool`}
      needs="admin"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Move"
      onSubmit={async ({ pool }) => {
        const since = Date.now()
        await move.mutateAsync({ id: volume.id, pool: pool ?? '' })
        invalidateKind(client, 'volume')
        notify.started(`Moving “${volumeName(volume)}” to ${pool}`, [volume.id], since)
      }}
      asCli={({ pool }) => volumeMigrateCli(volume.id, pool)}
    >
      <Select
        label="Pool"
        required
        searchable
        data-autofocus
        description={`It lies in ${volume.pool ?? 'another pool'}. All its data are copied. ${meanwhile(volume)}`}
        data={(plan ?? []).map(({ pool, problem }) => ({
          value: pool,
          label: problem === null ? pool : `${pool}: ${problem}`,
          disabled: problem !== null,
        }))}
        nothingFoundMessage={noneText(plan?.length, 'pool')}
        {...form.getInputProps('pool')}
      />
    </SidePanelForm>
  )
}
