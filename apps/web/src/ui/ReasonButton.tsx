'use client'
import { Button, type ButtonProps, Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'

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
    <Tooltip label={reason} disabled={reason === null} multiline maw={320} events={hoverFocusTouch}>
      <Button
        {...button}
        data-disabled={reason === null ? undefined : true}
        aria-disabled={reason !== null}
        onClick={() => reason === null && onClick()}
      >
        {children}
      </Button>
    </Tooltip>
  )
}
const hoverFocusTouch = { hover: true, focus: true, touch: true }
