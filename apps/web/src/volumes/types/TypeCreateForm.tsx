'use client'
import { Group, Select, Switch } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { NumberField } from '../../kit/NumberField.tsx'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { TypeFields } from './TypeFields.tsx'
import { emptyType, type TypeValues, typeCli, typeInput, typeProblems } from './values.ts'

export function TypeCreateForm({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const create = useMutation(trpc.volumes.types.create.mutationOptions())
  const pools = useQuery(trpc.volumes.pools.list.queryOptions()).data ?? []
  const form = useForm<TypeValues>({ initialValues: emptyType, validate: typeProblems })
  return (
    <SidePanelForm
      needs="admin"
      title="Create volume type"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Create"
      asCli={typeCli}
      onSubmit={async (values) => {
        const { name } = await create.mutateAsync(typeInput(values))
        invalidateKind(client, 'volumeType')
        notify.done(`Created ${name}`)
      }}
    >
      <TypeFields inputs={form.getInputProps} />
      <Switch
        label="Encrypt volumes"
        description="Who gets the disks of a machine cannot read them. Guests see no difference."
        {...form.getInputProps('encrypted', { type: 'checkbox' })}
      />
      <Switch
        label="For several instances"
        description="They may have a volume at the same time. It begins empty, and needs a file system that is made for that."
        {...form.getInputProps('shared', { type: 'checkbox' })}
      />
      <Group grow align="flex-start">
        <NumberField
          label="Operations"
          suffix=" a second"
          placeholder="No limit"
          thousandSeparator=","
          {...form.getInputProps('iops')}
        />
        <NumberField
          label="Throughput"
          suffix=" MiB/s"
          placeholder="No limit"
          thousandSeparator=","
          {...form.getInputProps('mibps')}
        />
      </Group>
      <Select
        label="Pool"
        description="Where its volumes lie. More wishes are extra specs, on its page."
        placeholder="Any pool"
        clearable
        searchable
        data={pools.map(({ name }) => name)}
        {...form.getInputProps('pool')}
      />
    </SidePanelForm>
  )
}
