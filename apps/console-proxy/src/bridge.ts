import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createWebSocketStream, type WebSocket } from 'ws'

const pingEveryMs = 30_000

/**
 * Our own codes of close frames, whose reason is a sentence (compute/consoles/close-reason.ts of the portal knows them).
 * `final`: another try would end the same way. `noAnswer`: tries will fail as long as the machine is away.
 */
export const closeCodes = { final: 4000, noAnswer: 4001 } as const

/**
 * Joins a WebSocket to a guest's stream. Bytes go both ways, and each side waits for the other
 * (highWaterMark is the most that is buffered). `done` resolves when the connection is over, for any
 * reason; `end(reason)` closes the connection from our side within a second.
 */
export function bridge(ws: WebSocket, upstream: Duplex): { done: Promise<void>; end(reason: string): void } {
  const client = createWebSocketStream(ws, { highWaterMark: 256 * 1024 })
  const stopPinging = keepAlive(ws)
  // The stream is destroyed and not only half-closed, because a guest whose reader has gone must not keep it open.
  ws.once('close', () => upstream.destroy())
  // A console normally ends by a broken pipe on either side; both ends are closed below.
  const done = Promise.allSettled([pipeline(client, upstream), pipeline(upstream, client)]).then(() => {
    stopPinging()
    upstream.destroy()
    ws.terminate()
  })
  return {
    done,
    end(reason) {
      ws.close(closeCodes.final, Buffer.from(reason).subarray(0, 120).toString())
      // The browser has half a second to read the reason; then the stream is closed in any case.
      const cut = setTimeout(() => upstream.destroy(), 500)
      ws.once('close', () => clearTimeout(cut))
    },
  }
}

/** Ends a connection whose other side does not answer pings. */
function keepAlive(ws: WebSocket): () => void {
  let answered = true
  ws.on('pong', () => {
    answered = true
  })
  const timer = setInterval(() => {
    if (!answered) return ws.terminate()
    answered = false
    ws.ping()
  }, pingEveryMs)
  return () => clearInterval(timer)
}
