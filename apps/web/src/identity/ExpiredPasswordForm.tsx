'use client'
import { Alert, Anchor, Button, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useState } from 'react'
import { changePassword } from './change-password.ts'

/** Changes a password that has expired. The old password is accepted for this alone. */
export function ExpiredPasswordForm({
  user,
  domain,
  message,
  onChanged,
  onBack,
}: {
  user: string
  domain: string
  message: string
  onChanged: () => void
  onBack: () => void
}) {
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { oldPassword: '', password: '', again: '' },
    validate: {
      oldPassword: (text) => (text ? null : 'Type the old password.'),
      password: (text) => (text ? null : 'Type the new password.'),
      again: (text, { password }) => (text === password ? null : 'This is not the same.'),
    },
  })
  const submit = async ({ oldPassword, password }: typeof form.values) => {
    setBusy(true)
    setFailure(null)
    const problem = await changePassword({ user: { name: user, domain }, oldPassword, password })
    setBusy(false)
    if (problem === null) onChanged()
    else setFailure(problem)
  }
  const field = (name: 'oldPassword' | 'password' | 'again', label: string, autoComplete: string) => (
    <PasswordInput
      label={label}
      autoComplete={autoComplete}
      autoFocus={name === 'oldPassword'}
      visibilityToggleButtonProps={{ 'aria-label': `Show: ${label}`, tabIndex: 0 }}
      key={form.key(name)}
      {...form.getInputProps(name)}
    />
  )
  return (
    <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
      <Stack gap="md">
        <Title order={1} size="h3">
          A new password
        </Title>
        <Text size="sm">{message}</Text>
        {failure !== null && (
          <Alert variant="light" color="bad" icon={<IconAlertTriangle />} p="xs" role="alert">
            {failure}
          </Alert>
        )}
        {field('oldPassword', 'Old password', 'current-password')}
        {field('password', 'New password', 'new-password')}
        {field('again', 'New password again', 'new-password')}
        <Button type="submit" loading={busy} size="md" fullWidth>
          Change the password
        </Button>
        <Anchor component="button" type="button" size="xs" c="dimmed" onClick={onBack}>
          Back to sign-in
        </Anchor>
      </Stack>
    </form>
  )
}
