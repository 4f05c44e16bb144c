'use client'
import {
  Alert,
  Anchor,
  Button,
  Center,
  Collapse,
  Paper,
  PasswordInput,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core'
import { useForm } from '@mantine/form'
import { useDisclosure } from '@mantine/hooks'
import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react'
import { useState } from 'react'
import { Logo } from '../ui/Logo.tsx'

/** User name, password, and a domain for those who have more than one. `back`: where to go then. */
export function SignInPage({ back, ended }: { back: string; ended: boolean }) {
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const [domainShown, domain] = useDisclosure(false)
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { user: '', password: '', domain: '' },
    validate: {
      user: (value) => (value.trim() ? null : 'Type your user name.'),
      password: (value) => (value ? null : 'Type the password.'),
    },
  })
  const submit = async (values: { user: string; password: string; domain: string }) => {
    setBusy(true)
    setFailure(null)
    const problem = await signIn(values)
    if (problem === null) return window.location.assign(back)
    setFailure(problem)
    setBusy(false)
    form.setFieldValue('password', '')
    form.getInputNode('password')?.focus()
  }
  return (
    <Center mih="100dvh" p="md" component="main">
      <Stack w="100%" maw={380} gap="lg">
        <Center>
          <Logo />
        </Center>
        <Paper withBorder p="xl" radius="lg" shadow="sm">
          <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
            <Stack gap="md">
              <Title order={1} size="h3">
                Sign in
              </Title>
              {ended && failure === null && (
                <Alert variant="light" icon={<IconInfoCircle />} p="xs">
                  Your session has ended. Sign in to go on where you were.
                </Alert>
              )}
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
                key={form.key('user')}
                {...form.getInputProps('user')}
              />
              <PasswordInput
                label="Password"
                autoComplete="current-password"
                required
                withAsterisk={false}
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
              <Button type="submit" loading={busy} size="md" fullWidth>
                Sign in
              </Button>
              {!domainShown && (
                <Anchor component="button" type="button" size="xs" c="dimmed" onClick={domain.open}>
                  Another domain than “Default”
                </Anchor>
              )}
            </Stack>
          </form>
        </Paper>
        <Text size="xs" c="dimmed" ta="center">
          The first administrator’s password is printed by <code>npm start</code>.
        </Text>
      </Stack>
    </Center>
  )
}

/** Null when it worked, else the sentence why not. */
async function signIn(values: { user: string; password: string; domain: string }): Promise<string | null> {
  try {
    const auth = await import('next-auth/react')
    const result = await auth.signIn('credentials', { ...values, redirect: false })
    if (result?.ok && !result.error) return null
    return result?.error ?? 'The portal gave no answer. Try again.'
  } catch {
    return 'The portal does not answer. Check your connection and try again.'
  }
}
