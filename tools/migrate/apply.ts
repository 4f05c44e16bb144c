import crypto from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { isConcurrent, statementsOf } from './script.ts'

export type Migration = { name: string; sql: string }
export type Plan = {
  /** The functions that column defaults call; idempotent, applied before the migrations. */
  functions: string
  migrations: readonly Migration[]
  /** The triggers, which a Prisma schema cannot express; idempotent, applied after the migrations. */
  triggers: string
  /** The indexes that a Prisma schema cannot express, one statement each; built beside running requests. */
  indexes: string
  /** The indexes that need pg_trgm. They are left out, with a message, when this user may not create the extension. */
  searchIndexes: string
}

/** The number of our advisory lock in this database. */
const deployLock = 7_235_001
/**
 * How long a migration waits for a lock, in ms. A waiting migration makes all others wait behind it, so it waits only
 * for a short time but tries several times.
 */
const lockTimeoutMs = 3_000
const tries = 10

/**
 * Applies the missing migrations in order, each in one transaction with its record, so that a kill leaves it complete
 * or absent. Index builds run outside of a transaction (CREATE INDEX CONCURRENTLY), and the next deploy finishes
 * interrupted ones. Of two deploys at the same time one waits. `only`: the names of the migrations to apply, for data of
 * an older version; triggers and indexes then wait for the rest. Returns the names of the applied migrations.
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

/** Takes the lock by trying again and again, because a session that waits for an advisory lock would hold up our own index builds. */
async function alone(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ mine: boolean }>(
      `SELECT pg_try_advisory_lock(${deployLock}) AS "mine"`,
    )
    if (rows[0]?.mine) return
    await sleep(200)
  }
}

/** Reads the applied migrations. The table has Prisma's form, so that Prisma's tools can read it, too. */
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

/** Builds indexes one by one. A build waits for older transactions to end but blocks nobody, so it has no time limit. */
async function buildIndexes(client: pg.Client, sql: string): Promise<void> {
  await client.query('SET lock_timeout = 0')
  for (const { text } of statementsOf(sql)) await client.query(text)
  await client.query(`SET lock_timeout = ${lockTimeoutMs}`)
}

/** Rebuilds indexes of interrupted builds, which are written to but never read. */
async function rebuildBroken(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS "name" FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace`,
  )
  if (rows.length === 0) return
  await client.query('SET lock_timeout = 0')
  for (const { name } of rows) {
    console.error(`Building the index ${name} again: an earlier build was cut off.`)
    // An interrupted REINDEX CONCURRENTLY has left this index beside the real one.
    const leftOver = /_cc(new|old)\d*"?$/.test(name)
    await client.query(`${leftOver ? 'DROP' : 'REINDEX'} INDEX CONCURRENTLY ${name}`)
  }
}

/** True when the extension pg_trgm is there or could be made. It is part of PostgreSQL's package and needs only the right to create in the database. */
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

/** Runs `work` again when it could not get its lock in time; a failed try leaves nothing. */
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
