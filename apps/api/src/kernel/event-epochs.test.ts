import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { openDatabase } from '@stratolith/db'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Postgres, startPostgres, throwAwayDir } from '../../../../tools/postgres.ts'
import { type Deps, inTransaction, systemCtx } from './context.ts'
import { EventHub } from './event-hub.ts'
import { beginEventEpoch, type Cursor, cursorText, type EventRow, readAfter } from './event-log.ts'
import { appendEvent } from './events.ts'
import { testDeps } from './testing.ts'

/** A new PostgreSQL, whose transaction numbers are far behind those of the test's own server. */
let young: Postgres
const dir = throwAwayDir('stratolith-epochs-')
beforeAll(async () => {
  young = await startPostgres(dir, { durable: false })
})
afterAll(async () => {
  await young.stop()
  fs.rmSync(dir, { recursive: true, force: true })
})

const append = (deps: Deps, id: string) =>
  inTransaction(systemCtx(deps, 'test'), (tx) =>
    appendEvent(tx, { kind: 'thing.updated', projectId: null, resourceKind: 'thing', resourceId: id }),
  )
async function on<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
const rowsOf = (client: pg.Client, table: string) =>
  client
    .query<{ rows: string | null }>(`SELECT json_agg(t)::text AS "rows" FROM ${table} t`)
    .then(({ rows }) => rows[0]?.rows ?? '[]')

/** Copies the event log as a dump does: its rows in one snapshot, and the last id of the sequence. */
const dump = (url: string) =>
  on(url, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    const { rows } = await client.query<{ last: string }>(`SELECT last_value AS "last" FROM "Event_id_seq"`)
    const tables = {
      EventEpoch: await rowsOf(client, '"EventEpoch"'),
      Event: await rowsOf(client, '"Event"'),
    }
    return { tables, last: rows[0]?.last ?? '1' }
  })
const restore = (url: string, { tables, last }: Awaited<ReturnType<typeof dump>>) =>
  on(url, async (client) => {
    await client.query('BEGIN; TRUNCATE "Event", "EventEpoch"')
    for (const [name, rows] of Object.entries(tables))
      await client.query(
        `INSERT INTO "${name}" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::"${name}", $1)`,
        [rows],
      )
    await client.query(`SELECT setval('"Event_id_seq"', $1)`, [last])
    await client.query('COMMIT')
  })
const nextXid = (url: string) =>
  on(url, async (client) => {
    const { rows } = await client.query('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS "x"')
    return Number(rows[0].x)
  })

/** Makes the same empty schema on the new server. */
async function youngDeps(like: Deps, name: string): Promise<Deps> {
  await on(young.url, (client) => client.query(`CREATE DATABASE ${name}`))
  const url = new URL(young.url)
  url.pathname = `/${name}`
  execFileSync(
    process.execPath,
    [path.resolve(import.meta.dirname, '../../../../tools/migrate.ts'), 'push'],
    {
      env: { ...process.env, DATABASE_URL: url.href },
    },
  )
  const root = openDatabase(url.href, 4)
  await beginEventEpoch(root)
  return { ...like, root, config: { ...like.config, databaseUrl: url.href } }
}

