'use client'
import { ActionIcon } from '@mantine/core'
import type { Allowed } from '@stratolith/api/kernel/contract'
import { IconDots } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import type { ResourceAction } from './descriptor.ts'
import { sensible } from './header-actions.ts'
import { lazyPart } from './lazy-part.tsx'

export type MenuEntry = {
  id: string
  label: string
  icon?: ReactNode
  group?: string
  danger?: boolean
  allowed: Allowed
  run: () => void
}
const ActionMenuOpen = lazyPart(() => import('./ActionMenuOpen.tsx').then((module) => module.ActionMenuOpen))

/**
 * Three dots; the menu behind them is loaded when a pointer or the focus comes near. `asButton`: the menu stands among
 * buttons and not in a table.
 */
export function ActionMenu<V>({
  label,
  asButton = false,
  actions,
  everything = actions,
  view,
  onRun,
}: {
  label: string
  asButton?: boolean
  actions: ResourceAction<V>[]
  /** All actions: those that are buttons beside the menu, too. */
  everything?: ResourceAction<V>[]
  view: V
  onRun: (action: ResourceAction<V>) => void
}) {
  const [wanted, setWanted] = useState(false)
  const dots = (
    <ActionIcon
      variant={asButton ? 'default' : 'subtle'}
      color="gray"
      size={asButton ? 36 : 26}
      aria-label={label}
      aria-haspopup="menu"
      onClick={() => setWanted(true)}
      onMouseEnter={ActionMenuOpen.ahead}
      onFocus={ActionMenuOpen.ahead}
    >
      <IconDots size={18} />
    </ActionIcon>
  )
  if (!wanted) return dots
  const entriesOf = (some: ResourceAction<V>[]): MenuEntry[] =>
    sensible(some, view).map((action) => ({
      id: action.id,
      label: action.label,
      icon: action.icon,
      group: action.group,
      danger: action.danger,
      allowed: action.allowed(view),
      run: () => onRun(action),
    }))
  return (
    <ActionMenuOpen
      label={label}
      asButton={asButton}
      entries={entriesOf(actions)}
      everything={entriesOf(everything)}
      waiting={dots}
      onMissing={() => setWanted(false)}
    />
  )
}
