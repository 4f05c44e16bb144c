/**
 * Dumps the database to files by COPY in one snapshot. The schema comes from our migrations, so a dump can be restored
 * into any PostgreSQL 15 or newer, without PostgreSQL's own programs (decision 15).
 */
import fs from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import zlib from 'node:zlib'
import { runMigrations } from 'graphile-worker'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { z } from 'zod'
import { root } from '../cloud/paths.ts'
import { node } from '../cloud/prepare.ts'
import {
  columnList,
  dropAll,
  isRestoring,
  migrationsOf,
  nameOf,
  queueMigrationOf,
  quoted,
  restoring,
  schemas,
  sequencesOf,
  type Table,
  tablesOf,
  userTables,
} from './tables.ts'

const dumpSchema = z.object({
  serverVersion: z.number(),
  migrations: z.array(z.string()).nullable(),
  queueMigration: z.number(),
  tables: z.array(
    z.object({ schema: z.string(), name: z.string(), columns: z.array(z.string()), rows: z.number() }),
  ),
  sequences: z.array(z.object({ schema: z.string(), name: z.string(), last: z.string() })),
})
export type Dump = z.infer<typeof dumpSchema>

const dumpFile = (folder: string) => path.join(folder, 'database.json')
const tableFile = (folder: string, table: Pick<Table, 'schema' | 'name'>) =>
  path.join(folder, `${nameOf(table)}.copy.gz`)

/**
 * Writes the whole database as of one moment into `folder`, which is made (0700, files 0600), without holding
 * anybody up. `read` sees the same moment. `folder`/database.json is written last.
 */
export async function dumpDatabase<T = null>(
  url: string,
  folder: string,
  options: { read?: (client: pg.Client) => Promise<T>; onTable?: (name: string) => void } = {},
): Promise<{ dump: Dump; read: T | null }> {
  fs.rmSync(folder, { recursive: true, force: true })
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  return connected(url, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY')
    const read = options.read ? await options.read(client) : null
    const dump: Dump = {
      serverVersion: await serverVersion(client),
      migrations: await migrationsOf(client),
      queueMigration: await queueMigrationOf(client),
      tables: [],
      sequences: [],
    }
    for (const table of await tablesOf(client)) {
      options.onTable?.(nameOf(table))
      const rows = await dumpTable(client, folder, table)
      dump.tables.push({ schema: table.schema, name: table.name, columns: table.columns, rows })
    }
    dump.sequences = await sequencesOf(client)
    await client.query('COMMIT')
    fs.writeFileSync(dumpFile(folder), `${JSON.stringify(dump, null, 1)}\n`, { mode: 0o600, flush: true })
    return { dump, read }
  })
}

async function dumpTable(client: pg.Client, folder: string, table: Table): Promise<number> {
  const what = table.partitioned
    ? `(SELECT ${columnList(table)} FROM ${quoted(table)})`
    : `${quoted(table)} (${columnList(table)})`
  const source = client.query(copyTo(`COPY ${what} TO STDOUT`))
  const target = fs.createWriteStream(tableFile(folder, table), { mode: 0o600, flush: true })
  await pipeline(source, zlib.createGzip({ level: 1 }), target)
  return source.rowCount
}

export const readDump = (folder: string): Dump =>
  dumpSchema.parse(JSON.parse(fs.readFileSync(dumpFile(folder), 'utf8')))

/**
 * Throws a sentence when a newer checkout has made the dump, so that this one cannot restore it.
 */
export function checkDump(dump: Dump): void {
  const known = new Set(fs.readdirSync(path.join(root, 'prisma/migrations')))
  const unknown = (dump.migrations ?? []).filter((name) => !known.has(name))
  if (unknown.length > 0)
    throw new Error(
      `The database of this backup is newer than this checkout (it knows no migration ${unknown[0]}). Take the version of Stratolith that made it, or a newer one.`,
    )
}

/**
 * Fills an empty database from a dump: the schema by the same migrations, the data in one
 * transaction. Throws a sentence when there are tables, also empty ones; a restore that was cut short is
 * repeated.
 */
