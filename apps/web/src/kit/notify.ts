import { notifications } from '@mantine/notifications'
import { cloudError } from './errors.ts'

/** Toasts: what has begun, what is done, what failed and why. Forms show their errors themselves. */
export const notify = {
  started: (text: string) => void notifications.show({ message: text, color: 'blue', autoClose: 4000 }),
  done: (text: string) => void notifications.show({ message: text, color: 'teal', autoClose: 4000 }),
  failed: (error: unknown) => {
    const { message, requestId } = cloudError(error)
    notifications.show({
      title: message,
      message: requestId ? `Request ${requestId}` : '',
      color: 'red',
      autoClose: 12_000,
    })
  },
}
