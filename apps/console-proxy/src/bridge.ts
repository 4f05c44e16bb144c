import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createWebSocketStream, type WebSocket } from 'ws'

const pingEveryMs = 30_000

/**
 * Our own codes of a close frame, whose reason is a sentence (the portal knows them: compute/consoles/close-reason.ts).
 * `final`: trying again would end the same way. `noAnswer`: not for as long as the machine is away.
 */
export const closeCodes = { final: 4000, noAnswer: 4001 } as const

/**
 * Joins a WebSocket to a guest's stream: bytes both ways, each side waiting for the other
 * (highWaterMark is the most that is held). Resolves when the connection is over, for whatever
 * reason; `end(reason)` closes it from our side within a second.
 */
export function bridge(ws: WebSocket, upstream: Duplex): { done: Promise<void>; end(reason: string): void } {
  const client = createWebSocketStream(ws, { highWaterMark: 256 * 1024 })
  const stopPinging = keepAlive(ws)
  // Not only half-closed: a guest whose reader has gone must not keep the stream open.
  ws.once('close', () => upstream.destroy())
  // A broken pipe on either side is how a console normally ends; both ends are closed below.
  const done = Promise.allSettled([pipeline(client, upstream), pipeline(upstream, client)]).then(() => {
    stopPinging()
    upstream.destroy()
    ws.terminate()
  })
  return {
    done,
    end(reason) {
      ws.close(closeCodes.final, Buffer.from(reason).subarray(0, 120).toString())
      // The browser gets half a second to read the reason; then it is cut off whatever it does.
      const cut = setTimeout(() => upstream.destroy(), 500)
      ws.once('close', () => clearTimeout(cut))
    },
  }
}

/** Ends a connection whose other side has vanished without a word. */
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
