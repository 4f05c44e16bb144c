'use client'
import { Drawer } from '@mantine/core'
import { dialogName } from './dialog-name.ts'
import type { SidePanelProps } from './SidePanel.tsx'

export function SidePanelDrawer({ size = 'md', onShown, children, ...drawer }: SidePanelProps) {
  return (
    <Drawer
      {...drawer}
      position="right"
      attributes={dialogName(drawer.title)}
      size={size}
      closeButtonProps={{ 'aria-label': 'Close' }}
      onEnterTransitionEnd={onShown}
    >
      {children}
    </Drawer>
  )
}