/** Returns the events that a reader gets after the restore who had read up to `cursor`, until `last` has come. */
async function readOn(hub: EventHub, deps: Deps, cursor: string, last: string): Promise<string[]> {
  const from = await hub.resume(cursor)
  expect(from).not.toBeNull()
  const seen: string[] = []
  for await (const event of hub.subscribe(systemCtx(deps, 'test'), from, AbortSignal.timeout(30_000))) {
    seen.push(event.resourceId)
    if (event.resourceId === last) break
  }
  return seen
}
/** Reads the whole log, again and again until nothing is hidden, because other tests use this server, too. */
async function readAll(deps: Deps): Promise<{ rows: EventRow[]; hidden: boolean }> {
  const rows: EventRow[] = []
  for (let cursor: Cursor = { epoch: 0, xid: 0n, id: 0n }, left = 500; ; left--) {
    const next = await readAfter(deps.root, cursor, 500)
    rows.push(...next.rows)
    if (!next.hidden || left === 0) return { rows, hidden: next.hidden }
    const last = rows.at(-1)
    if (last) cursor = { epoch: last.epoch, xid: last.xid, id: last.id }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
const headText = async (deps: Deps) => {
  const last = (await readAll(deps)).rows.at(-1)
  if (!last) throw new Error('the log is empty')
  return cursorText(last)
}

/** Restores the log of `from` over that of `to` and goes on there. */
async function movesOver(from: Deps, to: Deps): Promise<void> {
  await append(from, 'before')
  const cursor = await headText(from)
  await append(from, 'dumped')
  const saved = await dump(from.config.databaseUrl)
  await append(from, 'lost')
  const lost = await headText(from)
  await restore(to.config.databaseUrl, saved)

  const hub = new EventHub(to)
  await hub.start()
  await append(to, 'after')
  expect(await readOn(hub, to, cursor, 'after')).toEqual(['dumped', 'after'])
  // A cursor whose event is not in the dump cannot be resumed.
  expect(await hub.resume(lost)).toBeNull()
  const { rows, hidden } = await readAll(to)
  expect(hidden).toBe(false)
  expect(rows.at(-1)?.resourceId).toBe('after')
  await hub.close()
}

test('readers resume after a dump is restored on a server whose transaction numbers are far behind, or far ahead', async () => {
  const { deps: old, close } = await testDeps()
  // Each block that writes takes a transaction number of its own.
  await on(inject('postgresUrl'), (client) =>
    client.query(`CREATE TEMP TABLE burn (n int); DO $$ BEGIN FOR i IN 1..20000 LOOP
      BEGIN INSERT INTO burn VALUES (i); EXCEPTION WHEN others THEN NULL; END; END LOOP; END $$`),
  )
  const deps = await youngDeps(old, 'behind')
  const [ahead, behind] = [await nextXid(old.config.databaseUrl), await nextXid(young.url)]
  expect(ahead).toBeGreaterThan(behind + 10_000)
  await movesOver(old, deps)
  // The dump goes back to the server from which the first rows came.
  await movesOver(deps, old)
  const epochs = await old.root.eventEpoch.findMany({ orderBy: { number: 'asc' } })
  expect(epochs.map((row) => row.number)).toEqual([1, 2, 3])
  expect(new Set(epochs.map((row) => row.cluster)).size).toBe(2)
  await deps.root.$disconnect()
  await close()
})

test('a dump restored on the same server begins one epoch, however often and many processes start', async () => {
  const { deps, close } = await testDeps()
  await append(deps, 'one')
  const count = () => deps.root.eventEpoch.count()
  await Promise.all(Array.from({ length: 8 }, () => beginEventEpoch(deps.root)))
  expect(await count()).toBe(1)
  await restore(deps.config.databaseUrl, await dump(deps.config.databaseUrl))
  await Promise.all(Array.from({ length: 8 }, () => beginEventEpoch(deps.root)))
  expect(await count()).toBe(2)
  await append(deps, 'two')
  const { rows } = await readAll(deps)
  expect(rows.map((row) => [row.epoch, row.resourceId])).toEqual([
    [1, 'one'],
    [2, 'two'],
  ])
  await close()
})

test('restored rows whose transaction numbers are still to come on this server begin an epoch, too', async () => {
  const { deps, close } = await testDeps()
  await append(deps, 'from elsewhere')
  await deps.root.$executeRaw`UPDATE "Event" SET "xid" = "xid" + 1000000`
  await beginEventEpoch(deps.root)
  expect(await deps.root.eventEpoch.count()).toBe(2)
  await append(deps, 'here')
  const { rows } = await readAll(deps)
  expect(rows.map((row) => row.resourceId)).toEqual(['from elsewhere', 'here'])
  await close()
})

test('a reader is told to begin anew when the database is replaced under it', async () => {
  const { deps, close } = await testDeps()
  const hub = new EventHub(deps)
  await append(deps, 'kept')
  const saved = await dump(deps.config.databaseUrl)
  await append(deps, 'lost')
  await hub.start()
  const following = (async () => {
    for await (const event of hub.subscribe(systemCtx(deps, 'test'), null, AbortSignal.timeout(60_000)))
      throw new Error(`the subscription yields ${event.resourceId} instead of ending`)
    return 'ended'
  })()
  await restore(deps.config.databaseUrl, saved)
  await on(deps.config.databaseUrl, (client) =>
    client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN stratolith_events'`,
    ),
  )
  expect(await following).toBe('ended')
  await hub.close()
  await close()
})

/** The database sessions that listen, among them the hub's. */
const listening = (url: string, what = 'pid') =>
  on(url, async (client) => {
    const { rows } = await client.query<{ x: unknown }>(
      `SELECT ${what} AS "x" FROM pg_stat_activity
       WHERE query = 'LISTEN stratolith_events' AND datname = current_database()`,
    )
    return rows.map((row) => row.x)
  })
/** Keeps everybody from beginning an epoch until the returned function is called. */
async function holdEpochs(deps: Deps): Promise<() => Promise<void>> {
  const release = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const over = inTransaction(systemCtx(deps, 'test'), async (tx) => {
    await tx.db.$executeRaw`LOCK TABLE "Event" IN ROW EXCLUSIVE MODE`
    held.resolve()
    await release.promise
  })
  await held.promise
  return async () => {
    release.resolve()
    await over
  }
}

test('no event of another history is sent before the hub knows of the other history, also when its listener dies meanwhile', async () => {
  const { deps, close } = await testDeps()
  const { databaseUrl: url } = deps.config
  const hub = new EventHub(deps)
  await append(deps, 'kept')
  const saved = await dump(url)
  await append(deps, 'lost')
  await hub.start()
  const told: string[] = []
  const following = (async () => {
    for await (const event of hub.subscribe(systemCtx(deps, 'test'), null, AbortSignal.timeout(60_000)))
      told.push(event.resourceId)
  })()
  await restore(url, saved)
  await on(url, (client) =>
    client.query(
      `INSERT INTO "Event" ("kind", "resourceKind", "resourceId") VALUES ('a.b', 'thing', 'other')`,
    ),
  )
  const release = await holdEpochs(deps)
  const before = await listening(url)
  await listening(url, 'pg_terminate_backend(pid)')
  await expect
    .poll(async () => (await listening(url)).some((pid) => !before.includes(pid)), { timeout: 30_000 })
    .toBe(true)
  await on(url, (client) => client.query(`SELECT pg_notify('stratolith_events', '')`))
  await new Promise((resolve) => setTimeout(resolve, 500))
  await listening(url, 'pg_terminate_backend(pid)')
  await release()
  await following
  expect(told).toEqual([])

  const next: string[] = []
  const reading = (async () => {
    for await (const event of hub.subscribe(systemCtx(deps, 'test'), null, AbortSignal.timeout(60_000))) {
      next.push(event.resourceId)
      if (event.resourceId === 'after') break
    }
  })()
  await append(deps, 'after')
  await reading
  expect(next.at(-1)).toBe('after')
  await hub.close()
  await close()
})

test('an event whose transaction is open when an epoch begins belongs to the old epoch and is not missed', async () => {
  const { deps, close } = await testDeps()
  await restore(deps.config.databaseUrl, await dump(deps.config.databaseUrl))
  const release = Promise.withResolvers<void>()
  const appended = Promise.withResolvers<void>()
  const slow = inTransaction(systemCtx(deps, 'test'), async (tx) => {
    await appendEvent(tx, { kind: 'a.b', projectId: null, resourceKind: 'thing', resourceId: 'slow' })
    appended.resolve()
    await release.promise
  })
  await appended.promise
  const begun = beginEventEpoch(deps.root).then(() => 'begun')
  expect(await Promise.race([begun, new Promise((r) => setTimeout(r, 300, 'waits'))])).toBe('waits')
  const next = append(deps, 'next')
  release.resolve()
  await Promise.all([slow, begun, next])
  const { rows } = await readAll(deps)
  expect(rows.map((row) => [row.epoch, row.resourceId])).toEqual([
    [1, 'slow'],
    [2, 'next'],
  ])
  await close()
})
