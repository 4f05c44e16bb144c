'use client'
import { Button, Group, Modal } from '@mantine/core'
import { type ReactNode, useState } from 'react'

type Question = {
  title: string
  body: ReactNode
  confirmLabel: string
  danger?: boolean
  answer: (yes: boolean) => void
}

/** The question keeps its words while it fades away. Enter alone does nothing that cannot be undone. */
export function ConfirmDialog({ opened, question }: { opened: boolean; question: Question | null }) {
  const [shown, setShown] = useState(question)
  if (question !== null && question !== shown) setShown(question)
  return (
    <Modal
      opened={opened}
      onClose={() => question?.answer(false)}
      title={shown?.title}
      centered
      zIndex={400}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {shown?.body}
      <Group justify="flex-end" gap="xs" mt="lg">
        <Button
          variant="default"
          data-autofocus={shown?.danger || undefined}
          onClick={() => question?.answer(false)}
        >
          Cancel
        </Button>
        <Button
          color={shown?.danger ? 'red' : undefined}
          data-autofocus={!shown?.danger || undefined}
          onClick={() => question?.answer(true)}
        >
          {shown?.confirmLabel}
        </Button>
      </Group>
    </Modal>
  )
}
