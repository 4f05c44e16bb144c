import pg from 'pg'

/** Our schema and the queue's; nothing else in the database belongs to the cloud. */
export const schemas = ['public', 'graphile_worker']
/** The tables of applied migrations. The programs that make the schemas fill them, so they are never loaded from a dump. */
const bookkeeping = ['public._prisma_migrations', 'graphile_worker.migrations']

export type Table = { schema: string; name: string; columns: string[]; partitioned: boolean }
export const nameOf = (table: Pick<Table, 'schema' | 'name'>): string => `${table.schema}.${table.name}`
export const quoted = (table: Pick<Table, 'schema' | 'name'>): string =>
  `${pg.escapeIdentifier(table.schema)}.${pg.escapeIdentifier(table.name)}`
export const columnList = (table: Table): string =>
  table.columns.map((c) => pg.escapeIdentifier(c)).join(', ')

/** All tables with contents of their own, by name; a partition counts as part of its table. */
export async function tablesOf(client: pg.Client): Promise<Table[]> {
  const { rows } = await client.query<Table>(
    `SELECT n.nspname AS "schema", c.relname AS "name", c.relkind = 'p' AS "partitioned",
       array_agg(a.attname::text ORDER BY a.attnum) AS "columns"
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
     GROUP BY 1, 2, 3 ORDER BY 1, 2`,
    [schemas],
  )
  return rows.filter((table) => !bookkeeping.includes(nameOf(table)))
}

export type Sequence = { schema: string; name: string; last: string }

/** The last value of each used sequence. Sequences are not part of a snapshot, so the value may be a little ahead. */
export async function sequencesOf(client: pg.Client): Promise<Sequence[]> {
  const { rows } = await client.query<Sequence>(
    `SELECT schemaname AS "schema", sequencename AS "name", last_value::text AS "last" FROM pg_sequences
     WHERE schemaname = ANY ($1) AND last_value IS NOT NULL ORDER BY 1, 2`,
    [schemas],
  )
  return rows
}

/** The applied migrations; null when the schema was made without migrations (in tests). */
export async function migrationsOf(client: pg.Client): Promise<string[] | null> {
  const { rows: there } = await client.query(`SELECT to_regclass('public._prisma_migrations') AS "name"`)
  if (there[0]?.name === null) return null
  const { rows } = await client.query<{ name: string }>(
    'SELECT migration_name AS "name" FROM _prisma_migrations WHERE finished_at IS NOT NULL ORDER BY 1',
  )
  return rows.map((row) => row.name)
}

/** The newest migration of the queue's schema. */
export async function queueMigrationOf(client: pg.Client): Promise<number> {
  const { rows: there } = await client.query(`SELECT to_regclass('graphile_worker.migrations') AS "name"`)
  if (there[0]?.name === null) return 0
  const { rows } = await client.query<{ id: number }>(
    'SELECT max(id) AS "id" FROM graphile_worker.migrations',
  )
  return rows[0]?.id ?? 0
}

/** The empty schema that marks a database during a restore: everything in such a database may be deleted. */
export const restoring = 'stratolith_restoring'

export async function isRestoring(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    'SELECT to_regnamespace($1) IS NOT NULL AS "there"',
    [restoring],
  )
  return rows[0]?.there === true
}

/** The tables that would be lost if the database were filled; after an interrupted restore only tables with rows count. */
export async function tablesInTheWay(client: pg.Client): Promise<string[]> {
  return (await isRestoring(client)) ? filledTables(client) : userTables(client)
}

/** The tables of the cloud's schemas that have rows. */
async function filledTables(client: pg.Client): Promise<string[]> {
  const filled: string[] = []
  for (const table of await tablesOf(client)) {
    const { rows } = await client.query(`SELECT EXISTS (SELECT 1 FROM ${quoted(table)}) AS "any"`)
    if (rows[0]?.any) filled.push(nameOf(table))
  }
  return filled
}

/**
 * The tables of the database, also empty ones, except those of extensions. A database with a table belongs to
 * somebody.
 */
export async function userTables(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%s.%s', n.nspname, c.relname) AS "name" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
     AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
     AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     ORDER BY 1`,
  )
  return rows.map((row) => row.name)
}

/** Drops everything in the cloud's schemas: tables, functions, the queue. */
export async function dropAll(client: pg.Client): Promise<void> {
  await client.query('DROP SCHEMA IF EXISTS graphile_worker CASCADE')
  await client.query(`DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT c.oid::regclass AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
      AND c.relkind IN ('r', 'p') AND NOT c.relispartition LOOP EXECUTE format('DROP TABLE %s CASCADE', one.name); END LOOP;
    FOR one IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
      AND p.proname LIKE 'stratolith%' LOOP EXECUTE format('DROP ROUTINE %s CASCADE', one.name); END LOOP;
  END $$`)
}
