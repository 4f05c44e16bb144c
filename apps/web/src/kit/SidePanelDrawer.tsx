'use client'
import { Drawer } from '@mantine/core'
import type { SidePanelProps } from './SidePanel.tsx'

export function SidePanelDrawer({ size = 'md', onShown, children, ...drawer }: SidePanelProps) {
  return (
    <Drawer
      {...drawer}
      position="right"
      size={size}
      closeButtonProps={{ 'aria-label': 'Close' }}
      onEnterTransitionEnd={onShown}
    >
      {children}
    </Drawer>
  )
}
