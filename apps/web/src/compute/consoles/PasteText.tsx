'use client'
import { Button, Popover, Stack, Text, Textarea } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconClipboardText } from '@tabler/icons-react'
import { useState } from 'react'

type Props = { disabled: boolean; hint: string; onPaste: (text: string) => Promise<void> | void }

/** Sends text to the guest from a field, which works in every browser without a permission for the clipboard. */
export function PasteText({ disabled, hint, onPaste }: Props) {
  const [opened, { close, toggle }] = useDisclosure(false)
  const [text, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const send = async () => {
    setBusy(true)
    await onPaste(text)
    setBusy(false)
    setText('')
    close()
  }
  return (
    <Popover
      opened={opened}
      onClose={close}
      position="bottom-end"
      shadow="md"
      width={320}
      trapFocus
      withinPortal={false}
    >
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconClipboardText size={14} />}
          disabled={disabled}
          onClick={toggle}
        >
          Paste text
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          <Textarea
            label="Text for the guest"
            description={hint}
            autosize
            minRows={3}
            maxRows={10}
            spellCheck={false}
            data-autofocus
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Button size="xs" disabled={!text || disabled} loading={busy} onClick={() => void send()}>
            Send to the guest
          </Button>
          {text.length > 2000 && (
            <Text size="xs" c="dimmed">
              Long texts take a while.
            </Text>
          )}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}
