'use client'
import { Button, type ButtonProps } from '@mantine/core'
import type { ReactNode } from 'react'
import { Hint } from './Hint.tsx'

/**
 * A button that stays in place when it cannot be used, and then says why: `allowed` is true or the sentence. The
 * keyboard still reaches it, so that the reason can be read. `hint` is the word for a button that shows only an icon.
 */
export function ReasonButton({
  allowed,
  hint,
  type,
  onClick,
  children,
  ...button
}: ButtonProps & {
  allowed: true | string
  hint?: string
  children: ReactNode
} & ({ type?: undefined; onClick: () => void } | { type: 'submit'; onClick?: undefined })) {
  const reason = allowed === true ? null : allowed
  return (
    <Hint label={hintText(hint, reason)}>
      <Button
        {...button}
        data-disabled={reason === null ? undefined : true}
        aria-disabled={reason !== null}
        aria-description={reason ?? undefined}
        type={type ?? 'button'}
        onClick={(event) => (reason === null ? onClick?.() : event.preventDefault())}
      >
        {children}
      </Button>
    </Hint>
  )
}

/** Returns the text of the hint; null when it would only repeat the button. */
export const hintText = (hint: string | undefined, reason: string | null): string | null =>
  hint && reason ? `${hint}: ${reason}` : (hint ?? reason)
