'use client'
import { Button } from '@mantine/core'
import RFB from '@novnc/novnc'
import { IconKeyboard } from '@tabler/icons-react'
import { useRef } from 'react'
import { ConsoleFrame } from './ConsoleFrame.tsx'
import classes from './console.module.css'
import { keystrokes } from './keystrokes.ts'
import { PasteText } from './PasteText.tsx'
import { useConsole } from './use-console.ts'

const shiftKey = 0xffe1
/** A guest at its boot prompt reads keys slowly; faster than this it drops some. */
const keyEveryMs = 12

/** Types into the guest as a US keyboard; ends early when the console does. */
async function typeText(rfb: RFB, text: string, goesOn: () => boolean): Promise<void> {
  for (const { keysym, shift } of keystrokes(text)) {
    if (!goesOn()) return
    if (shift) rfb.sendKey(shiftKey, 'ShiftLeft', true)
    rfb.sendKey(keysym, null)
    if (shift) rfb.sendKey(shiftKey, 'ShiftLeft', false)
    await new Promise((resolve) => setTimeout(resolve, keyEveryMs))
  }
}

/** Only ever loaded in the browser (VncConsole.tsx): noVNC touches `window` as it is read. */
export function VncScreen({ instanceId, unavailable }: { instanceId: string; unavailable: string | null }) {
  const target = useRef<HTMLDivElement>(null)
  const current = useRef<RFB | null>(null)
  const { status, reconnect } = useConsole(instanceId, 'vnc', unavailable, (socket) => {
    const element = target.current
    if (!element) return () => socket.close()
    const rfb = new RFB(element, socket, { shared: true })
    rfb.scaleViewport = true
    rfb.focusOnClick = true
    rfb.background = 'transparent'
    let over = false
    rfb.addEventListener('connect', () => rfb.focus())
    rfb.addEventListener('disconnect', () => {
      over = true
    })
    current.current = rfb
    return () => {
      if (current.current === rfb) current.current = null
      if (!over) rfb.disconnect()
      // what noVNC leaves behind when its socket was closed before it had shaken hands
      element.replaceChildren()
    }
  })
  const open = status.state === 'open'
  return (
    <ConsoleFrame
      title="VNC console"
      status={status}
      available={unavailable === null}
      onReconnect={reconnect}
      tools={
        <>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconKeyboard size={14} />}
            disabled={!open}
            onClick={() => current.current?.sendCtrlAltDel()}
          >
            Ctrl-Alt-Del
          </Button>
          <PasteText
            disabled={!open}
            hint="Typed key by key as on a US keyboard, because a screen takes no clipboard."
            onPaste={async (text) => {
              const rfb = current.current
              if (rfb) await typeText(rfb, text, () => current.current === rfb)
              rfb?.focus()
            }}
          />
        </>
      }
    >
      <div ref={target} className={classes.target} />
    </ConsoleFrame>
  )
}
