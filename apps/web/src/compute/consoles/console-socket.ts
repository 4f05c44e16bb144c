import type { Ending } from './close-reason.ts'
import { consoleUrl } from './console-url.ts'

const connectTimeoutMs = 15_000

export type ConsoleSocket = { socket: WebSocket; close: () => void }

/**
 * Opens a console's WebSocket and reports its end exactly once, with the code and the reason of the close frame, which
 * libraries keep to themselves. After `close` no end is reported.
 */
export function openConsoleSocket(
  path: string,
  on: { opened: () => void; ended: (ending: Ending) => void },
): ConsoleSocket {
  const socket = new WebSocket(consoleUrl(path, window.location.origin), ['binary'])
  socket.binaryType = 'arraybuffer'
  let opened = false
  let silent = false
  const timer = setTimeout(() => socket.close(), connectTimeoutMs)
  socket.addEventListener('open', () => {
    clearTimeout(timer)
    opened = true
    if (!silent) on.opened()
  })
  socket.addEventListener('close', (event) => {
    clearTimeout(timer)
    if (silent) return
    silent = true
    on.ended({ code: event.code, reason: event.reason, opened })
  })
  return {
    socket,
    close() {
      silent = true
      clearTimeout(timer)
      socket.close()
    },
  }
}
