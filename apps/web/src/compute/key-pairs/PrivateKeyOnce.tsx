'use client'
import { Alert, Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core'
import type { KeyPairCreated } from '@stratolith/api/compute/contract'
import { IconCopy, IconDownload, IconKey } from '@tabler/icons-react'
import { downloadPrivateKey, privateKeyFile } from './private-key.ts'

/**
 * Shows the private key at the only moment when the portal has it: afterwards it exists on the person's own disk alone.
 */
export function PrivateKeyOnce({ pair, onDone }: { pair: KeyPairCreated; onDone?: () => void }) {
  const file = privateKeyFile(pair.name)
  return (
    <Alert
      variant="light"
      color="warn"
      c="var(--mantine-color-text)"
      styles={{ title: { color: 'inherit' }, closeButton: { color: 'inherit' } }}
      icon={<IconKey />}
      title="Keep the private key: it is shown only now"
      withCloseButton={Boolean(onDone)}
      closeButtonLabel="Close: I have the private key"
      onClose={onDone}
    >
      <Stack gap="xs">
        <Text size="sm">
          Your browser has saved it as <Code>{file}</Code>. The cloud keeps the public half only and cannot
          show the private one again. Make it readable by you alone before you use it:
        </Text>
        <Code block>{`chmod 600 ${file}`}</Code>
        <Group gap="xs">
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={14} />}
            onClick={() => downloadPrivateKey(pair)}
          >
            Save again
          </Button>
          <CopyButton value={pair.privateKey ?? ''}>
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
