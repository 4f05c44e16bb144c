import RFB from '@novnc/novnc'
import { keystrokes } from './keystrokes.ts'

const shiftKey = 0xffe1
/** A guest at its boot prompt reads keys slowly, and drops some that come faster. */
const keyEveryMs = 12

/** Shows the screen behind an open socket in `element`; `detach` leaves the element empty. */
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
    // noVNC leaves elements behind when its socket was closed before the handshake.
    element.replaceChildren()
  }
  return { rfb, detach }
}

/** Types text into the guest as a US keyboard; stops when the console has ended. */
export async function typeText(rfb: RFB, text: string, goesOn: () => boolean): Promise<void> {
  for (const { keysym, shift } of keystrokes(text)) {
    if (!goesOn()) return
    if (shift) rfb.sendKey(shiftKey, 'ShiftLeft', true)
    rfb.sendKey(keysym, null)
    if (shift) rfb.sendKey(shiftKey, 'ShiftLeft', false)
    await new Promise((resolve) => setTimeout(resolve, keyEveryMs))
  }
}
