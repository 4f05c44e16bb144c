'use client'
import { Alert, Anchor, Button, Collapse, PasswordInput, Stack, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useDisclosure } from '@mantine/hooks'
import { IconAlertTriangle } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { readSignInAnswer, type SignInAnswer } from './sign-in-answer.ts'

type Values = { user: string; password: string; domain: string; code: string }

/** User name, password, a domain for those who have more than one, a code for those who set it up. */
export function SignInForm({
  back,
  note,
  onExpired,
}: {
  back: string
  note: ReactNode
  onExpired: (account: { user: string; domain: string; message: string }) => void
}) {
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const [wantsCode, setWantsCode] = useState(false)
  const [domainShown, domain] = useDisclosure(false)
  const form = useForm<Values>({
    mode: 'uncontrolled',
    initialValues: { user: '', password: '', domain: '', code: '' },
    validate: {
      user: (value) => (value.trim() ? null : 'Type your user name.'),
      password: (value) => (value ? null : 'Type the password.'),
    },
  })
  const submit = async (values: Values) => {
    setBusy(true)
    setFailure(null)
    const answer = await signIn(values)
    if (answer === null) return window.location.assign(back)
    setBusy(false)
    if (answer.asks === 'password')
      return onExpired({
        user: values.user,
        domain: values.domain || 'Default',
        message: answer.message,
      })
    if (answer.asks === 'code') {
      // The first time nothing was wrong: the account simply asks for it.
      if (wantsCode) setFailure(answer.message)
      setWantsCode(true)
      form.setFieldValue('code', '')
      return requestAnimationFrame(() => form.getInputNode('code')?.focus())
    }
    setFailure(answer.message)
    setWantsCode(false)
    form.setFieldValue('password', '')
    requestAnimationFrame(() => form.getInputNode('password')?.focus())
  }
  return (
    <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
      <Stack gap="md">
        <Title order={1} size="h3">
          Sign in
        </Title>
        {failure === null && !wantsCode && note}
        {failure !== null && (
          <Alert variant="light" color="red" icon={<IconAlertTriangle />} p="xs" role="alert">
            {failure}
          </Alert>
        )}
        <TextInput
          label="User name"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          withAsterisk={false}
          readOnly={wantsCode}
          key={form.key('user')}
          {...form.getInputProps('user')}
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          readOnly={wantsCode}
          visibilityToggleButtonProps={{ 'aria-label': 'Show the password', tabIndex: 0 }}
          key={form.key('password')}
          {...form.getInputProps('password')}
        />
        <Collapse expanded={domainShown}>
          <TextInput
            label="Domain"
            placeholder="Default"
            key={form.key('domain')}
            {...form.getInputProps('domain')}
          />
        </Collapse>
        {wantsCode && (
          <TextInput
            label="Code"
            description="The six digits that your authenticator app shows."
            inputMode="numeric"
            autoComplete="one-time-code"
            maxLength={8}
            key={form.key('code')}
            {...form.getInputProps('code')}
          />
        )}
        <Button type="submit" loading={busy} size="md" fullWidth>
          Sign in
        </Button>
        {wantsCode ? (
          <Anchor component="button" type="button" size="xs" c="dimmed" onClick={() => setWantsCode(false)}>
            Another user
          </Anchor>
        ) : (
          !domainShown && (
            <Anchor component="button" type="button" size="xs" c="dimmed" onClick={domain.open}>
              Another domain than “Default”
            </Anchor>
          )
        )}
      </Stack>
    </form>
  )
}

/** Null when it worked, else why not and what the account asks for. */
async function signIn(values: Values): Promise<SignInAnswer | null> {
  try {
    const auth = await import('next-auth/react')
    const result = await auth.signIn('credentials', { ...values, redirect: false })
    if (result?.ok && !result.error) return null
    return readSignInAnswer(result?.error ?? 'The portal gave no answer. Try again.')
  } catch {
    return {
      asks: null,
      message: 'The portal does not answer. Check your connection and try again.',
    }
  }
}
