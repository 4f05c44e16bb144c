import { notifications } from '@mantine/notifications'

type Toast = { id?: string; title?: string; message: string; color: 'busy' | 'good' | 'bad' }

/** Errors stay long enough to be read and copied. */
export function showToast(toast: Toast): void {
  notifications.show({
    ...toast,
    autoClose: toast.color === 'bad' ? 12_000 : 4000,
    // Below a title Mantine would draw the text gray on white, which is hard to read.
    styles: { description: { color: 'var(--mantine-color-text)' } },
    closeButtonProps: { 'aria-label': 'Close the message' },
  })
}

/** Removes a toast whose text is no longer true. */
export const hideToast = (id: string): void => void notifications.hide(id)
