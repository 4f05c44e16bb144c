'use client'
import { Button } from '@mantine/core'
import { IconKeyboard } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { ConsoleFrame } from './ConsoleFrame.tsx'
import { closeReason } from './close-reason.ts'
import classes from './console.module.css'
import { openConsoleSocket } from './console-socket.ts'
import type { ConsoleStatus } from './use-console.ts'
import { attachVnc } from './vnc.ts'

/**
 * The screen behind a link of `openstack console url show`. The token in the link is valid once and for a few minutes;
 * whoever has the token needs no session in the portal.
 */
export function LinkedScreen({ token }: { token: string }) {
  const target = useRef<HTMLDivElement>(null)
  const rfb = useRef<ReturnType<typeof attachVnc>['rfb'] | null>(null)
  const [status, setStatus] = useState<ConsoleStatus>({ state: 'connecting' })
  useEffect(() => {
    let detach: (() => void) | null = null
    let close: (() => void) | null = null
    // The connection begins a moment later: in development React undoes an effect at once, and the token is valid only
    // once.
    const start = setTimeout(() => {
      const connection = openConsoleSocket(`/console/?token=${encodeURIComponent(token)}`, {
        opened: () => setStatus({ state: 'open' }),
        ended(ending) {
          detach?.()
          detach = null
          const why = ending.opened
            ? closeReason(ending, null)
            : 'This link has been used already or has run out. Ask for a new one: openstack console url show.'
          setStatus({ state: 'closed', why, retrying: null })
        },
      })
      close = connection.close
      if (!target.current) return
      const attached = attachVnc(target.current, connection.socket)
      rfb.current = attached.rfb
      detach = attached.detach
    }, 0)
    return () => {
      clearTimeout(start)
      detach?.()
      close?.()
    }
  }, [token])
  return (
    <ConsoleFrame
      title="VNC console"
      status={status}
      available={false}
      onReconnect={() => undefined}
      tools={
        <Button
          size="xs"
          variant="default"
          leftSection={<IconKeyboard size={14} />}
          disabled={status.state !== 'open'}
          onClick={() => rfb.current?.sendCtrlAltDel()}
        >
          Ctrl-Alt-Del
        </Button>
      }
    >
      <div ref={target} className={classes.target} />
    </ConsoleFrame>
  )
}
