'use client'
import { useEffect, useRef } from 'react'

/**
 * The element outside of dialogs that had the focus last. A button that the page replaces during its own click is not
 * the active element any more.
 */
let used: HTMLElement | null = null
if (typeof document !== 'undefined')
  document.addEventListener('focusin', ({ target }) => {
    if (target instanceof HTMLElement && !target.closest('[role=dialog]')) used = target
  })

/** For an item of a menu the opener is the menu's button, because the items vanish with the menu. */
function openerOf(element: Element | null): HTMLElement | null {
  const from = element === null || element === document.body ? used : element
  const menu = from?.closest('[role=menu]')
  const opener = menu ? document.getElementById(menu.getAttribute('aria-labelledby') ?? '') : from
  return opener instanceof HTMLElement ? opener : null
}

const canHave = (element: HTMLElement): boolean =>
  element.isConnected && element.getClientRects().length > 0 && !element.matches(':disabled')

/**
 * Later than the library's own attempt to return the focus: the library does not know what opened a panel whose code
 * was still loading.
 */
const afterMs = 30

/**
 * Returns the focus to the element that opened a dialog, panel or menu when that closes. If the element is gone, the
 * panel that contained it, or else the page's heading, gets the focus; if the person has moved the focus meanwhile, it
 * stays. `of`: returns the element to which the dialog belongs, where that is known.
 */
export function useReturnFocus(opened: boolean, of?: () => HTMLElement | null): void {
  const known = useRef(of)
  known.current = of
  useEffect(() => {
    if (!opened) return
    const opener = known.current?.() ?? openerOf(document.activeElement)
    const panel = opener?.closest<HTMLElement>('[role=dialog]')
    return () => {
      const atClose = document.activeElement
      setTimeout(() => {
        const now = document.activeElement
        if (now !== null && now !== document.body && now !== atClose) return
        const button = [known.current?.(), opener].find((one) => one && canHave(one))
        if (button) return button.focus({ preventScroll: true })
        const place = panel?.isConnected ? panel : document.querySelector<HTMLElement>('main h1')
        if (!place) return
        place.tabIndex = -1
        place.focus({ preventScroll: true })
      }, afterMs)
    }
  }, [opened])
}
