import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ctx } from './kernel/context.ts'
import { CloudError } from './kernel/errors.ts'
import type { EventHub } from './kernel/event-hub.ts'

/** How often a comment line is sent, in ms, so that proxies and phones do not close a quiet stream. */
const heartbeatMs = 15_000

/**
 * How many streams one user may have open (R6): each asks for the user's rights again and again. A page that nobody sees
 * gives its stream back.
 */
export const mostStreams = 100
const open = new Map<string, number>()

/** The kinds of things on which the rights of a person depend. */
const subjects: readonly string[] = ['user', 'group', 'project', 'session', 'role', 'domain']

/**
 * GET /events?after=CURSOR: server-sent events, resumable by Last-Event-ID. The stream begins with the event `reset`
 * when the events after that cursor are not known or are too many: the reader must then read everything again. The event `rights` names the
 * roles of the caller, because they may have changed since the page was made. The stream ends with
 * `rights.changed` when `rights` finds other roles than the caller had, or none because the token has ended: the page
 * then asks what it may do now, and follows the stream anew.
 */
export async function streamEvents(
  hub: EventHub,
  ctx: Ctx,
  request: FastifyRequest,
  reply: FastifyReply,
  rights: () => Promise<ReadonlySet<string> | null>,
): Promise<void> {
  const query = request.query as { after?: string }
  const header = request.headers['last-event-id']
  const asked = (typeof header === 'string' && header) || query.after || null
  const after = asked === null ? null : await hub.resume(asked)
  const out = reply.raw
  // A reader who has left already would not be heard to leave, and the stream would go on for ever.
  if (out.destroyed || request.raw.socket.destroyed) return void reply.hijack()
  const leave = enter(ctx.actor.userId)
  const abort = new AbortController()
  request.raw.on('close', () => abort.abort())
  reply.hijack()
  out.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })
  out.write(asked !== null && after === null ? 'event: reset\ndata: {}\n\n' : ': hello\n\n')
  out.write(`event: rights\ndata: ${JSON.stringify([...ctx.roles])}\n\n`)
  const heartbeat = setInterval(() => out.write(': beat\n\n'), heartbeatMs)
  const end = async () => {
    if (abort.signal.aborted) return
    const now = await rights()
    if (abort.signal.aborted || (now !== null && isSame(now, ctx.roles))) return
    out.write('event: rights.changed\ndata: {}\n\n')
    abort.abort()
  }
  const check = oneAtATime(() =>
    end().catch((error: unknown) => ctx.log.warn({ err: error }, 'the rights of a stream are unknown')),
  )
  // The caller's right is checked again when something about identities changes, and from time to time.
  const stopWatching = hub.onRows((rows) => {
    if (rows.some((row) => subjects.includes(row.resourceKind))) check()
  })
  const recheck = setInterval(check, 5_000)
  try {
    for await (const event of hub.subscribe(ctx, after, abort.signal)) {
      // Nobody would end the wait below: the answer drains no more, and the signal has been given.
      if (abort.signal.aborted) break
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
    leave()
  }
}

/** Counts a stream of the user until the returned function is called; throws when there are too many. */
function enter(userId: string): () => void {
  const others = open.get(userId) ?? 0
  if (others >= mostStreams)
    throw new CloudError('unavailable', 'You have too many pages of the portal open. Close some of them.')
  open.set(userId, others + 1)
  return () => {
    const left = (open.get(userId) ?? 1) - 1
    if (left > 0) open.set(userId, left)
    else open.delete(userId)
  }
}

/**
 * Calls that come while the work is under way cause it once more and not once each: somebody may change the directory
 * faster than a busy database answers for all streams.
 */
function oneAtATime(work: () => Promise<void>): () => void {
  let isUnderWay = false
  let again = false
  return async () => {
    again = true
    if (isUnderWay) return
    isUnderWay = true
    while (again) {
      again = false
      await work()
    }
    isUnderWay = false
  }
}

const isSame = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  one.size === other.size && [...one].every((role) => other.has(role))
