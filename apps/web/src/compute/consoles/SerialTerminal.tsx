'use client'
import '@xterm/xterm/css/xterm.css'
import { Switch } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { FitAddon } from '@xterm/addon-fit'
import { Terminal } from '@xterm/xterm'
import { useEffect, useRef, useState } from 'react'
import { useTRPC } from '../../kit/trpc.ts'
import { ConsoleFrame } from './ConsoleFrame.tsx'
import classes from './console.module.css'
import { afterLog } from './join-log.ts'
import { PasteText } from './PasteText.tsx'
import { type ScreenProps, useConsole } from './use-console.ts'

const scrollbackLines = 10_000
const logPatienceMs = 2_000
const encoder = new TextEncoder()

/** This component is loaded in the browser only (SerialConsole.tsx). */
export function SerialTerminal({ instanceId, unavailable, windowHref }: ScreenProps) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const element = useRef<HTMLDivElement>(null)
  const terminal = useRef<Terminal | null>(null)
  const send = useRef<(text: string) => void>(() => undefined)
  const [reader, setReader] = useState(false)

  useEffect(() => {
    const target = element.current
    if (!target) return
    const { term, end } = openTerminal(target, (text) => send.current(text))
    terminal.current = term
    return () => {
      terminal.current = null
      end()
    }
  }, [])

  const tail = () =>
    client.fetchQuery(
      trpc.compute.instances.consoleLog.queryOptions(
        { id: instanceId, tailLines: 2000 },
        { staleTime: 0, gcTime: 0 },
      ),
    )
  const { status, reconnect } = useConsole(instanceId, 'serial', unavailable, (socket) => {
    const decoder = new TextDecoder()
    let over = false
    let patience: ReturnType<typeof setTimeout> | undefined
    // Until the log has arrived, the guest's output is kept, so that nothing is lost or shown twice.
    let early: string | null = ''
    const write = (text: string) => {
      if (early === null) terminal.current?.write(text)
      else early += text
    }
    const sendToGuest = (text: string) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(encoder.encode(text))
    }
    const begin = (log: string) => {
      if (over || early === null) return
      const live = early
      early = null
      // The log may contain queries to a terminal of long ago. The terminal's answers to them begin with an escape
      // character, and must not reach the guest; what a person types meanwhile must.
      send.current = (text) => {
        if (!text.startsWith('\x1b')) sendToGuest(text)
      }
      terminal.current?.reset()
      terminal.current?.write(log, () => {
        if (!over) send.current = sendToGuest
      })
      terminal.current?.write(afterLog(log, live))
    }
    socket.addEventListener('open', () => {
      tail().then(
        ({ text }) => begin(text),
        () => begin(''),
      )
      // When the log does not come soon, the console shows the live output without it.
      patience = setTimeout(() => begin(''), logPatienceMs)
      terminal.current?.focus()
    })
    socket.addEventListener('message', ({ data }) => {
      if (!over && data instanceof ArrayBuffer) write(decoder.decode(data, { stream: true }))
    })
    send.current = sendToGuest
    return () => {
      over = true
      clearTimeout(patience)
      send.current = () => undefined
    }
  })
  return (
    <ConsoleFrame
      title="Serial console"
      status={status}
      available={unavailable === null}
      onReconnect={reconnect}
      windowHref={windowHref}
      tools={
        <>
          <Switch
            size="xs"
            label="Screen reader"
            checked={reader}
            onChange={({ currentTarget: { checked } }) => {
              setReader(checked)
              if (terminal.current) terminal.current.options.screenReaderMode = checked
            }}
          />
          <PasteText
            disabled={status.state !== 'open'}
            hint="Sent as it is; Ctrl+Shift+V in the console does the same."
            onPaste={(text) => {
              terminal.current?.paste(text)
              terminal.current?.focus()
            }}
          />
        </>
      }
    >
      <div className={classes.terminal}>
        <div ref={element} className={classes.fill} />
      </div>
    </ConsoleFrame>
  )
}

/** Opens a terminal that fills `target`, whatever size that gets. */
function openTerminal(
  target: HTMLElement,
  onText: (text: string) => void,
): { term: Terminal; end: () => void } {
  const term = new Terminal({
    scrollback: scrollbackLines,
    cursorBlink: true,
    fontSize: 13,
    fontFamily: getComputedStyle(target).getPropertyValue('--mantine-font-family-monospace') || 'monospace',
    theme: { background: '#000000' },
  })
  const fit = new FitAddon()
  term.loadAddon(fit)
  term.open(target)
  fit.fit()
  term.onData(onText)
  const resized = new ResizeObserver(() => fit.fit())
  resized.observe(target)
  return {
    term,
    end() {
      resized.disconnect()
      term.dispose()
    },
  }
}
