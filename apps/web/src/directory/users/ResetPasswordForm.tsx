'use client'
import { Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { UserView } from '@stratolith/api/directory/users/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { PasswordField } from './PasswordField.tsx'

/** Sets a new password by an administrator; every session of the user ends. */
export function ResetPasswordForm({
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
  const reset = useMutation(trpc.directory.users.resetPassword.mutationOptions())
  const form = useForm({
    initialValues: { password: '' },
    validate: { password: (text) => (text ? null : 'Type the new password.') },
  })
  return (
    <SidePanelForm
      needs={{ domainId: user.domainId }}
      title={`New password for ${user.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Set the password"
      asCli={() => shellLine('openstack', 'user', 'set', '--password-prompt', user.id)}
      onSubmit={async ({ password }) => {
        await reset.mutateAsync({ id: user.id, password })
        invalidateKind(client, 'user')
        notify.done(`${user.name} has a new password`)
      }}
    >
      <PasswordField label="New password" generate {...form.getInputProps('password')} />
      <Text size="sm" c="dimmed">
        Every session of {user.name} ends at once, and so does waiting after wrong passwords. Tell the
        password on a safe way; the cloud keeps no readable copy.
      </Text>
    </SidePanelForm>
  )
}
