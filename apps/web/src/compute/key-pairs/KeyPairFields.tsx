'use client'
import { Button, FileButton, Group, SegmentedControl, Stack, Text, Textarea, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { IconFileUpload } from '@tabler/icons-react'
import { keyNameFrom, publicKeyProblem } from './public-key.ts'

export type KeyPairValues = { name: string; how: 'generate' | 'import'; publicKey: string }
export const emptyKeyPair: KeyPairValues = { name: '', how: 'generate', publicKey: '' }

export const keyPairProblems = {
  name: (name: string) =>
    !name.trim()
      ? 'Give it a name.'
      : /^[\w .@:+-]+$/.test(name.trim())
        ? null
        : 'A key pair name has letters, digits, spaces and _ . @ : + - only.',
  publicKey: (key: string, values: KeyPairValues) => (values.how === 'import' ? publicKeyProblem(key) : null),
}
export const keyPairInput = (values: KeyPairValues): { name: string; publicKey?: string } => ({
  name: values.name.trim(),
  ...(values.how === 'import' ? { publicKey: values.publicKey.trim() } : {}),
})

/** The fields for a name, and for either a new pair or an existing public key. */
export function KeyPairFields({ form }: { form: UseFormReturnType<KeyPairValues> }) {
  const { how, name } = form.values
  const take = (publicKey: string) => {
    form.setFieldValue('publicKey', publicKey)
    if (!name) form.setFieldValue('name', keyNameFrom(publicKey))
  }
  return (
    <Stack gap="sm">
      <SegmentedControl
        fullWidth
        aria-label="Where the key comes from"
        data={[
          { value: 'generate', label: 'New pair' },
          { value: 'import', label: 'Import public key' },
        ]}
        {...form.getInputProps('how')}
      />
      <TextInput
        label="Name"
        placeholder="laptop"
        maxLength={255}
        data-autofocus
        {...form.getInputProps('name')}
      />
      {how === 'generate' ? (
        <Text size="sm" c="dimmed">
          An Ed25519 pair. Your browser saves the private key once; the cloud keeps the public key only.
        </Text>
      ) : (
        <Stack gap="xs">
          <Textarea
            label="Public key"
            description="One line, usually in ~/.ssh/id_ed25519.pub"
            placeholder="ssh-ed25519 AAAA… me@laptop"
            autosize
            minRows={3}
            maxRows={8}
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
            {...form.getInputProps('publicKey')}
            onChange={(event) => take(event.currentTarget.value)}
          />
          <Group>
            <FileButton
              onChange={(file) => void file?.text().then((text) => take(text.trim()))}
              accept=".pub,text/plain"
            >
              {(props) => (
                <Button size="xs" variant="default" leftSection={<IconFileUpload size={14} />} {...props}>
                  Choose a file
                </Button>
              )}
            </FileButton>
          </Group>
        </Stack>
      )}
    </Stack>
  )
}