export async function restoreDatabase(url: string, folder: string): Promise<Dump> {
  const dump = readDump(folder)
  checkDump(dump)
  await connected(url, async (client) => {
    const version = await serverVersion(client)
    if (version < 150_000) throw new Error('The PostgreSQL there is too old: version 15 or newer is needed.')
    if (!(await isRestoring(client))) await refuseFilled(client, url)
    await dropAll(client)
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${restoring}`)
  })
  const how = dump.migrations === null ? ['push'] : ['deploy', ...dump.migrations]
  await node('tools/migrate.ts', how, { DATABASE_URL: url })
  if (dump.queueMigration > 0) await runMigrations({ connectionString: url })
  await connected(url, async (client) => {
    const queue = await queueMigrationOf(client)
    if (queue < dump.queueMigration)
      throw new Error('The job queue of this backup is newer than this checkout. Take a newer Stratolith.')
    await client.query('BEGIN')
    await load(client, folder, dump)
    await client.query(`DROP SCHEMA ${restoring}`)
    await client.query('COMMIT')
    await client.query('ANALYZE')
  })
  return dump
}

/** Marks that everything in the database may be deleted; the next restoreDatabase deletes it. */
export async function markForRestore(url: string): Promise<void> {
  await connected(url, (client) => client.query(`CREATE SCHEMA IF NOT EXISTS ${restoring}`))
}

async function refuseFilled(client: pg.Client, url: string): Promise<void> {
  const filled = await userTables(client)
  if (filled.length === 0) return
  const { host, pathname } = new URL(url)
  throw new Error(
    `The database ${pathname.slice(1)} at ${host} is not empty: it has tables (${filled.slice(0, 3).join(', ')}${filled.length > 3 ? ', …' : ''}). Give an empty one.`,
  )
}

/** Loads the data without foreign keys and our triggers; the keys are checked when they are added again. */
async function load(client: pg.Client, folder: string, dump: Dump): Promise<void> {
  const there = new Map((await tablesOf(client)).map((table) => [nameOf(table), table]))
  for (const table of dump.tables) {
    const target = there.get(nameOf(table))
    const missing = target ? table.columns.filter((column) => !target.columns.includes(column)) : []
    if (!target || missing.length > 0)
      throw new Error(`This checkout has no place for ${nameOf(table)} ${missing.join(', ')} of the backup.`)
  }
  const { rows: keys } = await client.query<{ place: string; name: string; words: string }>(
    `SELECT conrelid::regclass::text AS "place", quote_ident(conname) AS "name", pg_get_constraintdef(oid) AS "words"
     FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
     AND connamespace IN (SELECT oid FROM pg_namespace WHERE nspname = ANY ($1))`,
    [schemas],
  )
  for (const key of keys) await client.query(`ALTER TABLE ${key.place} DROP CONSTRAINT ${key.name}`)
  const all = [...there.values()].map(quoted)
  for (const table of all) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`)
  await client.query(`TRUNCATE ${all.join(', ')}`)
  for (const table of dump.tables) {
    const { O_RDONLY, O_NOFOLLOW } = fs.constants
    const file = fs.openSync(tableFile(folder, table), O_RDONLY | O_NOFOLLOW)
    const source = fs.createReadStream('', { fd: file })
    const words = `COPY ${quoted(table)} (${columnList({ ...table, partitioned: false })}) FROM STDIN`
    await pipeline(source, zlib.createGunzip(), client.query(copyFrom(words)))
  }
  for (const { schema, name, last } of dump.sequences)
    await client.query('SELECT setval($1::regclass, $2::bigint, true)', [quoted({ schema, name }), last])
  for (const table of all) await client.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`)
  for (const key of keys)
    await client.query(`ALTER TABLE ${key.place} ADD CONSTRAINT ${key.name} ${key.words}`)
}

/** Sentences about tables whose number of rows differs from the dump's; empty when all are equal. */
export async function compareRows(url: string, dump: Dump): Promise<string[]> {
  return connected(url, async (client) => {
    const wrong: string[] = []
    for (const table of dump.tables) {
      const { rows } = await client.query(`SELECT count(*)::int AS "n" FROM ${quoted(table)}`)
      if (rows[0]?.n !== table.rows) wrong.push(`${nameOf(table)}: ${rows[0]?.n} instead of ${table.rows}`)
    }
    return wrong
  })
}

async function serverVersion(client: pg.Client): Promise<number> {
  const { rows } = await client.query('SHOW server_version_num')
  return Number(rows[0]?.server_version_num)
}

export async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
