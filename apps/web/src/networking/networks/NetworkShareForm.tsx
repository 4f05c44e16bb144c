'use client'
import { Checkbox, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { useMutation } from '@tanstack/react-query'
import { ProjectPick } from '../../directory/pickers.tsx'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { networkShareCli } from '../cli.ts'

type Values = { targetProject: string; everybody: boolean }
const targetOf = ({ targetProject, everybody }: Values): string => (everybody ? '*' : targetProject.trim())

/** Opens a network to one more project. Administrators find the project by name; other people must know its ID. */
export function NetworkShareForm({
  network,
  opened,
  onClose,
}: {
  network: NetworkView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const { isAdmin } = useSession()
  const share = useMutation(trpc.networking.rbacPolicies.create.mutationOptions())
  const form = useForm<Values>({
    initialValues: { targetProject: '', everybody: false },
    validate: {
      targetProject: (_, values) => {
        const target = targetOf(values)
        if (target === '') return isAdmin ? 'Choose a project.' : 'Write the id of a project.'
        return target === network.projectId ? 'The network belongs to this project already.' : null
      },
    },
  })
  const { targetProject, everybody } = form.values
  const set = (value: string) => form.setFieldValue('targetProject', value)
  return (
    <SidePanelForm
      needs={{ own: network.own }}
      title={`Share ${network.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async (values) => {
        await share.mutateAsync({ networkId: network.id, targetProject: targetOf(values) })
        notify.done(`${network.name} is shared`)
      }}
      submitLabel="Share"
      asCli={(values) => networkShareCli(network.id, targetOf(values))}
    >
      {isAdmin ? (
        <ProjectPick
          required
          openOnFocus={false}
          disabled={everybody}
          value={targetProject || null}
          onChange={(value) => set(value ?? '')}
          error={form.errors.targetProject}
        />
      ) : (
        <TextInput
          label="ID of the project"
          required
          data-autofocus
          data-path="targetProject"
          description="Whoever works in it finds it under API access."
          autoComplete="off"
          spellCheck={false}
          value={targetProject}
          onChange={(event) => set(event.currentTarget.value)}
          error={form.errors.targetProject}
        />
      )}
      {isAdmin && (
        <Checkbox
          label="Every project"
          description="Those that are made later, too."
          {...form.getInputProps('everybody', { type: 'checkbox' })}
        />
      )}
    </SidePanelForm>
  )
}
