'use client'
import { Popover } from '@mantine/core'
import { cloneElement, type ReactNode, useRef } from 'react'
import type { DropButton, DropLooks } from './Drop.tsx'
import { useReturnFocus } from './return-focus.ts'

/** The button of a Drop with its panel. */
export function DropOpen({
  button,
  opened,
  onChange,
  label,
  position,
  width,
  children,
}: DropLooks & {
  button: DropButton
  opened: boolean
  onChange: (opened: boolean) => void
  children: ReactNode
}) {
  const target = useRef<HTMLButtonElement>(null)
  useReturnFocus(opened, () => target.current)
  return (
    <Popover
      opened={opened}
      onChange={onChange}
      position={position}
      width={width ?? 'max-content'}
      shadow="md"
      trapFocus
    >
      <Popover.Target>{cloneElement(button, { ref: target })}</Popover.Target>
      <Popover.Dropdown p="sm" aria-label={label}>
        {children}
      </Popover.Dropdown>
    </Popover>
  )
}
