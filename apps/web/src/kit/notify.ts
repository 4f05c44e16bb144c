import { awaitEnd, type Begun } from './awaited.ts'
import type { Undo } from './descriptor.ts'
import { cloudError } from './errors.ts'
import { randomToken } from './random.ts'

const toasts = () => import('./toasts.tsx')
/** Loads the code of toasts, so that they can tell of a connection that is gone. */
export const loadToasts = async (): Promise<void> => void (await toasts())

/** Shows a toast; one with a button goes when the button is pressed. */
const show = (
  toast: { id: string; message: string; color: 'busy' | 'good' },
  button: Begun['button'],
): void =>
  void toasts().then(({ showToast, hideToast }) => {
    const press = () => {
      hideToast(toast.id)
      button?.onClick()
    }
    showToast({ ...toast, ...(button ? { button: { label: button.label, onClick: press } } : {}) })
  })

/** Toasts: what has begun, what has ended, what has failed and why. Forms show their errors themselves. */
export const notify = {
  /**
   * `resourceIds`: the resources of the operation, so that its end is told, too (OperationToasts). `since`: see
   * awaitEnd. `button`: leads to the thing, when the page is that of another one.
   */
  started: (text: string, resourceIds: readonly string[] = [], since = 0, button?: Begun['button']) => {
    const id = randomToken()
    show({ id, message: text, color: 'busy' }, button)
    awaitEnd(resourceIds, { id, button }, since)
  },
  /** Replaces the toast which says that the operation has begun. */
  ended: ({ id, button }: Begun, text: string) => {
    void toasts().then(({ hideToast }) => hideToast(id))
    show({ id: `${id} ended`, message: text, color: 'good' }, button)
  },
  /** Tells what has happened, with a button that makes it undone. */
  undoable: ({ text, label, run, done }: Undo) => {
    const act = () =>
      run()
        .then(() => notify.done(done))
        .catch(notify.failed)
    show({ id: randomToken(), message: text, color: 'good' }, { label, onClick: () => void act() })
  },
  done: (text: string) => void toasts().then(({ showToast }) => showToast({ message: text, color: 'good' })),
  /** Tells that an operation which was asked for before has failed. */
  failedLater: (title: string, message: string) =>
    void toasts().then(({ showToast }) => showToast({ title, message, color: 'bad' })),
  /** A toast that stands already is not shown a second time. */
  partMissing: () =>
    void toasts().then(({ showToast }) =>
      showToast({
        id: 'part-missing',
        message: 'This part of the portal did not arrive. Check your connection and try again.',
        color: 'bad',
      }),
    ),
  failed: (error: unknown) => {
    const { message, requestId } = cloudError(error)
    void toasts().then(({ showToast }) =>
      showToast({ title: message, message: requestId ? `Request ${requestId}` : '', color: 'bad' }),
    )
  },
}
