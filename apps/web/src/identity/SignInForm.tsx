'use client'
import { Alert, Anchor, Button, Collapse, PasswordInput, Stack, TextInput, Title } from '@mantine/core'
import { useDisclosure, useMounted } from '@mantine/hooks'
import { IconAlertTriangle } from '@tabler/icons-react'
import { type FormEvent, type ReactNode, useRef, useState } from 'react'
import { readSignInAnswer, type SignInAnswer } from './sign-in-answer.ts'

const names = ['user', 'password', 'domain', 'code'] as const
type Values = Record<(typeof names)[number], string>

/**
 * Asks for user name and password, a domain from users who have another, and a code from users who have set codes up.
 * The values are read from the fields on submit, because a browser may have filled fields, or a user typed, before
 * React ran.
 */
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
  const alive = useMounted()
  const [missing, setMissing] = useState<Partial<Values>>({})
  const form = useRef<HTMLFormElement>(null)
  const field = (name: keyof Values) =>
    form.current?.querySelector<HTMLInputElement>(`[name=${name}]`) ?? null
  /** Empties the field and focuses it, in the next frame, because the field may be drawn only then. */
  const askAgain = (name: keyof Values) =>
    requestAnimationFrame(() => {
      const input = field(name)
      if (input === null) return
      input.value = ''
      input.focus()
    })
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const values = Object.fromEntries(names.map((name) => [name, field(name)?.value ?? ''])) as Values
    const errors = {
      ...(!values.user.trim() && { user: 'Type your user name.' }),
      ...(!values.password && { password: 'Type the password.' }),
    }
    setMissing(errors)
    setFailure(null)
    const first = names.find((name) => name in errors)
    if (first) return field(first)?.focus()
    setBusy(true)
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
      // The first time, nothing was wrong: the account asks for a code.
      if (wantsCode) setFailure(answer.message)
      setWantsCode(true)
      return askAgain('code')
    }
    setFailure(answer.message)
    setWantsCode(false)
    askAgain('password')
  }
  return (
    <form ref={form} onSubmit={(event) => void submit(event)} noValidate>
      <Stack gap="md">
        <Title order={1} size="h3">
          Sign in
        </Title>
        {failure === null && !wantsCode && note}
        <Failure text={failure} />
        <TextInput
          label="User name"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          withAsterisk={false}
          readOnly={wantsCode}
          name="user"
          error={missing.user}
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          readOnly={wantsCode}
          visibilityToggleButtonProps={{ 'aria-label': 'Show the password', tabIndex: 0 }}
          name="password"
          error={missing.password}
        />
        <Collapse expanded={domainShown}>
          <TextInput label="Domain" placeholder="Default" name="domain" />
        </Collapse>
        {wantsCode && <CodeField />}
        <Button type="submit" loading={busy} size="md" fullWidth {...(!alive && asleep)}>
          Sign in
        </Button>
        <Other
          wantsCode={wantsCode}
          domainShown={domainShown}
          anotherUser={() => setWantsCode(false)}
          anotherDomain={domain.open}
        />
      </Stack>
    </form>
  )
}

function Failure({ text }: { text: string | null }) {
  if (text === null) return null
  return (
    <Alert variant="light" color="bad" icon={<IconAlertTriangle />} p="xs" role="alert">
      {text}
    </Alert>
  )
}

function CodeField() {
  return (
    <TextInput
      label="Code"
      description="The six digits that your authenticator app shows, or a recovery code."
      autoComplete="one-time-code"
      maxLength={32}
      name="code"
    />
  )
}

/** Links to sign in to another account than the one that the form shows. */
function Other({
  wantsCode,
  domainShown,
  anotherUser,
  anotherDomain,
}: {
  wantsCode: boolean
  domainShown: boolean
  anotherUser: () => void
  anotherDomain: () => void
}) {
  if (wantsCode)
    return (
      <Anchor component="button" type="button" size="xs" c="dimmed" onClick={anotherUser}>
        Another user
      </Anchor>
    )
  if (domainShown) return null
  return (
    <Anchor component="button" type="button" size="xs" c="dimmed" onClick={anotherDomain}>
      Use another domain
    </Anchor>
  )
}

/**
 * The disabled button looks as if it were enabled, because React runs before anybody has read the page. A form sent
 * earlier would lose what the user has typed.
 */
const asleep = {
  disabled: true,
  bg: 'var(--mantine-primary-color-filled)',
  c: 'var(--mantine-primary-color-contrast)',
}

/** Null when the sign-in succeeded, else the reason for the refusal and what the account asks for. */
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
