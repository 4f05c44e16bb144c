import { setTimeout as sleep } from 'node:timers/promises'
import { Prisma } from '@stratolith/db'
import pg from 'pg'
import type { Ctx, Deps } from './context.ts'
import { seesAll } from './context.ts'
import type { EventView } from './contract.ts'
import { invalidInput } from './errors.ts'

export type NewEvent = {
  /** "instance.created", "instance.updated", "instance.deleted", "operation.updated", … */
  kind: string
  projectId: string | null
  /** Visible in every project (public images, flavors, shared networks). */
  public?: boolean
  resourceKind: string
  resourceId: string
  operationId?: string
  data?: Record<string, unknown>
}

/** Appends to the log in the caller's transaction and wakes listeners at commit. One round trip. */
export async function appendEvent(ctx: Ctx, event: NewEvent): Promise<void> {
  await appendEventWith(ctx, event, [])
}

/**
 * The same in one statement with the changes that it tells of ("name AS (UPDATE …)"): one round
 * trip and one commit for all, also outside of a transaction. With `onlyFrom` (the name of one of
 * them, which returns its rows) there is an event only if that one changed its row. Returns
 * whether there is one.
 */
export async function appendEventWith(
  ctx: Ctx,
  event: NewEvent,
  changes: readonly Prisma.Sql[],
  onlyFrom?: string,
): Promise<boolean> {
  const insert = Prisma.sql`e AS (
      INSERT INTO "Event" ("kind", "projectId", "public", "resourceKind", "resourceId", "operationId", "actorId", "requestId",
        "globalRequestId", "data")
      SELECT ${event.kind}::text, ${event.projectId}::text, ${event.public ?? false}::boolean, ${event.resourceKind}::text,
             ${event.resourceId}::text, ${event.operationId ?? null}::uuid, ${ctx.actor.userId}::text, ${ctx.requestId}::text,
             ${ctx.globalRequestId ?? null}::text, ${JSON.stringify(event.data ?? {})}::jsonb ${onlyFrom ? Prisma.raw(`FROM "${onlyFrom}"`) : Prisma.empty}
      RETURNING 1)`
  const rows = await ctx.db.$executeRaw(
    Prisma.sql`WITH ${Prisma.join([...changes, insert])} SELECT pg_notify('stratolith_events', '') FROM e`,
  )
  return rows > 0
}

type Row = {
  id: bigint
  xid: bigint
  at: Date
  kind: string
  projectId: string | null
  public: boolean
  resourceKind: string
  resourceId: string
  operationId: string | null
  data: Record<string, unknown>
}
export type Cursor = { xid: bigint; id: bigint }

/**
 * Ids are given out before commit, so a reader who remembers only the highest id would miss a
 * transaction that commits late. We therefore order by (transaction id, id) and read only below
 * the oldest transaction still running (pg_snapshot_xmin): nothing can appear behind a cursor.
 */
