import crypto from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { isConcurrent, statementsOf } from './script.ts'

export type Migration = { name: string; sql: string }
export type Plan = {
  /** What column defaults call; idempotent, before the migrations. */
  functions: string
  migrations: readonly Migration[]
  /** What a schema file cannot say; idempotent, after them. */
  triggers: string
  /** Indexes that a schema file cannot say, one statement each; built beside running requests. */
  indexes: string
  /** Those that need pg_trgm: left out, with a word, where this user may not have the extension. */
  searchIndexes: string
}

/** Any number that nobody else takes in this database. */
const deployLock = 7_235_001
/**
 * Whoever waits for a lock makes everybody else wait behind him: so not for long, but several times.
 */
const lockTimeoutMs = 3_000
const tries = 10

/**
 * Applies what the database does not have, in order, each migration in one transaction with the record
 * that it is there, so that a kill leaves it whole or not at all. Index builds run outside of one
 * (CREATE INDEX CONCURRENTLY) and are finished by the next deploy. Two deploys at once: one waits. `only`:
 * the names of those to apply, for data of an older version; what comes after them waits for the rest.
 */
export async function deploy(url: string, only: readonly string[], plan: Plan): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await alone(client)
    await client.query(`SET lock_timeout = ${lockTimeoutMs}`)
    await client.query(plan.functions)
    const known = await knownMigrations(client)
    const applied: string[] = []
    for (const migration of plan.migrations) {
      if (known.has(migration.name) || (only.length > 0 && !only.includes(migration.name))) continue
      await patiently(`Migration ${migration.name}`, () => applyOne(client, migration))
      applied.push(migration.name)
    }
    if (only.length > 0) return applied
    await patiently('prisma/triggers.sql', () => client.query(plan.triggers))
    await patiently('What hosts have', () => client.query('CALL stratolith_fill_documents()'))
    await buildIndexes(client, plan.indexes)
    if (await hasTrigrams(client)) await buildIndexes(client, plan.searchIndexes)
    await rebuildBroken(client)
    await client.query('SELECT stratolith_begin_event_epoch()')
    return applied
  } finally {
    await client.end()
  }
}

/** By asking again: a session that waits for an advisory lock would hold up our own index builds. */
async function alone(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ mine: boolean }>(
      `SELECT pg_try_advisory_lock(${deployLock}) AS "mine"`,
    )
    if (rows[0]?.mine) return
    await sleep(200)
  }
}

/** The table is Prisma's own, so that its tools read it too. */
async function knownMigrations(client: pg.Client): Promise<ReadonlySet<string>> {
  await client.query(`CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL, "finished_at" TIMESTAMPTZ,
    "migration_name" VARCHAR(255) NOT NULL, "logs" TEXT, "rolled_back_at" TIMESTAMPTZ,
    "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(), "applied_steps_count" INTEGER NOT NULL DEFAULT 0)`)
  const { rows } = await client.query<{ name: string; finished: boolean }>(
    `SELECT "migration_name" AS "name", "finished_at" IS NOT NULL AS "finished"
     FROM "_prisma_migrations" WHERE "rolled_back_at" IS NULL`,
  )
  const half = rows.find((row) => !row.finished)
  if (half)
    throw new Error(
      `Migration ${half.name} was begun by an older version of this program and did not end. Compare the tables with its file, finish or take back by hand what is half done, and set finished_at or rolled_back_at of its row in _prisma_migrations.`,
    )
  return new Set(rows.map((row) => row.name))
}

async function applyOne(client: pg.Client, migration: Migration): Promise<void> {
  const record = () =>
    client.query(
      `INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name", "finished_at", "applied_steps_count")
       VALUES ($1, $2, $3, clock_timestamp(), 1)`,
      [crypto.randomUUID(), crypto.createHash('sha256').update(migration.sql).digest('hex'), migration.name],
    )
  if (isConcurrent(migration.sql)) {
    await buildIndexes(client, migration.sql)
    await record()
    return
  }
  await client.query('BEGIN')
  try {
    await client.query(migration.sql)
    await record()
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

/** Each by itself. It waits for older transactions to end but blocks nobody, so it may take its time. */
async function buildIndexes(client: pg.Client, sql: string): Promise<void> {
  await client.query('SET lock_timeout = 0')
  for (const { text } of statementsOf(sql)) await client.query(text)
  await client.query(`SET lock_timeout = ${lockTimeoutMs}`)
}

/** A build that was cut off leaves an index that is written to and never read. */
async function rebuildBroken(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS "name" FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace`,
  )
  if (rows.length === 0) return
  await client.query('SET lock_timeout = 0')
  for (const { name } of rows) {
    console.error(`Building the index ${name} again: an earlier build was cut off.`)
    // What an interrupted REINDEX CONCURRENTLY left beside the index itself.
    const leftOver = /_cc(new|old)\d*"?$/.test(name)
    await client.query(`${leftOver ? 'DROP' : 'REINDEX'} INDEX CONCURRENTLY ${name}`)
  }
}

/** The extension is part of PostgreSQL's own package and needs only the right to create in the database. */
async function hasTrigrams(client: pg.Client): Promise<boolean> {
  try {
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_trgm')
    return true
  } catch (error) {
    console.error(
      `Searches in names will be slow in a big cloud: the extension pg_trgm is not there (${error instanceof Error ? error.message : error}). Let a superuser run CREATE EXTENSION pg_trgm in this database; the next deploy does the rest.`,
    )
    return false
  }
}

/** Again when a lock was not to be had in time; each try leaves nothing behind. */
async function patiently(what: string, work: () => Promise<unknown>): Promise<void> {
  for (let left = tries - 1; ; left--)
    try {
      await work()
      return
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code !== '55P03') throw error
      if (left === 0)
        throw new Error(
          `${what} could not get its lock in ${tries} tries: a transaction keeps its table busy (see pg_stat_activity). Nothing was changed; end it and start again.`,
        )
      await sleep(1_000)
    }
}
