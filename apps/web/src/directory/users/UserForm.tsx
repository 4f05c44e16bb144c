'use client'
import { Select, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { UserView } from '@stratolith/api/directory/users/contract'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { cloudError } from '../../kit/errors.ts'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useSession } from '../../kit/session.ts'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { DomainPick, ProjectPick } from '../pickers.tsx'
import { PasswordField } from './PasswordField.tsx'

type Values = {
  name: string
  email: string
  description: string
  domainId: string | null
  password: string
  projectId: string | null
  roleId: string | null
}

const asCli = (values: Values, role: string | null): string => {
  const name = values.name.trim() || 'NAME'
  const domain = values.domainId ?? 'default'
  const create = shellLine(
    'openstack',
    'user',
    'create',
    '--domain',
    domain,
    '--password-prompt',
    ...(values.email ? ['--email', values.email] : []),
    ...(values.projectId ? ['--project', values.projectId] : []),
    name,
  )
  if (!values.projectId || !role) return create
  const place = ['--user-domain', domain, '--project', values.projectId]
  return `${create}\n${shellLine('openstack', 'role', 'add', '--user', name, ...place, role)}`
}

const empty = { name: '', email: '', description: '', password: '', projectId: null, roleId: null }

/** Creates a user, and gives them a role in their first project when one is chosen. */
export function UserForm({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { domain, userDomain, isAdmin } = useSession()
  const home = domain ?? userDomain
  const roles =
    useQuery(trpc.directory.roles.list.queryOptions({ limit: 500, sortDir: 'asc' })).data?.items ?? []
  const usual = roles.find(({ name }) => name === 'member')?.id ?? null
  const create = useMutation(trpc.directory.users.create.mutationOptions())
  const grant = useMutation(trpc.directory.assignments.grant.mutationOptions())
  const form = useForm<Values>({
    initialValues: { ...empty, domainId: home.id },
    validate: { name: (name) => (name.trim() ? null : 'Give it a name.') },
  })
  const submit = async (values: Values) => {
    const { name, email, description, domainId, password, projectId, roleId } = values
    const made = await create.mutateAsync({
      name,
      email,
      description,
      domainId: domainId ?? undefined,
      password: password || undefined,
      defaultProjectId: projectId ?? undefined,
    })
    const role = roleId ?? usual
    // The user exists now, even when giving the role fails, so the form must not create a second user.
    if (projectId && role)
      await grant
        .mutateAsync({ userId: made.id, roleId: role, projectId })
        .catch((error: unknown) => notify.failed({ ...cloudError(error) }))
    invalidateKind(client, 'user')
    notify.done(`Created ${made.name}`)
  }
  return (
    <SidePanelForm
      needs={{ domainId: null }}
      title="Create user"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Create"
      asCli={(values) => asCli(values, values.roleId ?? usual)}
      onSubmit={submit}
    >
      <TextInput
        label="Name"
        required
        maxLength={255}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        {...form.getInputProps('name')}
      />
      <PasswordField generate {...form.getInputProps('password')} />
      <TextInput label="E-mail" type="email" maxLength={255} {...form.getInputProps('email')} />
      {isAdmin && <DomainPick chosen={home} allowDeselect={false} {...form.getInputProps('domainId')} />}
      <ProjectPick
        label="First project"
        description="Where the user lands after signing in, with the role that you choose then."
        clearable
        {...form.getInputProps('projectId')}
      />
      {form.values.projectId && (
        <Select
          label="Role there"
          allowDeselect={false}
          data={roles.map(({ id, name }) => ({ value: id, label: name }))}
          {...form.getInputProps('roleId')}
          value={form.values.roleId ?? usual}
        />
      )}
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

/** Changes a user's name, e-mail address, description and default project. */
export function UserEditForm({
  user,
  opened,
  onClose,
}: {
  user: UserView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const update = useMutation(trpc.directory.users.update.mutationOptions())
  const landing = useQuery({
    ...trpc.directory.projects.get.queryOptions({ id: user.defaultProjectId ?? '' }),
    enabled: user.defaultProjectId !== null,
  })
  const form = useForm({
    initialValues: {
      name: user.name,
      email: user.email ?? '',
      description: user.description,
      defaultProjectId: user.defaultProjectId,
    },
    validate: { name: (name) => (name.trim() ? null : 'Give it a name.') },
  })
  return (
    <SidePanelForm
      needs={{ domainId: user.domainId }}
      title={`Edit ${user.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Save"
      asCli={({ name, email, description }) =>
        shellLine(
          'openstack',
          'user',
          'set',
          ...(name === user.name ? [] : ['--name', name]),
          ...(email ? ['--email', email] : []),
          '--description',
          description,
          user.id,
        )
      }
      onSubmit={async ({ email, ...values }) => {
        await update.mutateAsync({ id: user.id, ...values, email: email || null })
        invalidateKind(client, 'user')
        notify.done(`Saved ${values.name}`)
      }}
    >
      <TextInput
        label="Name"
        required
        maxLength={255}
        disabled={user.backend !== 'sql'}
        description={user.backend === 'sql' ? undefined : 'Kept in another directory. Change it there.'}
        {...form.getInputProps('name')}
      />
      <TextInput label="E-mail" type="email" maxLength={255} {...form.getInputProps('email')} />
      <ProjectPick
        key={landing.data?.id}
        label="First project"
        description="Where the user lands after signing in."
        clearable
        chosen={landing.data}
        {...form.getInputProps('defaultProjectId')}
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
