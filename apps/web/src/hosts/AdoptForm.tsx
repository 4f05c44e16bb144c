'use client'
import { Select, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { StrayView } from '@stratolith/api/hosts/contract'
import { useMutation } from '@tanstack/react-query'
import { ProjectPick } from '../directory/pickers.tsx'
import { useRouter } from '../kit/navigation.tsx'
import { notify } from '../kit/notify.ts'
import { paths } from '../kit/paths.ts'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { adoptedText, groupsText, strayName } from './stray-words.ts'

type AdoptProps = { stray: StrayView; opened: boolean; onClose: () => void }

/** Adopts a guest as an instance of a project. */
export function AdoptGuestForm({ stray, opened, onClose }: AdoptProps) {
  const trpc = useTRPC()
  const router = useRouter()
  const adopt = useMutation(trpc.compute.instances.adopt.mutationOptions())
  const form = useForm({ initialValues: { projectId: stray.project?.name ? stray.project.id : null } })
  return (
    <SidePanelForm
      needs="admin"
      title={`Adopt ${strayName(stray)}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async ({ projectId }) => {
        const made = await adopt.mutateAsync({ strayId: stray.id, projectId: projectId ?? undefined })
        notify.done(adoptedText(made))
        return () => router.push(paths.instance(made.id))
      }}
      submitLabel="Adopt"
    >
      <Text size="sm" c="dimmed">
        It goes on as it is and is an instance again: same id, disk, addresses. A network of it that is not
        there any more comes back, too. It counts towards the quota of its project. {groupsText(stray)}
      </Text>
      {stray.project && stray.project.name === null && (
        <Text size="sm">
          It was of project {stray.project.id}, which is not there any more: choose another.
        </Text>
      )}
      <ProjectPick
        label="Project"
        placeholder={stray.project?.name ?? 'Type a name'}
        value={form.values.projectId}
        onChange={(projectId) => form.setFieldValue('projectId', projectId)}
        error={form.errors.projectId}
      />
    </SidePanelForm>
  )
}

/** Adopts bytes as an image of the session's project. */
export function AdoptBytesForm({ stray, opened, onClose }: AdoptProps) {
  const trpc = useTRPC()
  const router = useRouter()
  const adopt = useMutation(trpc.images.adopt.mutationOptions())
  const form = useForm({
    initialValues: { name: `recovered-${stray.thing.slice(0, 8)}`, diskFormat: 'qcow2' as 'qcow2' | 'raw' },
    validate: { name: (name) => (name.trim() ? null : 'Give it a name.') },
  })
  return (
    <SidePanelForm
      needs="admin"
      title="Adopt image bytes"
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async (values) => {
        const made = await adopt.mutateAsync({ strayId: stray.id, ...values })
        notify.done(`${made.name} is an image again`)
        return () => router.push(paths.image(made.id))
      }}
      submitLabel="Adopt"
    >
      <Text size="sm" c="dimmed">
        They become a private image of the project that you are in. They are read and checked like an upload,
        which takes a while for large ones.
      </Text>
      <TextInput label="Name" required {...form.getInputProps('name')} />
      <Select
        label="Format"
        allowDeselect={false}
        data={['qcow2', 'raw']}
        {...form.getInputProps('diskFormat')}
      />
    </SidePanelForm>
  )
}
