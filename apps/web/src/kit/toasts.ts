import { notifications } from '@mantine/notifications'

/** Errors stay long enough to be read and copied. */
export function showToast(toast: { title?: string; message: string; color: 'blue' | 'teal' | 'red' }): void {
  notifications.show({
    ...toast,
    autoClose: toast.color === 'red' ? 12_000 : 4000,
    // Below a title it would be gray on white, which is hard to read.
    styles: { description: { color: 'var(--mantine-color-text)' } },
    closeButtonProps: { 'aria-label': 'Close the message' },
  })
}
