'use client'
import { Button } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { EmptyState } from '../../ui/EmptyState.tsx'

/** Shown instead of a page that failed while it was rendered; the shell around it stays. */
export default function PageError({
  error,
  reset,
}: {
  error: Error & { digest?: string }
  reset: () => void
}) {
  return (
    <EmptyState
      icon={<IconAlertTriangle size={28} />}
      title="This page broke"
      text={`${error.message || 'Something went wrong while it was drawn.'}${error.digest ? ` (${error.digest})` : ''}`}
      action={<Button onClick={reset}>Try again</Button>}
    />
  )
}
