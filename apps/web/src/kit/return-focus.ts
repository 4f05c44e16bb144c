'use client'
import { useEffect, useRef } from 'react'

/** What somebody used last outside of dialogs: a button that a page replaced while he pressed it is gone by then. */
let used: HTMLElement | null = null
if (typeof document !== 'undefined')
  document.addEventListener('focusin', ({ target }) => {
    if (target instanceof HTMLElement && !target.closest('[role=dialog]')) used = target
  })

/** The button of a menu stands for its items, which go with it. */
function openerOf(element: Element | null): HTMLElement | null {
  const from = element === null || element === document.body ? used : element
  const menu = from?.closest('[role=menu]')
  const opener = menu ? document.getElementById(menu.getAttribute('aria-labelledby') ?? '') : from
  return opener instanceof HTMLElement ? opener : null
}

const canHave = (element: HTMLElement): boolean =>
  element.isConnected && element.getClientRects().length > 0 && !element.matches(':disabled')

/** After the library's own attempt, which knows nothing of what was open when its code came. */
const afterMs = 30

/**
 * The focus goes back to what opened a dialog, panel or menu when that closes: to the panel that it was in or the
 * page's heading when it is gone, and nowhere when somebody has moved it on meanwhile. `of`: what it belongs to, where that is known.
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
