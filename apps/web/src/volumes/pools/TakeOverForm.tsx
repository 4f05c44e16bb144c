'use client'
import { Select, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { Manageable } from '@stratolith/api/volumes/manage/contract'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ProjectPick } from '../../directory/pickers.tsx'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useSession } from '../../kit/session.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { takeOverCli } from '../cli.ts'
import { typeText } from '../types/limit-words.ts'
import { volumeName } from '../volume.descriptor.tsx'

/** Makes what lies in a pool a volume of a project. */
export function TakeOverForm({
  pool,
  volume,
  opened,
  onClose,
}: {
  pool: string
  volume: Manageable
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { project: here, userId } = useSession()
  const router = useRouter()
  const take = useMutation(trpc.volumes.manage.take.mutationOptions())
  const { types = [], defaultId } = useQuery(trpc.volumes.types.usable.queryOptions()).data ?? {}
  const form = useForm<{ projectId: string | null; name: string; type: string | null }>({
    initialValues: { projectId: here?.id ?? null, name: '', type: null },
    validate: { projectId: (id) => (id ? null : 'Choose the project that gets the volume.') },
  })
  const usual = types.find(({ id }) => id === defaultId)
  const chosen = types.find(({ name }) => name === form.values.type)
  return (
    <SidePanelForm
      title="Take a volume over"
      needs="admin"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Take over"
      onSubmit={async ({ projectId, name, type }) => {
        const made = await take.mutateAsync({
          ...{ pool, ref: volume.id, name: name.trim(), type: type ?? undefined },
          projectId: projectId ?? undefined,
        })
        invalidateKind(client, 'volume')
        notify.done(`Took over ${volumeName(made)}`)
        return () => router.push(paths.volume(made.id))
      }}
      asCli={(values) => takeOverCli({ ...values, pool, ref: volume.id, userId })}
    >
      <Text size="sm">
        {volume.id} becomes a volume of this project, with the data that it has, and counts in its quota.
        Nobody knows with which other volumes it shares data: give it only to the project that had it. It
        cannot be offered to another project afterwards.
      </Text>
      <ProjectPick required chosen={here} {...form.getInputProps('projectId')} />
      <TextInput label="Name" maxLength={255} {...form.getInputProps('name')} />
      <Select
        label="Type"
        description={chosen && typeText(chosen, volume.sizeGib)}
        data={types.map((type) => ({
          value: type.name,
          label: type.name,
          disabled: type.encryption !== null || type.multiattach,
        }))}
        placeholder={usual?.name}
        clearable
        {...form.getInputProps('type')}
      />
    </SidePanelForm>
  )
}
