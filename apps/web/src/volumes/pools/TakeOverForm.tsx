'use client'
import { Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { Manageable } from '@stratolith/api/volumes/manage/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ProjectPick } from '../../directory/pickers.tsx'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useSession } from '../../kit/session.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { volumeName } from '../volume.descriptor.tsx'
import { manageCli } from './values.ts'

/** Gives a project a volume that the cloud does not know. */
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
  const router = useRouter()
  const take = useMutation(trpc.volumes.manage.take.mutationOptions())
  const here = useSession().project
  const form = useForm<{ name: string; projectId: string | null }>({
    initialValues: { name: '', projectId: here?.id ?? null },
    validate: { projectId: (id) => (id ? null : 'Choose the project that gets it.') },
  })
  return (
    <SidePanelForm
      needs="admin"
      title="Take a volume over"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Take over"
      onSubmit={async ({ name, projectId }) => {
        const made = await take.mutateAsync({
          ...{ pool, ref: volume.id, name: name.trim(), projectId: projectId ?? undefined },
        })
        invalidateKind(client, 'volume')
        notify.done(`Took over ${volumeName(made)}`)
        return () => router.push(paths.volume(made.id))
      }}
      asCli={({ name }) => manageCli(pool, volume.id, name.trim())}
    >
      <ProjectPick
        label="Project"
        required
        placeholder="Type a name"
        chosen={here}
        value={form.values.projectId}
        onChange={(projectId) => form.setFieldValue('projectId', projectId)}
        error={form.errors.projectId}
      />
      <TextInput label="Name" maxLength={255} {...form.getInputProps('name')} />
      <Text size="sm" c="dimmed">
        {volume.id} becomes a volume of this project, with the data that it has, and counts in its quota.
        Nobody knows with which other volumes it shares data: give it only to the project that had it.
      </Text>
    </SidePanelForm>
  )
}
