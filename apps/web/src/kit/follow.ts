import type { EventView } from '@stratolith/api/kernel/contract'
import type { Sender } from './place.ts'
import { endIsExpected, leaveEnded, sessionGoesOn } from './session-end.ts'

export type LiveState = 'live' | 'connecting' | 'offline'
const hiddenMs = 30_000
const retryMs = [500, 1000, 2000, 5000] as const

/**
 * Follows the event stream by EventSource and reconnects itself, because the browser gives up on every answer but 200.
 * A browser that has lost its network tells so by `offline`, while the stream itself would look alive for minutes.
 * `from`: the place in the event log from which the page follows; null follows from now on. `rights` gets the roles that
 * the stream begins with, and null when it ends because they are other ones now. The page's place and user are
 * parameters, because an EventSource sends no headers of our own.
 */
export function follow(
  { place, userId }: Sender,
  setState: (state: LiveState) => void,
  from: string | null,
  on: { event: (event: EventView) => void; missed: () => void; rights: (roles: string[] | null) => void },
): () => void {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | null = null
  let hidden: ReturnType<typeof setTimeout> | null = null
  let cursor = from
  let failures = 0
  let connectedOnce = false
  const connect = () => {
    timer = null
    const query = new URLSearchParams({ at: place, user: userId, ...(cursor ? { after: cursor } : {}) })
    source = new EventSource(`/api/events?${query}`)
    source.onopen = () => {
      // Without a cursor nobody knows which events happened in between.
      if (connectedOnce && cursor === null) on.missed()
      connectedOnce = true
      failures = 0
      setState('live')
    }
    source.addEventListener('change', (message) => {
      const event: EventView = JSON.parse(message.data)
      cursor = event.cursor
      on.event(event)
    })
    source.addEventListener('reset', () => {
      cursor = null
      on.missed()
    })
    source.addEventListener('rights', (message) => {
      sessionGoesOn()
      on.rights(JSON.parse(message.data))
    })
    // The session has ended or has other rights now; only the page that has ended it knows without asking.
    source.addEventListener('rights.changed', () =>
      endIsExpected() ? leaveEnded('stream') : on.rights(null),
    )
    source.onerror = () => {
      source?.close()
      failures += 1
      setState(failures < 3 ? 'connecting' : 'offline')
      // The server may refuse this cursor, and would refuse it again and again.
      if (failures === 3) cursor = null
      if (failures === 1) on.missed() // a dead session answers 401 here, which leads to the sign-in page
      timer = setTimeout(connect, retryMs[Math.min(failures - 1, retryMs.length - 1)])
    }
  }
  const stop = () => {
    source?.close()
    source = null
    if (timer) clearTimeout(timer)
    timer = null
  }
  const connectUnlessOn = () => {
    if (source === null && timer === null) connect()
  }
  // A browser gives a site six connections, so tabs that nobody sees give theirs back.
  const onVisibility = () => {
    if (hidden) clearTimeout(hidden)
    hidden = null
    if (document.hidden) hidden = setTimeout(stop, hiddenMs)
    else if (navigator.onLine) connectUnlessOn()
  }
  const onOffline = () => {
    stop()
    setState('offline')
  }
  const onOnline = () => {
    setState('connecting')
    if (!document.hidden) connectUnlessOn()
  }
  document.addEventListener('visibilitychange', onVisibility)
  window.addEventListener('offline', onOffline)
  window.addEventListener('online', onOnline)
  connect()
  return () => {
    document.removeEventListener('visibilitychange', onVisibility)
    window.removeEventListener('offline', onOffline)
    window.removeEventListener('online', onOnline)
    if (hidden) clearTimeout(hidden)
    stop()
  }
}
