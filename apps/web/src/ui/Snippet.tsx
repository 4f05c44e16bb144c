'use client'
import { ActionIcon, Box, Code, CopyButton, Text } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { Hint } from './Hint.tsx'

/** Lines to copy: a file, a program, or commands. */
export function Snippet({ label, text }: { label: string; text: string }) {
  return (
    <Box>
      <Text size="xs" c="dimmed" mb={4}>
        {label}
      </Text>
      <Box pos="relative">
        <Code block tabIndex={0} aria-label={label} pr={40} style={{ overflowX: 'auto' }}>
          {text}
        </Code>
        <CopyButton value={text} timeout={1500}>
          {({ copied, copy }) => (
            <Hint label={copied ? 'Copied' : 'Copy'}>
              <ActionIcon
                pos="absolute"
                top={6}
                right={6}
                variant="subtle"
                color={copied ? 'good' : 'gray'}
                aria-label={copied ? 'Copied' : `Copy: ${label}`}
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
