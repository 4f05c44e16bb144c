'use client'
import { cloneElement, type ReactElement, type ReactNode, type Ref, useState } from 'react'
import { lazyPart } from './lazy-part.tsx'

export type DropButton = ReactElement<{
  ref?: Ref<HTMLButtonElement>
  onClick?: () => void
  onMouseEnter?: () => void
  onFocus?: () => void
  'aria-haspopup'?: 'dialog'
  'aria-expanded'?: boolean
}>
export type DropLooks = { label: string; position: 'bottom-start' | 'bottom-end'; width?: number }

const DropOpen = lazyPart(() => import('./DropOpen.tsx').then((module) => module.DropOpen))

/**
 * A button with a panel below it. The code that places panels is loaded when a pointer or the focus comes near, so that
 * pages do without it at first. `ahead` loads what the panel itself needs.
 */
export function Drop({
  button,
  opened,
  onChange,
  ahead,
  children,
  ...looks
}: DropLooks & {
  button: DropButton
  opened: boolean
  onChange: (opened: boolean) => void
  ahead?: () => void
  children: ReactNode
}) {
  const [wanted, setWanted] = useState(opened)
  const near = () => {
    DropOpen.ahead()
    ahead?.()
  }
  const target = cloneElement(button, {
    'aria-haspopup': 'dialog',
    'aria-expanded': opened,
    onMouseEnter: near,
    onFocus: near,
    onClick: () => {
      setWanted(true)
      onChange(!opened)
    },
  })
  if (!wanted) return target
  const onMissing = () => {
    setWanted(false)
    onChange(false)
  }
  return (
    <DropOpen
      {...looks}
      button={target}
      opened={opened}
      onChange={onChange}
      waiting={target}
      onMissing={onMissing}
    >
      {children}
    </DropOpen>
  )
}
