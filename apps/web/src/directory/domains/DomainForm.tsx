'use client'
import { TagsInput, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { DomainView } from '@stratolith/api/directory/projects/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'

/** Creates a domain, or changes `domain`. */
export function DomainForm({
  domain,
  opened,
  onClose,
}: {
  domain?: DomainView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const create = useMutation(trpc.directory.domains.create.mutationOptions())
  const update = useMutation(trpc.directory.domains.update.mutationOptions())
  const form = useForm({
    initialValues: {
      name: domain?.name ?? '',
      description: domain?.description ?? '',
      tags: domain?.tags ?? [],
    },
    validate: { name: (name) => (name.trim() ? null : 'Give it a name.') },
  })
  return (
    <SidePanelForm
      needs="admin"
      title={domain ? `Edit ${domain.name}` : 'Create domain'}
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel={domain ? 'Save' : 'Create'}
      asCli={({ name, description }) =>
        domain
          ? shellLine(
              'openstack',
              'domain',
              'set',
              name !== domain.name && '--name',
              name !== domain.name && name,
              '--description',
              description,
              domain.name,
            )
          : shellLine(
              'openstack',
              'domain',
              'create',
              description && '--description',
              description || false,
              name.trim() || 'NAME',
            )
      }
      onSubmit={async (values) => {
        const { name } = domain
          ? await update.mutateAsync({ id: domain.id, ...values })
          : await create.mutateAsync(values)
        invalidateKind(client, 'domain')
        notify.done(domain ? `Saved ${name}` : `Created ${name}`)
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
      <TagsInput
        label="Tags"
        description="Press Enter after each."
        maxTags={80}
        {...form.getInputProps('tags')}
      />
    </SidePanelForm>
  )
}
