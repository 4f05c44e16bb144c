'use client'
import { Radio, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../../kit/notify.ts'
import { SidePanelForm } from '../../../kit/SidePanelForm.tsx'
import { shellLine } from '../../../kit/shell.ts'
import { invalidateKind } from '../../../kit/stale.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import type { InstanceFormProps } from './use-instance-forms.tsx'

type Values = { to: 'active' | 'error' }

/** Lets an administrator set the state of an instance that is stuck in another state. */
export function ResetStateForm({ view, opened, onClose }: InstanceFormProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const reset = useMutation(trpc.compute.instances.resetState.mutationOptions())
  const form = useForm<Values>({ initialValues: { to: 'active' } })
  return (
    <SidePanelForm
      needs="admin"
      title={`Reset the state of ${view.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Reset the state"
      onSubmit={async ({ to }) => {
        await reset.mutateAsync({ id: view.id, to })
        invalidateKind(client, 'instance')
        notify.done(`The state of “${view.name}” is ${to} now`)
      }}
      asCli={({ to }) => shellLine('openstack', 'server', 'set', '--state', to, view.id)}
    >
      <Text size="sm">
        For an instance that is stuck. What is under way for it is given up; its guest is not touched.
      </Text>
      <Radio.Group label="State" {...form.getInputProps('to')}>
        <Stack gap="xs" mt="xs">
          <Radio
            value="active"
            label="Active"
            description="It is free again. Its host is asked within seconds, and has the last word."
          />
          <Radio value="error" label="Error" description="It can be deleted, or started by a hard reboot." />
        </Stack>
      </Radio.Group>
    </SidePanelForm>
  )
}
