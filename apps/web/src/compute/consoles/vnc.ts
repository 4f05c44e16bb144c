import RFB from '@novnc/novnc'
import { keystrokes } from './keystrokes.ts'

const shiftKey = 0xffe1
/** A guest at its boot prompt reads keys slowly; faster than this it drops some. */
const keyEveryMs = 12

/** Shows the screen behind an open socket in `element`; `detach` leaves it empty. */
export function attachVnc(element: HTMLElement, socket: WebSocket): { rfb: RFB; detach: () => void } {
  const rfb = new RFB(element, socket, { shared: true })
  rfb.scaleViewport = true
  rfb.focusOnClick = true
  rfb.background = 'transparent'
  let over = false
  rfb.addEventListener('connect', () => rfb.focus())
  rfb.addEventListener('disconnect', () => {
    over = true
  })
  const detach = () => {
    if (!over) rfb.disconnect()
    // what noVNC leaves behind when its socket was closed before it had shaken hands
    element.replaceChildren()
  }
  return { rfb, detach }
}

/** Types into the guest as a US keyboard; ends early when the console does. */
export async function typeText(rfb: RFB, text: string, goesOn: () => boolean): Promise<void> {
  for (const { keysym, shift } of keystrokes(text)) {
    if (!goesOn()) return
    if (shift) rfb.sendKey(shiftKey, 'ShiftLeft', true)
    rfb.sendKey(keysym, null)
    if (shift) rfb.sendKey(shiftKey, 'ShiftLeft', false)
    await new Promise((resolve) => setTimeout(resolve, keyEveryMs))
  }
}
