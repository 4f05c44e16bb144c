'use client'
import type { ReactNode } from 'react'
import { lazyPanel } from './lazy-panel.tsx'

export type SidePanelProps = {
  opened: boolean
  onClose: () => void
  title: ReactNode
  size?: 'md' | 'lg' | 'xl'
  children?: ReactNode
  onShown?: () => void
}

/** A drawer at the right side; its code is loaded when it opens for the first time. */
export const SidePanel = lazyPanel<SidePanelProps>(() =>
  import('./SidePanelDrawer.tsx').then((module) => module.SidePanelDrawer),
)
