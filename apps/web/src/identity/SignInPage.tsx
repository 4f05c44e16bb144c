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
 * after the sign-in.
 */
export function SignInPage({ back, ended }: { back: string; ended: keyof typeof notes | null }) {
  const [note, setNote] = useState(ended)
  const [expired, setExpired] = useState<{ user: string; domain: string; message: string } | null>(null)
  return (
    <Center mih="100dvh" p="md" component="main">
      <Stack w="100%" maw={380} gap="lg">
        <Center>
          <Logo />
        </Center>
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
        <Text size="xs" c="dimmed" ta="center">
          The first administrator’s password is printed by <code>npm start</code>.
        </Text>
      </Stack>
    </Center>
  )
}
