'use client'
import { Checkbox, MultiSelect, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { NewApplicationCredential } from '@stratolith/api/delegation/application-credentials/contract'
import { useMutation } from '@tanstack/react-query'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { useSession } from '../kit/session.ts'
import { shellLine } from '../kit/shell.ts'
import { useTRPC } from '../kit/trpc.ts'

export function CredentialForm({
  opened,
  onClose,
  onMade,
}: {
  opened: boolean
  onClose: () => void
  onMade: (credential: NewApplicationCredential) => void
}) {
  const trpc = useTRPC()
  const { project, roles } = useSession()
  const create = useMutation(trpc.delegation.applicationCredentials.create.mutationOptions())
  const form = useForm({
    initialValues: { name: '', description: '', roles, expiresAt: '', unrestricted: false },
    validate: {
      name: (name) => (name.trim() ? null : 'Give it a name.'),
      roles: (chosen) => (chosen.length > 0 ? null : 'Choose at least one role.'),
      expiresAt: (text) => (text && Date.parse(text) <= Date.now() ? 'That is in the past.' : null),
    },
  })
  return (
    <SidePanelForm
      needs="nothing"
      title="Create application credential"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Create"
      asCli={(values) =>
        shellLine(
          'openstack',
          'application',
          'credential',
          'create',
          ...values.roles.flatMap((role) => ['--role', role]),
          ...(values.expiresAt ? ['--expiration', values.expiresAt] : []),
          values.unrestricted && '--unrestricted',
          values.name.trim() || 'NAME',
        )
      }
      onSubmit={async (values) => {
        onMade(
          await create.mutateAsync({
            name: values.name,
            description: values.description,
            roles: values.roles.map((name) => ({ name })),
            expiresAt: values.expiresAt ? new Date(values.expiresAt).toISOString() : undefined,
            unrestricted: values.unrestricted,
          }),
        )
      }}
    >
      <TextInput label="Name" required placeholder="ci" {...form.getInputProps('name')} />
      <TextInput label="Description" {...form.getInputProps('description')} />
      <Text size="sm">For the project {project?.name}.</Text>
      <MultiSelect
        label="Roles"
        description="The fewer, the better."
        data={roles}
        {...form.getInputProps('roles')}
      />
      <TextInput
        type="datetime-local"
        label="Ends"
        description="Empty: never."
        {...form.getInputProps('expiresAt')}
      />
      <Checkbox
        label="Unrestricted"
        description="It may make and delete credentials itself. Whoever steals it can stay."
        {...form.getInputProps('unrestricted', { type: 'checkbox' })}
      />
    </SidePanelForm>
  )
}
