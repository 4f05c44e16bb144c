'use client'
import { Notifications } from '@mantine/notifications'
import { useEffect, useRef } from 'react'
import { loadToasts } from '../kit/notify.ts'

const corner = 'bottom-left'

/**
 * Toasts stand beside the navigation, where neither pages nor panels have buttons, above the bar and the uploads at the
 * foot of the window. A toast under the pointer does not stop the time of the others.
 */
export function Toasts() {
  useEffect(() => void loadToasts(), [])
  return (
    <div ref={useToastsHeight()}>
      <Notifications
        position={corner}
        limit={4}
        pauseResetOnHover="notification"
        withinPortal={false}
        style={{
          insetInlineStart: 'calc(var(--page-start) + var(--mantine-spacing-md))',
          // `bottom` would not do: the library has a box for each corner, and the upper boxes would cover the page.
          marginBottom: 'calc(var(--bar, 0px) + var(--tray, 0px))',
        }}
      />
    </div>
  )
}

/**
 * Tells the page the height of the toasts. On a phone, where toasts are as wide as the page, the page becomes longer by
 * this height, and a reader at its end stays there: so the links to other pages of a list stay in sight.
 */
function useToastsHeight() {
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const box = ref.current?.querySelector(`[data-position="${corner}"]`)
    if (!box) return
    const { documentElement: root } = document
    const observer = new ResizeObserver(() => {
      const isAtEnd = window.innerHeight + window.scrollY >= root.scrollHeight - 1
      const gap = Number.parseFloat(getComputedStyle(box).bottom)
      root.style.setProperty('--toasts', box.clientHeight === 0 ? '0px' : `${box.clientHeight + gap}px`)
      if (isAtEnd) window.scrollTo(0, root.scrollHeight)
    })
    observer.observe(box)
    return () => observer.disconnect()
  }, [])
  return ref
}
