'use client'
import { ActionIcon, Box, Code, CopyButton, Text, UnstyledButton } from '@mantine/core'
import { IconCheck, IconChevronDown, IconChevronRight, IconCopy } from '@tabler/icons-react'
import { useState } from 'react'
import { Hint } from '../ui/Hint.tsx'

/**
 * Shows a page's action as a command of the stock OpenStack client; a `title` says so where the command is something
 * else. `folded`: the command is behind a line to open, because other things on the page matter more.
 */
export function AsCode({
  cli,
  title = 'The same as CLI',
  folded = false,
}: {
  cli: string
  title?: string
  folded?: boolean
}) {
  const [open, setOpen] = useState(!folded)
  const Chevron = open ? IconChevronDown : IconChevronRight
  return (
    <Box>
      {folded ? (
        <UnstyledButton aria-expanded={open} onClick={() => setOpen(!open)} mb={open ? 4 : 0}>
          <Text span size="xs" c="dimmed" style={{ display: 'inline-flex', alignItems: 'center', gap: 4 }}>
            <Chevron size={14} aria-hidden />
            {title}
          </Text>
        </UnstyledButton>
      ) : (
        <Text size="xs" c="dimmed" mb={4}>
          {title}
        </Text>
      )}
      {open && <Command cli={cli} title={title} />}
    </Box>
  )
}

function Command({ cli, title }: { cli: string; title: string }) {
  return (
    <Box pos="relative">
      <Code
        block
        tabIndex={0}
        aria-label={title}
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
  )
}
