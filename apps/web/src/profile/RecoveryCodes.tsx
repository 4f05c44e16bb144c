'use client'
import { Alert, Button, Code, CopyButton, Group, PasswordInput, SimpleGrid, Stack, Text } from '@mantine/core'
import { IconCopy, IconDownload, IconLifebuoy } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { cloudError } from '../kit/errors.ts'
import { saveText } from '../kit/save-file.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { leftText, recoveryFile } from './recovery-words.ts'

/** Shows the recovery codes at the only moment when the portal has them: afterwards only the person has them. */
export function RecoveryCodesOnce({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const { userName } = useSession()
  const text = recoveryFile(userName, window.location.host, codes)
  return (
    <Alert
      variant="light"
      color="warn"
      c="var(--mantine-color-text)"
      styles={{ title: { color: 'inherit' }, closeButton: { color: 'inherit' } }}
      icon={<IconLifebuoy />}
      title="Keep the recovery codes: they are shown only now"
      withCloseButton
      closeButtonLabel="Close: I have the codes"
      onClose={onDone}
    >
      <Stack gap="sm">
        <Text size="sm">
          When you have lost your authenticator, each of them signs you in once, in the place of its six
          digits. Keep them where your phone is not.
        </Text>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" aria-label="Recovery codes" role="list" maw={360}>
          {codes.map((code) => (
            <Code key={code} role="listitem">
              {code}
            </Code>
          ))}
        </SimpleGrid>
        <Group gap="xs">
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={14} />}
            onClick={() => saveText('stratolith-recovery-codes.txt', text)}
          >
            Download
          </Button>
          <CopyButton value={codes.join('\n')}>
            {({ copied, copy }) => (
              <Button size="xs" variant="default" leftSection={<IconCopy size={14} />} onClick={copy}>
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
        </Group>
      </Stack>
    </Alert>
  )
}

/** Replaces the old recovery codes by ten new ones. */
export function RenewRecoveryCodes({ left, onMade }: { left: number; onMade: (codes: string[]) => void }) {
  const trpc = useTRPC()
  const [password, setPassword] = useState('')
  const renew = useMutation(
    trpc.identity.secondFactor.recoveryCodes.mutationOptions({
      onSuccess({ recoveryCodes }) {
        setPassword('')
        onMade(recoveryCodes)
      },
    }),
  )
  return (
    <form
      aria-label="Recovery codes"
      onSubmit={(event) => {
        event.preventDefault()
        renew.mutate({ password })
      }}
    >
      <Stack gap="md" maw={420}>
        <Text size="sm">{leftText(left)}</Text>
        <PasswordInput
          label="Your password, for new recovery codes"
          description="The codes that you have now open nothing any more."
          autoComplete="current-password"
          visibilityToggleButtonProps={{ 'aria-label': 'Show the password', tabIndex: 0 }}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          error={renew.error ? cloudError(renew.error).message : null}
        />
        <Group>
          <Button type="submit" variant="default" disabled={password === ''} loading={renew.isPending}>
            Make new recovery codes
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
