import { Button, Group } from '@mantine/core'
import { notifications } from '@mantine/notifications'

type Toast = {
  id?: string
  title?: string
  message: string
  color: 'busy' | 'good' | 'bad'
  button?: { label: string; onClick: () => void }
}

/** Errors stay long enough to be read and copied, and a button long enough to be pressed. */
export function showToast({ button, message, ...toast }: Toast): void {
  notifications.show({
    ...toast,
    message: button ? (
      <Group gap="sm" justify="space-between">
        <span>{message}</span>
        <Button size="compact-sm" variant="default" onClick={button.onClick}>
          {button.label}
        </Button>
      </Group>
    ) : (
      message
    ),
    autoClose: toast.color === 'bad' || button ? 12_000 : 4000,
    // Below a title Mantine would draw the text gray on white, which is hard to read.
    styles: { description: { color: 'var(--mantine-color-text)' } },
    closeButtonProps: { 'aria-label': 'Close the message' },
  })
}

/** Removes a toast whose text is no longer true. */
export const hideToast = (id: string): void => void notifications.hide(id)
