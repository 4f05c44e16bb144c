import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type Ctx, type Deps, seesAll, systemCtx } from './context.ts'
import type { EventView } from './contract.ts'
import {
  beginEventEpoch,
  type Cursor,
  cursorText,
  type EventRow,
  headCursor,
  isAfter,
  isThere,
  parseCursor,
  readAfter,
} from './event-log.ts'
import { heldBack, noteHeldBack } from './held-back.ts'
import { longSession } from './session.ts'

const pageSize = 500
/** How soon events are looked for again that a transaction holds back: from … to. */
const hiddenMs = { first: 10, last: 1_000 }

type Listener = (rows: readonly EventRow[]) => void

/** Reads the event log once for this process and hands it to everybody who listens. */
export class EventHub {
  readonly #deps: Deps
  /** Events that are held back for so long are told to administrators. */
  readonly #patienceMs: number
  readonly #listeners = new Set<Listener>()
  /** Ends every subscription: its history is not ours any more. */
  readonly #breakers = new Set<() => void>()
  /** The session whose history the cursor is of; null while there is none. */
  #client: pg.Client | null = null
  #cursor: Cursor | null = null
  /** A read has failed: what is read next may be another history. */
  #unsure = false
  #reading = false
  #again = false
  #heldBack: { since: number; waitMs: number; told: boolean } | null = null
  #retry: NodeJS.Timeout | null = null
  #closed = false

  constructor(deps: Deps, patienceMs = 30_000) {
    this.#deps = deps
    this.#patienceMs = patienceMs
  }

  /**
   * Listens until close(); connects again by itself and then reads what it missed. Throws when the
   * first connection cannot be made.
   */
  async start(): Promise<void> {
    await this.#connect()
    await this.#pump()
  }

