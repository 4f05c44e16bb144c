'use client'
import { ActionIcon } from '@mantine/core'
import type { Allowed } from '@stratolith/api/kernel/contract'
import { IconDots } from '@tabler/icons-react'
import { lazy, type ReactNode, Suspense, useState } from 'react'
import type { ResourceAction } from './descriptor.ts'

export type MenuEntry = {
  id: string
  label: string
  icon?: ReactNode
  danger?: boolean
  allowed: Allowed
  run: () => void
}
const load = () => import('./ActionMenuOpen.tsx')
const ActionMenuOpen = lazy(() => load().then((module) => ({ default: module.ActionMenuOpen })))

/**
 * Three dots; the menu behind them is loaded when a pointer or the focus comes near. `asButton`: the menu stands among
 * buttons and not in a table.
 */
export function ActionMenu<V>({
  label,
  asButton = false,
  actions,
  view,
  onRun,
}: {
  label: string
  asButton?: boolean
  actions: ResourceAction<V>[]
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
      onMouseEnter={() => void load()}
      onFocus={() => void load()}
    >
      <IconDots size={18} />
    </ActionIcon>
  )
  if (!wanted) return dots
  const entries: MenuEntry[] = actions.map((action) => ({
    id: action.id,
    label: action.label,
    icon: action.icon,
    danger: action.danger,
    allowed: action.allowed(view),
    run: () => onRun(action),
  }))
  return (
    <Suspense fallback={dots}>
      <ActionMenuOpen label={label} asButton={asButton} entries={entries} />
    </Suspense>
  )
}
