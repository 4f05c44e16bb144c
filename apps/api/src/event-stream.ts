import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ctx } from './kernel/context.ts'
import type { EventHub } from './kernel/event-hub.ts'

/** Comment lines keep proxies and phones from closing a quiet stream. */
const heartbeatMs = 15_000

/**
 * GET /events?after=CURSOR: server-sent events, resumable by Last-Event-ID. Begins with the event `reset`
 * when nobody can say what came after that cursor: the reader then reads everything again. Ends with
 * `session.ended` when `alive` says that the caller's right is gone; the portal then signs out.
 */
export async function streamEvents(
  hub: EventHub,
  ctx: Ctx,
  request: FastifyRequest,
  reply: FastifyReply,
  alive: () => Promise<boolean>,
): Promise<void> {
  const query = request.query as { after?: string }
  const header = request.headers['last-event-id']
  const asked = (typeof header === 'string' && header) || query.after || null
  const after = asked === null ? null : await hub.resume(asked)
  const abort = new AbortController()
  request.raw.on('close', () => abort.abort())
  reply.hijack()
  const out = reply.raw
  out.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })
  out.write(asked !== null && after === null ? 'event: reset\ndata: {}\n\n' : ': hello\n\n')
  const heartbeat = setInterval(() => out.write(': beat\n\n'), heartbeatMs)
  const end = async () => {
    if (abort.signal.aborted || (await alive())) return
    out.write('event: session.ended\ndata: {}\n\n')
    abort.abort()
  }
  // Rights are asked for again when something about identities changes, and now and then.
  const stopWatching = hub.onRows((rows) => {
    if (rows.some((row) => ['user', 'project', 'session', 'role', 'domain'].includes(row.resourceKind)))
      void end()
  })
  const recheck = setInterval(() => void end(), 5_000)
  try {
    for await (const event of hub.subscribe(ctx, after, abort.signal)) {
      const ok = out.write(`id: ${event.cursor}\nevent: change\ndata: ${JSON.stringify(event)}\n\n`)
      if (!ok)
        await new Promise<void>((resolve) => {
          out.once('drain', resolve)
          abort.signal.addEventListener('abort', () => resolve(), { once: true })
        })
    }
  } finally {
    clearInterval(heartbeat)
    clearInterval(recheck)
    stopWatching()
    out.end()
  }
}
