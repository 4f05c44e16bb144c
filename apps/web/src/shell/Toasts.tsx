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
        // Not `bottom`: the library has a box for each corner, and those at the top would cover the page.
        marginBottom: 'var(--tray, 0px)',
      }}
    />
  )
}
