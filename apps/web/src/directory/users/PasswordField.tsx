'use client'
import { Button, Group, PasswordInput, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { notify } from '../../kit/notify.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { newPassword, rulesInWords } from './passwords.ts'

/**
 * A field for a new password, with the rules for it. The user can have a password generated, and then sees and copies
 * it.
 */
export function PasswordField({
  label = 'Password',
  value = '',
  onChange,
  error,
  generate = false,
  autoComplete = 'new-password',
  description,
}: {
  label?: string
  value?: string
  onChange: (value: string) => void
  error?: ReactNode
  generate?: boolean
  autoComplete?: string
  description?: ReactNode
}) {
  const trpc = useTRPC()
  const rules = useQuery(trpc.identity.passwordRules.queryOptions())
  const [visible, setVisible] = useState(false)
  return (
    <Stack gap="xs">
      <PasswordInput
        label={label}
        description={description ?? (rules.data ? rulesInWords(rules.data) : ' ')}
        autoComplete={autoComplete}
        maxLength={1024}
        visible={visible}
        onVisibilityChange={setVisible}
        visibilityToggleButtonProps={{ 'aria-label': 'Show the password', tabIndex: 0 }}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        error={error}
      />
      {generate && (
        <Group gap="xs">
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => {
              onChange(newPassword(rules.data?.minLength ?? 0))
              setVisible(true)
            }}
          >
            Generate password
          </Button>
          {value && (
            <Button
              size="compact-xs"
              variant="default"
              onClick={() =>
                void navigator.clipboard.writeText(value).then(() => notify.done('Copied'), notify.failed)
              }
            >
              Copy
            </Button>
          )}
        </Group>
      )}
    </Stack>
  )
}
