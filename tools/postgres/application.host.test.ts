import fs from 'node:fs'
import path from 'node:path'
import { runMigrations } from 'graphile-worker'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compareRows, dumpDatabase, restoreDatabase } from '../backup/database.ts'
import { node } from '../cloud/prepare.ts'
import { ensureDatabase, type Postgres, startPostgres } from '../postgres.ts'
import { applicationRole, applicationUrl, superuser } from './application.ts'

const work = fs.mkdtempSync('/var/tmp/stratolith-application-')
const dir = path.join(work, 'postgres')
let server: Postgres
beforeAll(async () => {
  fs.chmodSync(work, 0o755)
  server = await startPostgres(dir, { durable: false })
})
afterAll(async () => {
  await server?.stop()
  fs.rmSync(work, { recursive: true, force: true })
})

async function on<T extends pg.QueryResultRow>(url: string, ...statements: string[]): Promise<T[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    let rows: T[] = []
    for (const statement of statements) rows = (await client.query<T>(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}
const read = (name: string) => fs.readFileSync(path.join(dir, name), 'utf8')
async function fill(url: string): Promise<void> {
  await node('tools/migrate.ts', ['deploy'], { DATABASE_URL: url })
  await runMigrations({ connectionString: url })
}
/** Does what the application does beside reading and writing rows. */
async function works(url: string): Promise<void> {
  await on(
    url,
    'SELECT stratolith_begin_event_epoch()',
    `INSERT INTO "Event" ("kind", "resourceKind", "resourceId") VALUES ('a', 'b', 'c')`,
    `SELECT graphile_worker.add_job('workflow', '{}')`,
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()',
    'SELECT * FROM pg_prepared_xacts',
  )
}

test('the application owns its database and has no other rights on the server', async () => {
  const url = await applicationUrl(server, 'fresh')
  expect(url).toContain(`//${applicationRole}:${read('password')}@`)
  await fill(url)
  await works(url)
  const refused = [
    `COPY (SELECT 1) TO PROGRAM 'id'`,
    `CREATE TEMP TABLE t (line text); COPY t FROM PROGRAM 'id'`,
    `COPY (SELECT 1) TO '/tmp/stratolith-application'`,
    `SELECT pg_read_file('/etc/passwd')`,
    `SELECT lo_import('/etc/passwd')`,
    'CREATE ROLE another SUPERUSER',
    `ALTER ROLE ${applicationRole} SUPERUSER`,
    `ALTER ROLE ${superuser} PASSWORD 'mine'`,
    `SET ROLE ${superuser}`,
    `ALTER SYSTEM SET archive_command = 'id'`,
    'CREATE DATABASE another',
    'CREATE EXTENSION file_fdw',
    `CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc.so.6', 'getpid'`,
    `SET session_preload_libraries = 'x'`,
  ]
  for (const statement of refused)
    await expect(on(url, statement), statement).rejects.toThrow(/permission|must be|denied/i)
  // The application cannot write in the superuser's database, where a superuser might run its objects.
  const elsewhere = url.replace('/fresh', '/postgres')
  await expect(on(elsewhere, 'CREATE TABLE public.t ()')).rejects.toThrow(/permission denied/)
  // The application sees every session that holds up the event log.
  const [seen] = await on<{ hidden: number }>(
    url,
    `SELECT count(*)::int AS "hidden" FROM pg_stat_activity WHERE query = '<insufficient privilege>'`,
  )
  expect(seen?.hidden).toBe(0)
  expect(await applicationUrl(server, 'fresh')).toBe(url)
  // Backup and restore need no further rights.
  const folder = path.join(work, 'dump')
  await dumpDatabase(url, folder)
  const restored = await applicationUrl(server, 'restored')
  expect(await compareRows(restored, await restoreDatabase(restored, folder))).toEqual([])
  for (const name of ['password', 'superuser-password'])
    expect(fs.statSync(path.join(dir, name)).mode & 0o777).toBe(0o600)
  expect(read('password')).not.toBe(read('superuser-password'))
})

test('the data of an earlier version, whose application was the superuser, becomes the application’s', async () => {
  const older = await ensureDatabase(server.url, 'older')
  await fill(older)
  await on(
    older,
    `INSERT INTO "Event" ("kind", "resourceKind", "resourceId") VALUES ('before', 'b', 'c')`,
    `CREATE TABLE parted (a int) PARTITION BY RANGE (a)`,
    'CREATE TABLE part PARTITION OF parted DEFAULT',
    `CREATE TYPE pair AS (a int, b int)`,
    'CREATE VIEW seen AS SELECT 1 AS one',
    `ALTER ROLE ${superuser} PASSWORD '${read('password')}'`,
  )
  fs.rmSync(path.join(dir, 'superuser-password'))
  await server.stop()
  server = await startPostgres(dir, { durable: false })
  const url = await applicationUrl(server, 'older')
  const [left] = await on<{ names: string[] | null }>(
    url,
    `SELECT array_agg(what) AS "names" FROM (
       SELECT relname::text AS what, relnamespace AS space, relowner AS owner, oid FROM pg_class
       UNION ALL SELECT proname, pronamespace, proowner, oid FROM pg_proc
       UNION ALL SELECT typname, typnamespace, typowner, oid FROM pg_type
       UNION ALL SELECT nspname, oid, nspowner, oid FROM pg_namespace WHERE nspname = 'graphile_worker') x
     WHERE space IN ('public'::regnamespace, 'graphile_worker'::regnamespace)
       AND owner <> '${applicationRole}'::regrole
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = x.oid AND d.deptype = 'e')`,
  )
  expect(left?.names).toBeNull()
  await fill(url)
  await works(url)
  await on(url, 'DROP TABLE parted', 'DROP SCHEMA graphile_worker CASCADE')
  const [event] = await on<{ kind: string }>(url, 'SELECT "kind" FROM "Event" ORDER BY "id" LIMIT 1')
  expect(event?.kind).toBe('before')
  // The former password of the application is no longer the superuser's.
  const stale = server.url.replace(read('superuser-password'), read('password'))
  await expect(on(stale, 'SELECT 1')).rejects.toThrow(/authentication/)
})
