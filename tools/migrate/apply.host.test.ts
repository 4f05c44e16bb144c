import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { ensureDatabase } from '../postgres.ts'
import { deploy, type Plan } from './apply.ts'

const prisma = path.resolve(import.meta.dirname, '../../prisma')
const all = fs
  .readdirSync(path.join(prisma, 'migrations'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
const epochs = all.findIndex((name) => name.endsWith('_event_epochs'))

let url = ''
let client: pg.Client
beforeEach(async () => {
  url = await ensureDatabase(inject('postgresUrl'), `deploy_${crypto.randomUUID().slice(0, 8)}`)
  client = new pg.Client({ connectionString: url })
  await client.connect()
})
afterEach(() => client.end())

const tools = path.resolve(import.meta.dirname, '../migrate.ts')
const run = (...names: string[]) =>
  promisify(execFile)(process.execPath, [tools, 'deploy', ...names], {
    env: { ...process.env, DATABASE_URL: url },
  })
/** A plan with these migrations alone, for a database without our schema. */
const plan = (...migrations: Plan['migrations']): Plan => ({
  functions: `CREATE OR REPLACE FUNCTION stratolith_begin_event_epoch() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
    CREATE OR REPLACE PROCEDURE stratolith_fill_documents() LANGUAGE sql AS $$ SELECT 1 $$`,
  migrations,
  triggers: '',
  indexes: '',
  searchIndexes: '',
})
const table = {
  name: '1_table',
  sql: 'CREATE TABLE "Big" ("x" int);\nINSERT INTO "Big" SELECT generate_series(1, 1000);',
}
const index = {
  name: '2_index',
  sql: 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "Big_x" ON "Big"("x");',
}

test('data of the previous version is kept: its events belong to an ended epoch and keep their order', async () => {
  await run(...all.slice(0, epochs))
  await client.query(`INSERT INTO "Event" ("kind", "resourceKind", "resourceId") VALUES ('old', 'a', 'a')`)
  await Promise.all([run(), run()])
  await client.query(`INSERT INTO "Event" ("kind", "resourceKind", "resourceId") VALUES ('new', 'a', 'a')`)
  const { rows } = await client.query('SELECT "kind", "epoch" FROM "Event" ORDER BY "epoch", "xid", "id"')
  expect(rows).toEqual([
    { kind: 'old', epoch: 0 },
    { kind: 'new', epoch: 1 },
  ])
  const { rows: indexes } = await client.query(
    `SELECT indexrelid::regclass::text AS "name" FROM pg_index WHERE indrelid = '"Event"'::regclass AND indisvalid`,
  )
  const names = indexes.map((row) => row.name)
  expect(names).toContain('"Event_epoch_xid_id_idx"')
  expect(names).not.toContain('"Event_xid_id_idx"')
  expect((await run()).stdout).toContain('applied []')
})

test('a trigger whose condition has changed is replaced', async () => {
  await run()
  await client.query(`CREATE CONSTRAINT TRIGGER document_of_instance_change AFTER UPDATE ON "Instance"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stratolith_document_of_instance()`)
  await run()
  const { rows } = await client.query(
    `SELECT tgname AS "name" FROM pg_trigger WHERE tgrelid = '"Instance"'::regclass AND tgname LIKE 'document%' ORDER BY 1`,
  )
  expect(rows.map(({ name }) => name)).toEqual(['document_of_instance', 'document_of_instance_update'])
})

test('a migration that fails leaves nothing, and is applied once it is corrected', async () => {
  const wrong = { name: '3', sql: 'CREATE TABLE "New" ("x" int);\nINSERT INTO "Nowhere" VALUES (1);' }
  await expect(deploy(url, [], plan(table, wrong))).rejects.toThrow(/Nowhere/)
  const right = { name: '3', sql: 'CREATE TABLE "New" ("x" int);' }
  expect(await deploy(url, [], plan(table, right))).toEqual(['3'])
})

test('an index whose build was interrupted is built again', async () => {
  await deploy(url, [], plan(table))
  await client.query('INSERT INTO "Big" VALUES (1)')
  await expect(deploy(url, [], plan(table, index))).rejects.toThrow(/could not create unique index/)
  const valid = async () =>
    (await client.query(`SELECT indisvalid FROM pg_index WHERE indexrelid = '"Big_x"'::regclass`)).rows
  expect(await valid()).toEqual([{ indisvalid: false }])
  await client.query('DELETE FROM "Big" WHERE ctid = (SELECT max(ctid) FROM "Big")')
  expect(await deploy(url, [], plan(table, index))).toEqual(['2_index'])
  expect(await valid()).toEqual([{ indisvalid: true }])
})

test('a busy table delays a migration but no requests, and requests go on while an index is built', async () => {
  await deploy(url, [], plan(table))
  await client.query('BEGIN; SELECT * FROM "Big" LIMIT 1')
  const column = { name: '3_column', sql: 'ALTER TABLE "Big" ADD COLUMN "y" int;' }
  const deployed = deploy(url, [], plan(table, column))
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  await expect
    .poll(
      async () =>
        (await other.query(`SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '"Big"'::regclass`))
          .rowCount,
      { timeout: 30_000 },
    )
    .toBe(1)
  // The query waits behind the waiting migration and gets its turn when the migration gives up for a while.
  const started = Date.now()
  await other.query('SELECT count(*) FROM "Big"')
  expect(Date.now() - started).toBeLessThan(20_000)
  await client.query('COMMIT')
  expect(await deployed).toEqual(['3_column'])
  await other.end()
})

test('a migration that an older version left half done stops the deploy with a sentence', async () => {
  await deploy(url, [], plan(table))
  await client.query(`UPDATE "_prisma_migrations" SET "finished_at" = NULL`)
  await expect(deploy(url, [], plan(table, index))).rejects.toThrow(/1_table was begun by an older version/)
})
