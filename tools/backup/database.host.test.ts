import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { runMigrations } from 'graphile-worker'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { node } from '../cloud/prepare.ts'
import { ensureDatabase, type Postgres, startPostgres } from '../postgres.ts'
import { compareRows, connected, dumpDatabase, readDump, restoreDatabase } from './database.ts'
import { nameOf, quoted, sequencesOf, tablesOf } from './tables.ts'

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-dump-'))
fs.chmodSync(work, 0o755)
const folder = path.join(work, 'dump')
let source = ''
let other: Postgres
let number = 0
const emptyThere = () => ensureDatabase(other.url, `target_${number++}`)

beforeAll(async () => {
  source = await ensureDatabase(inject('postgresUrl'), `dump_${crypto.randomUUID().slice(0, 8)}`)
  await node('tools/migrate.ts', ['deploy'], { DATABASE_URL: source })
  await runMigrations({ connectionString: source })
  await connected(source, async (client) => {
    const odd = JSON.stringify({ text: 'tab\t newline\n backslash\\ quote" \u{1f431} \\N' })
    await client.query(
      `INSERT INTO "Event" ("kind", "resourceKind", "resourceId", "data")
       SELECT 'test.made', 'test', n::text, $1::jsonb FROM generate_series(1, 5000) n`,
      [odd],
    )
    // A child whose parent is written later, and an operation with its steps: foreign keys in every order.
    const domain = 'default'
    await client.query(`INSERT INTO "Domain" ("id", "name") VALUES ($1, 'Default')`, [domain])
    await client.query(
      `INSERT INTO "Project" ("id", "domainId", "name") VALUES ('b', $1, 'b'), ('a', $1, 'a')`,
      [domain],
    )
    await client.query(`UPDATE "Project" SET "parentId" = 'a' WHERE "id" = 'b'`)
    const operation = crypto.randomUUID()
    await client.query(
      `INSERT INTO "Operation" ("id", "action", "resourceKind", "resourceId") VALUES ($1, 'a', 'b', 'c')`,
      [operation],
    )
    await client.query(
      `INSERT INTO "OperationStep" ("operationId", "index", "name", "title", "state") VALUES ($1, 0, 'a', 'A', 'done')`,
      [operation],
    )
    await client.query(
      `SELECT graphile_worker.add_job('workflow', json_build_object('operationId', $1::text))`,
      [operation],
    )
  })
  other = await startPostgres(path.join(work, 'postgres'), { durable: false })
})
afterAll(async () => {
  await other?.stop()
  fs.rmSync(work, { recursive: true, force: true })
})

/** The whole contents of a database as text, for comparison. */
const contents = (url: string) =>
  connected(url, async (client) => {
    const tables: Record<string, string> = {}
    for (const table of await tablesOf(client)) {
      const { rows } = await client.query(
        `SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) AS "sum", count(*) AS "n" FROM ${quoted(table)} t`,
      )
      tables[nameOf(table)] = `${rows[0].n} ${rows[0].sum}`
    }
    return { tables, sequences: await sequencesOf(client) }
  })

test('a dump is restored into another PostgreSQL row by row, with keys, sequences and queued jobs', async () => {
  const { dump, read } = await dumpDatabase(source, folder, {
    // Rows that are written after the snapshot are not in the dump.
    read: async (client) => {
      const { rows } = await client.query('SELECT count(*)::int AS "n" FROM "Event"')
      await connected(source, (late) =>
        late.query(`INSERT INTO "Event" ("kind", "resourceKind", "resourceId") VALUES ('late', 'test', '0')`),
      )
      return rows[0].n as number
    },
  })
  expect(read).toBe(5000)
  expect(dump.tables.find((table) => table.name === 'Event')?.rows).toBe(5000)
  await connected(source, (client) => client.query(`DELETE FROM "Event" WHERE "kind" = 'late'`))
  for (const name of fs.readdirSync(folder))
    expect(fs.statSync(path.join(folder, name)).mode & 0o077, name).toBe(0)

  const target = await emptyThere()
  await restoreDatabase(target, folder)
  const [before, after] = [await contents(source), await contents(target)]
  expect(after.tables).toEqual(before.tables)
  expect(before.tables['graphile_worker._private_jobs']).toMatch(/^1 /)
  expect(after.sequences).toEqual(before.sequences)
  expect(await compareRows(target, dump)).toEqual([])

  await connected(target, async (client) => {
    // The sequence goes on after the last number, and the foreign keys are back.
    const { rows } = await client.query(
      `INSERT INTO "Event" ("kind", "resourceKind", "resourceId") VALUES ('x', 'y', 'z') RETURNING "id"::int`,
    )
    expect(rows[0].id).toBeGreaterThan(5000)
    await expect(client.query(`UPDATE "Project" SET "domainId" = 'nowhere'`)).rejects.toThrow(/foreign key/)
  })
  expect(await compareRows(target, dump)).toEqual(['public.Event: 5001 instead of 5000'])
})

test('a database with data is refused and unchanged, and a restore that was cut short is repeated', async () => {
  const target = await emptyThere()
  const dump = readDump(folder)
  const step = dump.tables.find((table) => table.name === 'OperationStep')
  const file = path.join(folder, `public.${step?.name}.copy.gz`)
  const bytes = fs.readFileSync(file)
  fs.writeFileSync(file, bytes.subarray(0, bytes.length - 12))
  await expect(restoreDatabase(target, folder)).rejects.toThrow()
  expect((await compareRows(target, dump)).length).toBeGreaterThan(0)
  fs.writeFileSync(file, bytes)
  await restoreDatabase(target, folder)
  expect(await compareRows(target, dump)).toEqual([])

  await expect(restoreDatabase(target, folder)).rejects.toThrow(/is not empty/)
  expect(await compareRows(target, dump)).toEqual([])
})

test('a database with any table is refused, also with an empty table of another program in another schema', async () => {
  const target = await emptyThere()
  await connected(target, async (client) => {
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_trgm')
    await client.query('CREATE SCHEMA shop; CREATE TABLE shop.orders (id int)')
    await expect(restoreDatabase(target, folder)).rejects.toThrow(
      /is not empty: it has tables \(shop\.orders\)/,
    )
    await client.query('ALTER TABLE shop.orders SET SCHEMA public')
    await expect(restoreDatabase(target, folder)).rejects.toThrow(/public\.orders/)
    expect((await client.query('SELECT * FROM orders')).rows).toEqual([])
    await client.query('DROP TABLE orders; DROP SCHEMA shop')
  })
  await restoreDatabase(target, folder)
})

test('the dump of a newer checkout is refused before anything is changed', async () => {
  const target = await emptyThere()
  const file = path.join(folder, 'database.json')
  const dump = readDump(folder)
  fs.writeFileSync(
    file,
    JSON.stringify({ ...dump, migrations: [...(dump.migrations ?? []), '29990101_later'] }),
  )
  await expect(restoreDatabase(target, folder)).rejects.toThrow(/newer than this checkout/)
  await connected(target, async (client) => expect(await tablesOf(client)).toEqual([]))
})
