'use client'
import { useMutation } from '@tanstack/react-query'
import { type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react'
import { cloudError } from '../../kit/errors.ts'
import { useTRPC } from '../../kit/trpc.ts'
import {
  type Again,
  againAfter,
  closeReason,
  refusalText,
  retryAfterMs,
  retryingText,
} from './close-reason.ts'
import { openConsoleSocket } from './console-socket.ts'

export type ConsoleStatus =
  | { state: 'connecting' }
  | { state: 'open' }
  | { state: 'closed'; why: string; retrying: string | null }

/**
 * The properties of both consoles. `windowHref`: the address of a window with this console alone; null: the console is
 * in that window.
 */
export type ScreenProps = { instanceId: string; unavailable: string | null; windowHref: string | null }

/** Connects a view with an open socket; returns the function that disconnects it. */
export type AttachConsole = (socket: WebSocket) => () => void

/** After a connection that has held this long the count of tries begins again. */
const steadyMs = 10_000

/**
 * Keeps one console of an instance open while it is available: asks for a one-time token, opens the socket and hands it
 * to `attach`. After an end it says why and tries again with a new token, by itself (close-reason.ts says how often)
 * and whenever `reconnect` is called. `unavailable` is the reason why there is no console now, or null.
 */
export function useConsole(
  instanceId: string,
  protocol: 'vnc' | 'serial',
  unavailable: string | null,
  attach: AttachConsole,
): { status: ConsoleStatus; reconnect: () => void } {
  const trpc = useTRPC()
  const { mutateAsync: createConsole } = useMutation(trpc.compute.instances.createConsole.mutationOptions())
  const [status, setStatus] = useState<ConsoleStatus>({ state: 'connecting' })
  const [attempt, setAttempt] = useState(0)
  const tries = useRef(0)
  const reason: RefObject<string | null> = useRef(unavailable)
  reason.current = unavailable
  const attached = useEffectEvent(attach)
  const available = unavailable === null

  // biome-ignore lint/correctness/useExhaustiveDependencies: `attempt` is the wish to connect anew
  useEffect(() => {
    if (!available) {
      setStatus({ state: 'closed', why: reason.current ?? '', retrying: null })
      return
    }
    let over = false
    let detach: (() => void) | null = null
    let close: (() => void) | null = null
    let retry: ReturnType<typeof setTimeout> | null = null
    let openedAt = 0
    const ended = (why: string, again: Again) => {
      detach?.()
      detach = null
      const waitMs = retryAfterMs(again, tries.current)
      const isOver = again === 'never' || waitMs === null
      setStatus({ state: 'closed', why, retrying: isOver ? null : retryingText[again] })
      if (isOver) return
      tries.current += 1
      retry = setTimeout(() => setAttempt((n) => n + 1), waitMs)
    }
    setStatus({ state: 'connecting' })
    const begin = () => {
      createConsole({ id: instanceId, protocol }).then(
        ({ url }) => {
          if (over) return
          const connection = openConsoleSocket(url, {
            opened() {
              openedAt = Date.now()
              setStatus({ state: 'open' })
            },
            ended(ending) {
              if (ending.opened && Date.now() - openedAt > steadyMs) tries.current = 0
              ended(closeReason(ending, reason.current), againAfter(ending))
            },
          })
          close = connection.close
          detach = attached(connection.socket)
        },
        (error: unknown) => {
          if (over) return
          // The API may be restarting at the moment when the console's connection broke. An answer with a request ID
          // means that the API works and the machine does not answer.
          const refusal = cloudError(error)
          const { retryable, requestId } = refusal
          ended(refusalText(refusal), retryable ? (requestId ? 'patiently' : 'often') : 'never')
        },
      )
    }
    // The request is sent a moment later, so that an effect that is undone at once (as React does in development) sends
    // none.
    const start = setTimeout(begin, 0)
    return () => {
      over = true
      clearTimeout(start)
      if (retry) clearTimeout(retry)
      detach?.()
      close?.()
    }
  }, [instanceId, protocol, available, attempt, createConsole])

  return {
    status,
    reconnect() {
      tries.current = 0
      setAttempt((n) => n + 1)
    },
  }
}
