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
  isFarBehind,
  isThere,
  parseCursor,
  readAfter,
} from './event-log.ts'
import { heldBack, noteHeldBack } from './held-back.ts'
import { longSession } from './session.ts'

const pageSize = 500
/** A reader who has missed more events than this reads everything again, which costs less than the events. */
const mostMissed = 10_000
/** How soon the hub looks again for events that a transaction holds back, in ms: the first and the longest pause. */
const hiddenMs = { first: 10, last: 1_000 }

type Listener = (rows: readonly EventRow[]) => void

/** Reads the event log once for this process and hands the events to all subscribers. */
export class EventHub {
  readonly #deps: Deps
  /** After events were held back for so long, administrators are told. */
  readonly #patienceMs: number
  readonly #listeners = new Set<Listener>()
  /** The functions that end the subscriptions, for when the database has another history. */
  readonly #breakers = new Set<() => void>()
  /** The session to whose history the cursor belongs; null while there is none. */
  #client: pg.Client | null = null
  #cursor: Cursor | null = null
  /** True after a failed read: the next read may come from another history. */
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
      // A client that failed to connect is not replaced here, because #reconnect already tries again.
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
      // Not awaited, because the server may be gone and never answer.
      client.end().catch(() => undefined)
      throw error
    }
    this.#client = client
    if (this.#closed) await client.end()
  }

  /** Checks that the cursor exists in this database: a new connection may lead to another server or to a restored copy. */
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

  /** Tries to connect, one attempt at a time, until it succeeds: the database may be starting or have too many clients. */
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
        // Without a session the history is unknown. #connect finds it and reads on.
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

  /** Waits before the next read. No notification comes when a transaction ends that appends nothing, so we read again, less and less often. */
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

  /** Subscribes our own code to every row, in order. Returns the function that ends the subscription. */
  onRows(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Parses the cursor that a reader wants to resume at; null when the events after it are not known, or are more than
   * `most`: whoever may read one project would otherwise make the cloud read the log of all projects.
   */
  async resume(text: string, most = mostMissed): Promise<Cursor | null> {
    const { root } = this.#deps
    const cursor = parseCursor(text)
    if (!cursor || !(await isThere(root, cursor))) return null
    return (await isFarBehind(root, cursor, most)) ? null : cursor
  }

  /**
   * Yields the events that `ctx` may see, from `after` (exclusive) or from now on, until `signal` aborts. It ends
   * earlier, so that the subscriber asks to resume, when the subscriber falls more than 10,000 rows behind or the
   * database turns out to have another history.
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
      if (queue.length > mostMissed) over = true
      wake()
    })
    this.#breakers.add(end)
    signal.addEventListener('abort', end, { once: true })
    try {
      let seen = after ?? this.#cursor ?? (await headCursor(this.#deps.root))
      while (after !== null && !over) {
        const { rows, hidden } = await readAfter(this.#deps.root, seen, pageSize)
        for (const row of rows) {
          seen = row
          if (mayReceive(ctx, row)) yield toView(row)
        }
        // Behind the rows that were read there may be hidden ones that the hub has told its listeners already.
        const mayHaveMore = rows.length === pageSize || (hidden && rows.length > 0)
        if (!mayHaveMore) break
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
