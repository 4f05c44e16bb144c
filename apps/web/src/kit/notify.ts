import { cloudError } from './errors.ts'

const toasts = () => import('./toasts.ts')

/** Toasts: what has begun, what is done, what failed and why. Forms show their errors themselves. */
export const notify = {
  started: (text: string) =>
    void toasts().then(({ showToast }) => showToast({ message: text, color: 'blue' })),
  done: (text: string) => void toasts().then(({ showToast }) => showToast({ message: text, color: 'teal' })),
  /** What was asked for before, and could not be done. */
  failedLater: (title: string, message: string) =>
    void toasts().then(({ showToast }) => showToast({ title, message, color: 'red' })),
  failed: (error: unknown) => {
    const { message, requestId } = cloudError(error)
    void toasts().then(({ showToast }) =>
      showToast({ title: message, message: requestId ? `Request ${requestId}` : '', color: 'red' }),
    )
  },
}
