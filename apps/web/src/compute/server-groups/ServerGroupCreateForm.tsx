'use client'
import { Radio, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { GroupPolicy } from '@stratolith/api/compute/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { NumberField } from '../../kit/NumberField.tsx'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { serverGroupCreateCli } from './cli.ts'
import { policyWords } from './policy-words.ts'

type Values = { name: string; policy: GroupPolicy; maxPerHost: number | '' }

export function ServerGroupCreateForm({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const create = useMutation(trpc.compute.serverGroups.create.mutationOptions())
  const form = useForm<Values>({
    initialValues: { name: '', policy: 'anti-affinity', maxPerHost: '' },
    validate: {
      name: (name) => (name.trim() ? null : 'Give it a name.'),
      maxPerHost: (most) =>
        most === '' || (Number.isInteger(most) && most >= 1 && most <= 1000)
          ? null
          : 'From 1 to 1000, or empty for one.',
    },
  })
  return (
    <SidePanelForm
      needs="member"
      title="Create a server group"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Create"
      onSubmit={async ({ name, policy, maxPerHost }) => {
        const rule = policy === 'anti-affinity' && maxPerHost !== '' ? { maxPerHost } : {}
        await create.mutateAsync({ name, policy, ...rule })
        invalidateKind(client, 'serverGroup')
        notify.done(`Created ${name.trim()}`)
      }}
      asCli={serverGroupCreateCli}
    >
      <TextInput label="Name" required data-autofocus maxLength={255} {...form.getInputProps('name')} />
      <Radio.Group label="Its instances stand" {...form.getInputProps('policy')}>
        <Stack gap="xs" mt="xs">
          {Object.entries(policyWords).map(([value, { label, description }]) => (
            <Radio key={value} value={value} label={label} description={description} />
          ))}
        </Stack>
      </Radio.Group>
      {form.values.policy === 'anti-affinity' && (
        <NumberField
          label="Instances a host"
          description="How many may share one host. Empty: one."
          {...form.getInputProps('maxPerHost')}
        />
      )}
    </SidePanelForm>
  )
}
