import { modals } from '@mantine/modals'
import type { ReactNode } from 'react'

/** Asks in a modal. Resolves to what the person chose; closing it is a no. */
export function confirm(question: {
  title: string
  body: ReactNode
  confirmLabel: string
  danger?: boolean
}): Promise<boolean> {
  return new Promise((resolve) => {
    modals.openConfirmModal({
      title: question.title,
      children: question.body,
      labels: { confirm: question.confirmLabel, cancel: 'Cancel' },
      confirmProps: { color: question.danger ? 'red' : undefined, 'data-autofocus': true },
      onConfirm: () => resolve(true),
      onCancel: () => resolve(false),
      onClose: () => resolve(false),
    })
  })
}