export class EventHub {
  readonly #deps: Deps
  readonly #listeners = new Set<(rows: readonly Row[]) => void>()
  #client: pg.Client | null = null
  #cursor: Cursor | null = null
  #reading = false
  #again = false
  #retry: NodeJS.Timeout | null = null
  #closed = false

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Listens until close(); connects again by itself and then reads what it missed. Throws when the
   * first connection cannot be made.
   */
  async start(): Promise<void> {
    this.#cursor ??= await headCursor(this.#deps)
    await this.#connect()
    await this.#pump()
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#deps.config.databaseUrl,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    })
    client.on('notification', () => void this.#pump())
    client.on('error', (error) => this.#deps.log.warn({ err: error }, 'event listener lost its connection'))
    try {
      await client.connect()
      await client.query('LISTEN stratolith_events')
    } catch (error) {
      // Not waited for: there may be nobody to take leave of.
      client.end().catch(() => undefined)
      throw error
    }
    this.#client = client
    // Only from here on: a client whose connecting failed ends too, and would be replaced twice.
    client.once('end', () => void this.#reconnect())
    if (this.#closed) await client.end()
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
        const cursor = this.#cursor ?? { xid: 0n, id: 0n }
        const { rows, hidden } = await readAfter(this.#deps, cursor, 500)
        const last = rows.at(-1)
        if (last) {
          this.#cursor = { xid: last.xid, id: last.id }
          for (const listener of this.#listeners) listener(rows)
        }
        if (rows.length === 500) this.#again = true
        else if (hidden) {
          await new Promise((resolve) => setTimeout(resolve, 10))
          this.#again = true
        }
      } while (this.#again && !this.#closed)
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'event log could not be read')
      this.#retry ??= setTimeout(() => {
        this.#retry = null
        void this.#pump()
      }, 500).unref()
    } finally {
      this.#reading = false
    }
  }

  /** Our own processes' subscription: every row, in order. Returns the way to stop. */
  onRows(listener: (rows: readonly Row[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * What `ctx` may see, from `after` (exclusive) or from now on. Yields until `signal` aborts.
   * A subscriber that falls more than 10,000 rows behind gets an error and resumes by cursor.
   */
  async *subscribe(ctx: Ctx, after: string | null, signal: AbortSignal): AsyncGenerator<EventView> {
    const queue: Row[] = []
    let wake: () => void = () => undefined
    let overflow = false
    const stop = this.onRows((rows) => {
      for (const row of rows) if (mayReceive(ctx, row)) queue.push(row)
      if (queue.length > 10_000) overflow = true
      wake()
    })
    const onAbort = () => wake()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      let seen = after === null ? (this.#cursor ?? (await headCursor(this.#deps))) : parseCursor(after)
      while (after !== null && !signal.aborted) {
        const { rows } = await readAfter(this.#deps, seen, 500)
        for (const row of rows) {
          seen = { xid: row.xid, id: row.id }
          if (mayReceive(ctx, row)) yield toView(row)
        }
        if (rows.length < 500) break
      }
      while (!signal.aborted && !overflow) {
        const row = queue.shift()
        if (row) {
          if (isAfter(row, seen)) yield toView(row)
          continue
        }
        await new Promise<void>((resolve) => {
          wake = resolve
          if (queue.length > 0 || signal.aborted) resolve()
        })
      }
    } finally {
      stop()
      signal.removeEventListener('abort', onAbort)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#client?.end()
  }
}

export function parseCursor(text: string): Cursor {
  const match = /^(\d{1,19})\.(\d{1,19})$/.exec(text)
  if (!match) throw invalidInput('The event cursor is not one of ours.', 'after')
  return { xid: BigInt(match[1] ?? 0), id: BigInt(match[2] ?? 0) }
}
const isAfter = (row: Cursor, seen: Cursor) =>
  row.xid > seen.xid || (row.xid === seen.xid && row.id > seen.id)

function mayReceive(ctx: Ctx, row: Row): boolean {
  if (row.public || seesAll(ctx)) return true
  if (row.resourceKind === 'user' && row.resourceId === ctx.actor.userId) return true
  return ctx.scope.kind === 'project' && row.projectId === ctx.scope.projectId
}

function toView(row: Row): EventView {
  return {
    cursor: `${row.xid}.${row.id}`,
    at: row.at.toISOString(),
    kind: row.kind,
    projectId: row.projectId,
    resourceKind: row.resourceKind,
    resourceId: row.resourceId,
    operationId: row.operationId,
    data: row.data,
  }
}

async function headCursor(deps: Deps): Promise<Cursor> {
  const rows = await deps.root.$queryRaw<Cursor[]>`SELECT "xid", "id" FROM "Event"
    WHERE "xid" < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint ORDER BY "xid" DESC, "id" DESC LIMIT 1`
  return rows[0] ?? { xid: 0n, id: 0n }
}

async function readAfter(
  deps: Deps,
  cursor: Cursor,
  limit: number,
): Promise<{ rows: Row[]; hidden: boolean }> {
  const all = await deps.root.$queryRaw<(Row & { settled: boolean })[]>`
    SELECT "id", "xid", "at", "kind", "projectId", "public", "resourceKind", "resourceId", "operationId", "data",
           "xid" < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint AS "settled"
    FROM "Event" WHERE ("xid", "id") > (${cursor.xid}, ${cursor.id}) ORDER BY "xid", "id" LIMIT ${limit}`
  const rows = all.filter((row) => row.settled)
  return { rows, hidden: rows.length < all.length }
}
