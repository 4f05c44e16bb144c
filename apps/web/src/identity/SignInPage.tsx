'use client'
import { Alert, Center, Paper, Stack, Text } from '@mantine/core'
import { IconInfoCircle } from '@tabler/icons-react'
import { useState } from 'react'
import { Logo } from '../ui/Logo.tsx'
import { ExpiredPasswordForm } from './ExpiredPasswordForm.tsx'
import { SignInForm } from './SignInForm.tsx'

const notes = {
  ended: 'Your session has ended. Sign in to go on where you were.',
  'password-changed': 'Your password is changed. Sign in with the new one.',
} as const

/**
 * Asks for name and password, then for a code or a new password when the account needs one. `back` is the page to open
 * after the sign-in; `cloud` is the name under which this cloud was opened, so that nobody types a password into another.
 */
export function SignInPage({
  back,
  cloud,
  ended,
}: {
  back: string
  cloud: string
  ended: keyof typeof notes | null
}) {
  const [note, setNote] = useState(ended)
  const [expired, setExpired] = useState<{ user: string; domain: string; message: string } | null>(null)
  return (
    <Center mih="100dvh" p="md" component="main">
      <Stack w="100%" maw={380} gap="lg">
        <Stack gap={4} align="center">
          <Logo />
          <Text size="sm" c="dimmed" ta="center" style={{ overflowWrap: 'anywhere' }}>
            The private cloud at {cloud}
          </Text>
        </Stack>
        <Paper withBorder p="xl" radius="lg" shadow="sm">
          {expired ? (
            <ExpiredPasswordForm
              {...expired}
              onChanged={() => {
                setExpired(null)
                setNote('password-changed')
              }}
              onBack={() => setExpired(null)}
            />
          ) : (
            <SignInForm
              back={back}
              note={
                note && (
                  <Alert variant="light" icon={<IconInfoCircle />} p="xs">
                    {notes[note]}
                  </Alert>
                )
              }
              onExpired={setExpired}
            />
          )}
        </Paper>
        {isThisMachine(cloud) && (
          <Text size="xs" c="dimmed" ta="center">
            The first administrator’s password is printed by <code>npm start</code>.
          </Text>
        )}
      </Stack>
    </Center>
  )
}

/** Whoever opens it on the machine that it runs on has very likely just started it. */
const isThisMachine = (cloud: string): boolean => /^(localhost|127\.0\.0\.1|\[::1\])(:|$)/.test(cloud)
