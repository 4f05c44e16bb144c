'use client'
import { ActionIcon, Code, CopyButton, Group } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { Hint } from './Hint.tsx'

/** Where there is no room, the end of the text is cut off; the button copies the whole text. */
const onOneLine = { whiteSpace: 'nowrap', overflow: 'hidden', textOverflow: 'ellipsis' } as const

/**
 * A value that people use elsewhere, such as an ID, an address or a command, with a button to copy it. `label` is shown
 * instead of the value. `whole`: the value is short and stays on one line.
 */
export function CopyText({ value, label, whole }: { value: string; label?: string; whole?: boolean }) {
  return (
    <Group gap={4} wrap="nowrap" component="span" display="inline-flex" maw="100%">
      <Code style={whole ? onOneLine : { overflowWrap: 'anywhere' }}>{label ?? value}</Code>
      <CopyButton value={value} timeout={1500}>
        {({ copied, copy }) => (
          <Hint label={copied ? 'Copied' : 'Copy'}>
            <ActionIcon
              variant="subtle"
              size="sm"
              color={copied ? 'good' : 'gray'}
              aria-label={copied ? 'Copied' : `Copy ${label ?? value}`}
              onClick={copy}
            >
              {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
            </ActionIcon>
          </Hint>
        )}
      </CopyButton>
    </Group>
  )
}
