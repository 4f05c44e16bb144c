'use client'
import { Button } from '@mantine/core'
import type RFB from '@novnc/novnc'
import { IconKeyboard } from '@tabler/icons-react'
import { useRef } from 'react'
import { ConsoleFrame } from './ConsoleFrame.tsx'
import classes from './console.module.css'
import { PasteText } from './PasteText.tsx'
import { type ScreenProps, useConsole } from './use-console.ts'
import { attachVnc, typeText } from './vnc.ts'

/**
 * This component is loaded in the browser only (VncConsole.tsx), because noVNC uses `window` as soon as it is loaded.
 */
export function VncScreen({ instanceId, unavailable, windowHref }: ScreenProps) {
  const target = useRef<HTMLDivElement>(null)
  const current = useRef<RFB | null>(null)
  const { status, reconnect } = useConsole(instanceId, 'vnc', unavailable, (socket) => {
    const element = target.current
    if (!element) return () => socket.close()
    const { rfb, detach } = attachVnc(element, socket)
    current.current = rfb
    return () => {
      if (current.current === rfb) current.current = null
      detach()
    }
  })
  const open = status.state === 'open'
  return (
    <ConsoleFrame
      title="VNC console"
      status={status}
      available={unavailable === null}
      onReconnect={reconnect}
      windowHref={windowHref}
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