  async #connect(): Promise<void> {
    const client = new pg.Client(longSession(this.#deps.config.databaseUrl))
    client.on('notification', () => void this.#pump())
    client.on('error', (error) => this.#deps.log.warn({ err: error }, 'event listener lost its connection'))
    let ended = false
    client.once('end', () => {
      ended = true
      // Not one whose connecting failed: it would be replaced twice.
      if (this.#client !== client) return
      this.#client = null
      void this.#reconnect()
    })
    try {
      await client.connect()
      await client.query('LISTEN stratolith_events')
      await this.#findPlace()
      if (ended) throw new Error('The connection ended while the place in the log was looked for.')
    } catch (error) {
      // Not waited for: there may be nobody to take leave of.
      client.end().catch(() => undefined)
      throw error
    }
    this.#client = client
    if (this.#closed) await client.end()
  }

  /** Behind a new connection may be another PostgreSQL, or this one as it was last week. */
  async #findPlace(): Promise<void> {
    const { root, log } = this.#deps
    await beginEventEpoch(root)
    if (this.#cursor !== null && (await isThere(root, this.#cursor))) return
    const lost = this.#cursor !== null
    this.#cursor = await headCursor(root)
    if (!lost) return
    log.warn('the database has another history than before: every open page reads everything again')
    for (const end of this.#breakers) end()
  }

  /** One attempt at a time, until one succeeds: the database may be full or starting up. */
  async #reconnect(): Promise<void> {
    for (let waitMs = 250; !this.#closed; waitMs = Math.min(waitMs * 2, 2_000)) {
      await sleep(waitMs, undefined, { ref: false })
      if (this.#closed) return
      try {
        await this.#connect()
        return await this.#pump()
      } catch (error) {
        this.#deps.log.warn({ err: error }, 'event listener cannot connect, trying again')
      }
    }
  }

  async #pump(): Promise<void> {
    if (this.#reading) {
      this.#again = true
      return
    }
    this.#reading = true
    try {
      do {
        this.#again = false
        const session = this.#client
        // Until it is known which history this is; whoever finds that out reads on.
        if (!session) break
        if (this.#unsure) await this.#findPlace()
        this.#unsure = false
        const cursor = this.#cursor ?? (await headCursor(this.#deps.root))
        const { rows, hidden } = await readAfter(this.#deps.root, cursor, pageSize)
        if (this.#client !== session) {
          this.#again = true
          continue
        }
        const last = rows.at(-1)
        if (last) {
          this.#cursor = { epoch: last.epoch, xid: last.xid, id: last.id }
          for (const listener of this.#listeners) listener(rows)
        }
        if (last || !hidden) this.#released()
        if (rows.length === pageSize) this.#again = true
        else if (hidden) {
          await this.#wait()
          this.#again = true
        }
      } while (this.#again && !this.#closed)
    } catch (error) {
      this.#unsure = true
      this.#deps.log.warn({ err: error }, 'event log could not be read')
      this.#retry ??= setTimeout(() => {
        this.#retry = null
        void this.#pump()
      }, 500).unref()
    } finally {
      this.#reading = false
    }
  }

  /** Nothing tells when a transaction ends that appends nothing, so we ask, less and less often. */
  async #wait(): Promise<void> {
    this.#heldBack ??= { since: Date.now(), waitMs: hiddenMs.first, told: false }
    const state = this.#heldBack
    if (!state.told && Date.now() - state.since >= this.#patienceMs) {
      state.told = true
      const holder = await heldBack(this.#deps.root, this.#patienceMs)
      if (holder) await noteHeldBack(systemCtx(this.#deps, 'event-log'), holder)
      else this.#deps.log.warn('the event log is delayed by a transaction that does not end')
    }
    await sleep(state.waitMs, undefined, { ref: false })
    state.waitMs = Math.min(state.waitMs * 1.5, hiddenMs.last)
  }

  #released(): void {
    if (this.#heldBack?.told) this.#deps.log.info('the event log is not delayed any more')
    this.#heldBack = null
  }

  /** Our own processes' subscription: every row, in order. Returns the way to stop. */
  onRows(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The place that somebody asks to go on from; null when nobody can say what came after it. */
  async resume(text: string): Promise<Cursor | null> {
    const cursor = parseCursor(text)
    return cursor && (await isThere(this.#deps.root, cursor)) ? cursor : null
  }

  /**
   * What `ctx` may see, from `after` (exclusive) or from now on. Yields until `signal` aborts. Ends
   * before, so that the subscriber asks to resume, when it falls more than 10,000 rows behind or when
   * the database turns out to have another history.
   */
  async *subscribe(ctx: Ctx, after: Cursor | null, signal: AbortSignal): AsyncGenerator<EventView> {
    const queue: EventRow[] = []
    let wake: () => void = () => undefined
    let over = false
    const end = () => {
      over = true
      wake()
    }
    const stop = this.onRows((rows) => {
      for (const row of rows) if (mayReceive(ctx, row)) queue.push(row)
      if (queue.length > 10_000) over = true
      wake()
    })
    this.#breakers.add(end)
    signal.addEventListener('abort', end, { once: true })
    try {
      let seen = after ?? this.#cursor ?? (await headCursor(this.#deps.root))
      while (after !== null && !over) {
        const { rows } = await readAfter(this.#deps.root, seen, pageSize)
        for (const row of rows) {
          seen = row
          if (mayReceive(ctx, row)) yield toView(row)
        }
        if (rows.length < pageSize) break
      }
      while (!over) {
        const row = queue.shift()
        if (row) {
          if (isAfter(row, seen)) yield toView(row)
          continue
        }
        await new Promise<void>((resolve) => {
          wake = resolve
          if (queue.length > 0 || over) resolve()
        })
      }
    } finally {
      stop()
      this.#breakers.delete(end)
      signal.removeEventListener('abort', end)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#client?.end()
  }
}

function mayReceive(ctx: Ctx, row: EventRow): boolean {
  if (row.public || seesAll(ctx)) return true
  if (row.resourceKind === 'user' && row.resourceId === ctx.actor.userId) return true
  return ctx.scope.kind === 'project' && row.projectId === ctx.scope.projectId
}

function toView(row: EventRow): EventView {
  return {
    cursor: cursorText(row),
    at: row.at.toISOString(),
    kind: row.kind,
    projectId: row.projectId,
    resourceKind: row.resourceKind,
    resourceId: row.resourceId,
    operationId: row.operationId,
    data: row.data,
  }
}
