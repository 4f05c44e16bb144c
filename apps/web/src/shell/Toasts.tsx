'use client'
import { Notifications } from '@mantine/notifications'

/**
 * Toasts stand beside the navigation, where neither pages nor panels have buttons. A toast under the pointer does not
 * stop the time of the others.
 */
export function Toasts() {
  return (
    <Notifications
      position="bottom-left"
      limit={4}
      pauseResetOnHover="notification"
      style={{
        insetInlineStart: 'calc(var(--page-start) + var(--mantine-spacing-md))',
        // `bottom` would not do: the library has a box for each corner, and the upper boxes would cover the page.
        marginBottom: 'var(--tray, 0px)',
      }}
    />
  )
}
