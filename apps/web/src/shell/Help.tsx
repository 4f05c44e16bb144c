'use client'
import { Group, Kbd, Modal, Stack, Text } from '@mantine/core'
import about from '../../package.json' with { type: 'json' }
import { useReturnFocus } from '../kit/return-focus.ts'

const shortcuts: { keys: string[]; what: string }[] = [
  { keys: ['Ctrl', 'K'], what: 'Find or do: pages, names, addresses, IDs, “stop web”, “console web”' },
  { keys: ['/'], what: 'Search in the list' },
  { keys: ['?'], what: 'This help' },
  { keys: ['Ctrl', 'Enter'], what: 'Launch, from any field of the launch form' },
  { keys: ['Esc'], what: 'Close a panel, a menu or a dialog' },
  { keys: ['Tab'], what: 'To the next field or button; the first of a page skips to its content' },
]

/** The help behind `?`: the keyboard's shortcuts on every page, and the version of the cloud. */
export function Help({ onClose }: { onClose: () => void }) {
  useReturnFocus(true)
  return (
    <Modal
      opened
      onClose={onClose}
      title="Help"
      size="md"
      closeButtonProps={{ 'aria-label': 'Close the help' }}
    >
      <Stack gap="sm">
        <Stack
          component="ul"
          gap="xs"
          p={0}
          m={0}
          style={{ listStyle: 'none' }}
          aria-label="Keyboard shortcuts"
        >
          {shortcuts.map(({ keys, what }) => (
            <Group key={what} component="li" gap="sm" wrap="nowrap" align="start">
              <Group gap={4} wrap="nowrap" w={110} style={{ flexShrink: 0 }}>
                {keys.map((key) => (
                  <Kbd key={key}>{key}</Kbd>
                ))}
              </Group>
              <Text size="sm">{what}</Text>
            </Group>
          ))}
        </Stack>
        <Text size="sm" c="dimmed">
          Stratolith {about.version}
        </Text>
      </Stack>
    </Modal>
  )
}
