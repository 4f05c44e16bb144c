'use client'
import { Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../../kit/notify.ts'
import { SidePanelForm } from '../../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../../kit/stale.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { lockCli } from '../cli.ts'
import { lockSpares } from '../lock-words.ts'
import type { InstanceFormProps } from './use-instance-forms.tsx'

/** Locks an instance, with a reason for people who come later. */
export function LockForm({ view, opened, onClose }: InstanceFormProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const lock = useMutation(trpc.compute.instances.lock.mutationOptions())
  const form = useForm({ initialValues: { reason: '' } })
  return (
    <SidePanelForm
      needs="member"
      title={`Lock ${view.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Lock"
      onSubmit={async ({ reason }) => {
        await lock.mutateAsync({ id: view.id, reason: reason.trim() || null })
        invalidateKind(client, 'instance')
        notify.done(`“${view.name}” is locked`)
      }}
      asCli={({ reason }) => lockCli(view.id, reason.trim())}
    >
      <Text size="sm">
        Until somebody unlocks it, only {lockSpares} change. Administrators may still do everything.
      </Text>
      <TextInput
        label="Reason"
        description="Optional: whoever finds it locked reads this."
        maxLength={255}
        data-autofocus
        {...form.getInputProps('reason')}
      />
    </SidePanelForm>
  )
}
