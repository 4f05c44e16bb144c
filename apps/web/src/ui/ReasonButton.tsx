'use client'
import { Button, type ButtonProps } from '@mantine/core'
import type { ReactNode } from 'react'
import { Hint } from './Hint.tsx'

/**
 * A button that stays in place when it cannot be used and says why: `allowed` is true or the
 * sentence. It remains reachable by keyboard, so that the reason can be read.
 */
export function ReasonButton({
  allowed,
  onClick,
  children,
  ...button
}: ButtonProps & { allowed: true | string; onClick: () => void; children: ReactNode }) {
  const reason = allowed === true ? null : allowed
  return (
    <Hint label={reason}>
      <Button
        {...button}
        data-disabled={reason === null ? undefined : true}
        aria-disabled={reason !== null}
        aria-description={reason ?? undefined}
        onClick={() => reason === null && onClick()}
      >
        {children}
      </Button>
    </Hint>
  )
}
