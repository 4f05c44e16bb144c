'use client'
import { Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { GroupView } from '@stratolith/api/directory/users/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useSession } from '../../kit/session.ts'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { DomainPick } from '../pickers.tsx'

/** Creates a group, or changes `group`. */
export function GroupForm({
  group,
  opened,
  onClose,
}: {
  group?: GroupView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { domain, userDomain, isAdmin } = useSession()
  const home = domain ?? userDomain
  const create = useMutation(trpc.directory.groups.create.mutationOptions())
  const update = useMutation(trpc.directory.groups.update.mutationOptions())
  const form = useForm({
    initialValues: {
      name: group?.name ?? '',
      description: group?.description ?? '',
      domainId: home.id as string | null,
    },
    validate: { name: (name) => (name.trim() ? null : 'Give it a name.') },
  })
  return (
    <SidePanelForm
      needs={{ domainId: group?.domainId ?? null }}
      title={group ? `Edit ${group.name}` : 'Create group'}
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel={group ? 'Save' : 'Create'}
      asCli={({ name, description, domainId }) =>
        group
          ? shellLine(
              'openstack',
              'group',
              'set',
              ...(name === group.name ? [] : ['--name', name]),
              '--description',
              description,
              group.id,
            )
          : shellLine(
              'openstack',
              'group',
              'create',
              '--domain',
              domainId ?? 'default',
              ...(description ? ['--description', description] : []),
              name.trim() || 'NAME',
            )
      }
      onSubmit={async ({ name, description, domainId }) => {
        if (group) await update.mutateAsync({ id: group.id, name, description })
        else await create.mutateAsync({ name, description, domainId: domainId ?? undefined })
        invalidateKind(client, 'group')
        notify.done(group ? `Saved ${name}` : `Created ${name}`)
      }}
    >
      <TextInput label="Name" required maxLength={64} {...form.getInputProps('name')} />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      {!group && isAdmin && (
        <DomainPick chosen={home} allowDeselect={false} {...form.getInputProps('domainId')} />
      )}
    </SidePanelForm>
  )
}
