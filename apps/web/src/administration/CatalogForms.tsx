'use client'
import { Select, Switch, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { notify } from '../kit/notify.ts'
import { SidePanelForm } from '../kit/SidePanelForm.tsx'
import { shellLine } from '../kit/shell.ts'
import { useTRPC } from '../kit/trpc.ts'

type Props = { opened: boolean; onClose: () => void }

function useSaved() {
  const client = useQueryClient()
  const trpc = useTRPC()
  return (text: string) => {
    void client.invalidateQueries({ queryKey: trpc.catalog.pathKey() })
    notify.done(text)
  }
}

export function ServiceForm({ opened, onClose }: Props) {
  const trpc = useTRPC()
  const saved = useSaved()
  const create = useMutation(trpc.catalog.services.create.mutationOptions())
  const form = useForm({ initialValues: { type: '', name: '', description: '', enabled: true } })
  return (
    <SidePanelForm
      needs="admin"
      title="Create service"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Add"
      asCli={({ type, name, description, enabled }) =>
        shellLine(
          'openstack',
          'service',
          'create',
          ...(name ? ['--name', name] : []),
          ...(description ? ['--description', description] : []),
          !enabled && '--disable',
          type || 'TYPE',
        )
      }
      onSubmit={async (values) => {
        await create.mutateAsync(values)
        saved(`Added ${values.name || values.type}`)
      }}
    >
      <TextInput
        label="Type"
        description="What programs look for: dns, object-store …"
        required
        {...form.getInputProps('type')}
      />
      <TextInput label="Name" {...form.getInputProps('name')} />
      <TextInput label="Description" {...form.getInputProps('description')} />
      <Switch
        label="Listed"
        description="Off: not in anybody’s catalog yet."
        {...form.getInputProps('enabled', { type: 'checkbox' })}
      />
    </SidePanelForm>
  )
}

export function EndpointForm({ opened, onClose }: Props) {
  const trpc = useTRPC()
  const saved = useSaved()
  const services = useQuery(trpc.catalog.services.list.queryOptions({})).data ?? []
  const regions = useQuery(trpc.catalog.regions.list.queryOptions()).data ?? []
  const create = useMutation(trpc.catalog.endpoints.create.mutationOptions())
  const form = useForm({
    initialValues: {
      serviceId: '',
      interface: 'public' as 'public' | 'internal' | 'admin',
      url: '',
      regionId: '',
      enabled: true,
    },
    validate: { serviceId: (id) => (id ? null : 'Choose a service.') },
  })
  const region = form.values.regionId || regions[0]?.id || ''
  return (
    <SidePanelForm
      needs="admin"
      title="Create endpoint"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Add"
      asCli={(values) =>
        shellLine(
          'openstack',
          'endpoint',
          'create',
          '--region',
          region,
          values.serviceId || 'SERVICE',
          values.interface,
          values.url || 'URL',
        )
      }
      onSubmit={async (values) => {
        await create.mutateAsync({ ...values, regionId: region || null })
        saved('Added the endpoint')
      }}
    >
      <Select
        label="Service"
        required
        searchable
        data={services.map(({ id, name, type }) => ({ value: id, label: name || type }))}
        {...form.getInputProps('serviceId')}
      />
      <Select
        label="Interface"
        allowDeselect={false}
        data={['public', 'internal', 'admin']}
        {...form.getInputProps('interface')}
      />
      <TextInput
        label="Address"
        description="May hold %(project_id)s and %(user_id)s."
        placeholder="https://dns.example.org"
        required
        {...form.getInputProps('url')}
      />
      <Select
        label="Region"
        allowDeselect={false}
        data={regions.map(({ id }) => id)}
        {...form.getInputProps('regionId')}
        value={region}
      />
      <Switch label="Listed" {...form.getInputProps('enabled', { type: 'checkbox' })} />
    </SidePanelForm>
  )
}

export function RegionForm({ opened, onClose }: Props) {
  const trpc = useTRPC()
  const saved = useSaved()
  const create = useMutation(trpc.catalog.regions.create.mutationOptions())
  const form = useForm({ initialValues: { id: '', description: '' } })
  return (
    <SidePanelForm
      needs="admin"
      title="Create region"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Add"
      asCli={({ id, description }) =>
        shellLine(
          'openstack',
          'region',
          'create',
          ...(description ? ['--description', description] : []),
          id || 'REGION',
        )
      }
      onSubmit={async ({ id, description }) => {
        await create.mutateAsync({ id: id || undefined, description })
        saved('Added the region')
      }}
    >
      <TextInput label="Region" placeholder="RegionTwo" required {...form.getInputProps('id')} />
      <TextInput label="Description" {...form.getInputProps('description')} />
    </SidePanelForm>
  )
}
