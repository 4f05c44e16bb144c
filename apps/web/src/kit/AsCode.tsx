'use client'
import { ActionIcon, Box, Code, CopyButton, Text } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { Hint } from '../ui/Hint.tsx'

/** The same as a command of the stock OpenStack client. */
export function AsCode({ cli }: { cli: string }) {
  return (
    <Box>
      <Text size="xs" c="dimmed" mb={4}>
        The same as CLI
      </Text>
      <Box pos="relative">
        <Code
          block
          tabIndex={0}
          aria-label="The same as CLI"
          pr={40}
          style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}
        >
          {cli}
        </Code>
        <CopyButton value={cli} timeout={1500}>
          {({ copied, copy }) => (
            <Hint label={copied ? 'Copied' : 'Copy'}>
              <ActionIcon
                pos="absolute"
                top={6}
                right={6}
                variant="subtle"
                color={copied ? 'good' : 'gray'}
                aria-label={copied ? 'Copied' : 'Copy the command'}
                onClick={copy}
              >
                {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
              </ActionIcon>
            </Hint>
          )}
        </CopyButton>
      </Box>
    </Box>
  )
}
