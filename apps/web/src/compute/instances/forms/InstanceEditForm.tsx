'use client'
import { Text } from '@mantine/core'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { NameForm } from '../../../kit/NameForm.tsx'
import { notify } from '../../../kit/notify.ts'
import { invalidateKind } from '../../../kit/stale.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { serverSetCli } from '../cli.ts'

/** The form for another name and description. */
export function InstanceEditForm({
  view,
  opened,
  onClose,
}: {
  view: InstanceView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const update = useMutation(trpc.compute.instances.update.mutationOptions())
  return (
    <NameForm
      needs="member"
      title={`Edit ${view.name}`}
      initial={view}
      submitLabel="Save"
      opened={opened}
      onClose={onClose}
      onSubmit={async (values) => {
        const { name } = await update.mutateAsync({ id: view.id, ...values })
        invalidateKind(client, 'instance')
        notify.done(name === view.name ? `“${name}” is changed` : `“${view.name}” is called “${name}” now`)
      }}
      asCli={(values) => serverSetCli(view, values)}
    >
      <Text size="sm" c="dimmed">
        The guest’s own host name stays as it was launched.
      </Text>
    </NameForm>
  )
}
