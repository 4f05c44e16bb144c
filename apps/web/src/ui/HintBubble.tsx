'use client'
import { Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'

export function HintBubble(props: { target: HTMLElement; opened: boolean; label: ReactNode }) {
  return <Tooltip {...props} multiline maw={320} withArrow />
}
