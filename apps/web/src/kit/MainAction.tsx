'use client'
import { Button, type ButtonProps } from '@mantine/core'
import type { Allowed } from '@stratolith/api/kernel/contract'
import { IconPlus } from '@tabler/icons-react'
import { type ReactNode, useContext } from 'react'
import { InEmptyState } from '../ui/EmptyState.tsx'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { Link } from './navigation.tsx'

type To = { onClick: () => void } | { href: string }

/**
 * The main action of a list, in its title row and, as a plain button, in the empty list: “Create network”, a verb and a
 * thing without an article. Buttons of this kind are made nowhere else (tools/design.test.ts). With `href` the button leads to a page.
 */
export function MainAction({
  label,
  icon = <IconPlus size={16} />,
  allowed = true,
  to,
  ...rest
}: Pick<ButtonProps, 'variant' | 'fullWidth'> & {
  label: string
  icon?: ReactNode
  allowed?: Allowed
  to: To
}) {
  const again = useContext(InEmptyState)
  const button = { ...rest, variant: rest.variant ?? (again ? 'default' : 'filled') }
  if ('href' in to && allowed === true)
    return (
      <Button {...button} component={Link} href={to.href} leftSection={icon}>
        {label}
      </Button>
    )
  return (
    <ReasonButton
      {...button}
      leftSection={icon}
      allowed={allowed}
      onClick={'onClick' in to ? to.onClick : () => undefined}
    >
      {label}
    </ReasonButton>
  )
}
