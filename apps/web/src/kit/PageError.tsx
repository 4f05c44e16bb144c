'use client'
import { Button } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { EmptyState } from '../ui/EmptyState.tsx'
import { describeBroken } from './broken.ts'

/** Shown instead of what failed while it was rendered. */
export function PageError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  const { title, text, reload } = describeBroken(error)
  return (
    <EmptyState
      icon={<IconAlertTriangle size={28} />}
      title={title}
      text={text}
      action={
        reload ? (
          <Button onClick={() => window.location.reload()}>Load the page again</Button>
        ) : (
          <Button onClick={reset}>Try again</Button>
        )
      }
    />
  )
}
