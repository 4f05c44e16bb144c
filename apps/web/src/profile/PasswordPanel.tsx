'use client'
import { Alert, Button, Group, PasswordInput, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { PasswordField } from '../directory/users/PasswordField.tsx'
import { AsCode } from '../kit/AsCode.tsx'
import { cloudError, isSessionOver } from '../kit/errors.ts'
import { useSession } from '../kit/session.ts'
import { expectEnd, leave } from '../kit/session-end.ts'
import { useTRPC } from '../kit/trpc.ts'
import { Section } from '../ui/Section.tsx'

/** Changes the password, for which the old one is needed. The change ends all sessions of the person, this one too. */
export function PasswordPanel() {
  const trpc = useTRPC()
  const { userId } = useSession()
  const change = useMutation(trpc.identity.changePassword.mutationOptions())
  const form = useForm({
    initialValues: { oldPassword: '', password: '', again: '' },
    validate: {
      oldPassword: (text) => (text ? null : 'Type the password that you have now.'),
      password: (text) => (text ? null : 'Type the new password.'),
      again: (text, { password }) => (text === password ? null : 'This is not the same.'),
    },
  })
  const submit = async ({ oldPassword, password }: typeof form.values) => {
    expectEnd('password-changed')
    try {
      await change.mutateAsync({ user: { id: userId }, oldPassword, password })
      leave('password-changed')
    } catch (error) {
      expectEnd(null)
      // The session has ended and the sign-in page is opening, so the typed password is not wrong.
      if (isSessionOver(error)) return
      const { code, field, message } = cloudError(error)
      form.setFieldError(
        code === 'unauthenticated' ? 'oldPassword' : field === 'password' ? 'password' : 'root',
        code === 'unauthenticated' ? 'This is not your password.' : message,
      )
    }
  }
  return (
    <Section title="Change the password">
      <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
        <Stack gap="md" maw={420}>
          <PasswordInput
            label="Password now"
            autoComplete="current-password"
            visibilityToggleButtonProps={{ 'aria-label': 'Show the password', tabIndex: 0 }}
            {...form.getInputProps('oldPassword')}
          />
          <PasswordField label="New password" {...form.getInputProps('password')} />
          <PasswordField label="New password again" description=" " {...form.getInputProps('again')} />
          {form.errors.root && (
            <Alert
              color="bad"
              variant="light"
              role="alert"
              icon={<IconAlertTriangle />}
              title={form.errors.root}
            />
          )}
          <Text size="sm" c="dimmed">
            You are signed out everywhere and sign in again with the new one. Application credentials go on.
          </Text>
          <Group>
            <Button type="submit" loading={change.isPending}>
              Change the password
            </Button>
          </Group>
          <AsCode cli="openstack user password set" />
        </Stack>
      </form>
    </Section>
  )
}
