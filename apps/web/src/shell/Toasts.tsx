'use client'
import { Notifications } from '@mantine/notifications'

/** Beside the navigation, where no page and no panel has its buttons. One that is pointed at holds up no other. */
export function Toasts() {
  return (
    <Notifications
      position="bottom-left"
      limit={4}
      pauseResetOnHover="notification"
      style={{
        insetInlineStart: 'calc(var(--page-start) + var(--mantine-spacing-md))',
        bottom: 'calc(var(--mantine-spacing-md) + var(--tray, 0px))',
      }}
    />
  )
}
