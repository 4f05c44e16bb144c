'use client'
import { Group, Radio, Stack, Switch, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { NumberField } from '../../kit/NumberField.tsx'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { emptyFlavor, type FlavorValues, flavorCli, flavorInput, flavorProblems } from './values.ts'

export function FlavorCreateForm({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const create = useMutation(trpc.compute.flavors.create.mutationOptions())
  const form = useForm<FlavorValues>({ initialValues: emptyFlavor, validate: flavorProblems })
  return (
    <SidePanelForm
      needs="admin"
      title="Create flavor"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Create"
      asCli={flavorCli}
      onSubmit={async (values) => {
        const { name } = await create.mutateAsync(flavorInput(values))
        invalidateKind(client, 'flavor')
        notify.done(`Created ${name}`)
      }}
    >
      <Stack gap="sm">
        <TextInput label="Name" placeholder="m1.small" maxLength={255} {...form.getInputProps('name')} />
        <Group grow align="flex-start">
          <NumberField label="vCPU" {...form.getInputProps('vcpus')} />
          <NumberField label="Memory" suffix=" MiB" step={512} {...form.getInputProps('memoryMib')} />
          <NumberField label="Disk" suffix=" GiB" {...form.getInputProps('diskGib')} />
        </Group>
        <Group grow align="flex-start">
          <NumberField
            label="Ephemeral disk"
            description="Deleted with its instance."
            suffix=" GiB"
            {...form.getInputProps('ephemeralGib')}
          />
          <NumberField
            label="Swap disk"
            description="0: instances have none."
            suffix=" MiB"
            step={512}
            {...form.getInputProps('swapMib')}
          />
        </Group>
        <TextInput label="Description" maxLength={1000} {...form.getInputProps('description')} />
        <Radio.Group label="Root disk" {...form.getInputProps('diskMode')}>
          <Stack gap="xs" mt="xs">
            <Radio
              value="overlay"
              label="On top of the image"
              description="Ready at once; shares the image’s blocks with its neighbours."
            />
            <Radio
              value="copy"
              label="Full copy of the image"
              description="Takes longer and more room, and is faster in use."
            />
          </Stack>
        </Radio.Group>
        <Switch
          label="For everybody"
          description="Off: only projects that are let in, on its page."
          {...form.getInputProps('public', { type: 'checkbox' })}
        />
        <TextInput
          label="ID"
          description="Empty: one is made up."
          maxLength={255}
          {...form.getInputProps('id')}
        />
      </Stack>
    </SidePanelForm>
  )
}
