import { awaitEnd } from './awaited.ts'
import { cloudError } from './errors.ts'
import { randomToken } from './random.ts'

const toasts = () => import('./toasts.ts')

/** Toasts: what has begun, what is done, what failed and why. Forms show their errors themselves. */
export const notify = {
  /** `resourceIds`: of what it works on, so that its end is told, too (OperationToasts); `since`: see awaitEnd. */
  started: (text: string, resourceIds: readonly string[] = [], since = 0) => {
    const id = randomToken()
    void toasts().then(({ showToast }) => showToast({ id, message: text, color: 'busy' }))
    awaitEnd(resourceIds, id, since)
  },
  /** Instead of the message that it has begun. */
  ended: (startedId: string, text: string) =>
    void toasts().then(({ showToast, hideToast }) => {
      hideToast(startedId)
      showToast({ message: text, color: 'good' })
    }),
  done: (text: string) => void toasts().then(({ showToast }) => showToast({ message: text, color: 'good' })),
  /** What was asked for before, and could not be done. */
  failedLater: (title: string, message: string) =>
    void toasts().then(({ showToast }) => showToast({ title, message, color: 'bad' })),
  failed: (error: unknown) => {
    const { message, requestId } = cloudError(error)
    void toasts().then(({ showToast }) =>
      showToast({ title: message, message: requestId ? `Request ${requestId}` : '', color: 'bad' }),
    )
  },
}
