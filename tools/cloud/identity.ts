import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type pg from 'pg'
import { nameOf, withDatabase } from './database.ts'
import { type Places, writeAtomically } from './paths.ts'
import { hostName } from './running.ts'

/** The mark of a cloud and of its database; the database, the data folder and each host have the same three values. */
export type Mark = { id: string; epoch: number; token: string }

/**
 * Gives the database its cloud at the first start and raises its epoch at every later start, so that
 * earlier copies of the database can be told from it. Refuses, with one sentence that names the
 * choices, a database and a data folder of different clouds, and a database that is an older copy of the
 * one that this machine has followed. With `accept` such a database is used all the same: things that run here but are
 * not in it go on and are shown as strays.
 */
export async function identify(databaseUrl: string, where: Places, accept: boolean): Promise<Mark> {
  return withDatabase(databaseUrl, async (client) => {
    await client.query('BEGIN')
    // When two machines start at the same time, the lock makes the second raise the epoch of the first.
    await client.query('LOCK TABLE "Cloud" IN SHARE ROW EXCLUSIVE MODE')
    const found = await look(client)
    const { known } = found
    const seen = marksIn(where)
    if (!accept) refuse(found, seen, where, databaseUrl)
    const mark = await advance(client, where, known, seen)
    if (accept) await forgetReasons(client)
    await client.query('COMMIT')
    // The database is written first, because a folder with a newer mark would refuse the database.
    const foreign = seen.some((other) => other.id !== mark.id)
    for (const file of [dataFile(where), ...(foreign ? hostFiles(where) : [])])
      writeAtomically(file, `${JSON.stringify(mark)}\n`, 0o644)
    return mark
  })
}

/**
 * Refuses as `identify` does, without changing anything, also a database without our schema or with an older
 * one. For callers that use the database before `identify`.
 */
export async function refuseForeign(databaseUrl: string, where: Places): Promise<void> {
  const found = await withDatabase(databaseUrl, look)
  refuse(found, marksIn(where), where, databaseUrl)
}

/**
 * Makes this database the right one after a restore, whatever the hosts here have followed. Its
 * epoch is raised above theirs, so that hosts refuse a control plane on the old database, and the
 * tags from which kernel names are made start above those in use.
 */
export async function acceptDatabase(databaseUrl: string, where: Places): Promise<Mark> {
  return identify(databaseUrl, where, true)
}

async function advance(client: pg.Client, where: Places, known: Mark | null, seen: Mark[]): Promise<Mark> {
  const id = known?.id ?? randomUUID()
  const epoch = Math.max(0, known?.epoch ?? 0, ...seen.map((mark) => mark.epoch)) + 1
  const mark = { id, epoch, token: randomUUID() }
  await client.query(
    `INSERT INTO "Cloud" ("one", "id", "epoch", "epochToken") VALUES (true, $1, $2, $3)
     ON CONFLICT ("one") DO UPDATE SET "epoch" = EXCLUDED."epoch", "epochToken" = EXCLUDED."epochToken"`,
    [id, epoch, mark.token],
  )
  await raiseTags(client, where)
  return mark
}

/** Throws the sentence that names the choices. */
function refuse(found: Found, seen: readonly Mark[], where: Places, databaseUrl: string): void {
  const { known } = found
  const database = nameOf(databaseUrl)
  if (seen.length === 0) refuseUnmarked(found, where, database)
  const choices = (right: string) =>
    `Choose: set DATABASE_URL to ${right}; restore a backup into it (npm run restore -- FOLDER); use another data folder (STRATOLITH_DATA) for this database; or start with “npm start -- --accept-database”: what runs on this machine goes on, and what this database does not know of it is shown as unknown and left alone.`
  const other = seen.find((mark) => mark.id !== known?.id)
  if (other)
    throw new Error(
      `The data folder ${where.data} belongs to cloud ${other.id}, and the database ${database} ${known ? `to cloud ${known.id}` : 'to none (it is empty)'}. ${choices('that cloud’s database')}`,
    )
  const newest = seen.reduce<Mark | null>((a, b) => (a && a.epoch >= b.epoch ? a : b), null)
  if (!known || !newest) return
  if (newest.epoch > known.epoch || (newest.epoch === known.epoch && newest.token !== known.token))
    throw new Error(
      `The database ${database} is an older copy of this cloud’s (epoch ${known.epoch}); this machine has followed epoch ${newest.epoch}. ${choices('the newer one')}`,
    )
}

/**
 * Refuses a folder without a mark for a database that has hosts: the database belongs to another cloud or to a folder
 * that was lost. A folder of a version without marks is recognised by its hosts.
 */
function refuseUnmarked({ known, hosts }: Found, where: Places, database: string): void {
  if (hosts.length === 0) return
  const folderOf = (endpoint: string) => /^unix:(.*)\/hosts\/[^/]+\/agent\.sock$/.exec(endpoint)?.[1]
  const ours = hosts.some(
    ({ name, endpoint }) =>
      folderOf(endpoint) === where.data && fs.existsSync(path.join(where.data, 'hosts', name)),
  )
  if (known === null && ours) return
  const there = hosts.map(({ name, endpoint }) => `${name} at ${folderOf(endpoint) ?? endpoint}`)
  throw new Error(
    `The data folder ${where.data} belongs to no cloud yet, and the database ${database} to ${known ? `cloud ${known.id}` : 'a cloud'} (host ${there.slice(0, 3).join(', ')}${there.length > 3 ? ', …' : ''}). Choose: set STRATOLITH_DATA to that cloud’s data folder; set DATABASE_URL to an empty database, or leave it out, for a new cloud; restore a backup of that cloud (npm run restore -- FOLDER); or start with “npm start -- --accept-database”: this folder becomes that cloud’s and this machine its host ${hostName()}, and the disks, images and secrets that are not in it are missing.`,
  )
}

type Found = { known: Mark | null; hosts: { name: string; endpoint: string }[] }

/** Reads the cloud and the hosts from a database; both are empty when there are no tables yet. */
async function look(client: pg.Client): Promise<Found> {
  const { rows: tables } = await client.query<{ cloud: boolean; host: boolean }>(
    `SELECT to_regclass('public."Cloud"') IS NOT NULL AS "cloud", to_regclass('public."Host"') IS NOT NULL AS "host"`,
  )
  const marks = tables[0]?.cloud
    ? await client.query<Mark>('SELECT "id", "epoch", "epochToken" AS "token" FROM "Cloud"')
    : null
  const hosts = tables[0]?.host
    ? await client.query<Found['hosts'][number]>('SELECT "name", "endpoint" FROM "Host" ORDER BY "name"')
    : null
  return { known: marks?.rows[0] ?? null, hosts: hosts?.rows ?? [] }
}

const dataFile = (where: Places) => path.join(where.data, 'cloud.json')
const hostFiles = (where: Places) =>
  fs.globSync('hosts/*/cloud.json', { cwd: where.data }).map((name) => path.join(where.data, name))

/** The marks in the data folder and in the folders of its hosts. */
function marksIn(where: Places): Mark[] {
  const files = [dataFile(where), ...hostFiles(where)].filter((file) => fs.existsSync(file))
  return files.map((file) => {
    try {
      const mark = JSON.parse(fs.readFileSync(file, 'utf8')) as Partial<Mark>
      if (typeof mark.id === 'string' && typeof mark.epoch === 'number' && typeof mark.token === 'string')
        return { id: mark.id, epoch: mark.epoch, token: mark.token }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
    }
    throw new Error(`${file} does not say which cloud it is of. Restore it, or remove it and start again.`)
  })
}

const numbered = { Network: 'networks', Port: 'ports', Router: 'routers' }

/** Raises the sequences of tags above those that hosts use, because an older database would give out used tags again. */
async function raiseTags(client: pg.Client, where: Places): Promise<void> {
  for (const [table, folder] of Object.entries(numbered)) {
    const files = fs.globSync(`hosts/*/network/${folder}/*.json`, { cwd: where.data })
    const tags = files.map((name) => tagIn(path.join(where.data, name)))
    await client.query(
      `SELECT setval(s, greatest($2::bigint, (SELECT last_value FROM pg_sequences WHERE format('%I.%I', schemaname, sequencename)::regclass = s::regclass), 1))
       FROM pg_get_serial_sequence($1, 'tag') AS s WHERE $2::bigint > 0`,
      [`"${table}"`, Math.max(0, ...tags)],
    )
  }
}

/** The tag in a record; 0 when the record cannot be parsed, which the agent will report. */
function tagIn(file: string): number {
  try {
    const { spec } = JSON.parse(fs.readFileSync(file, 'utf8')) as { spec?: { tag?: unknown } }
    return typeof spec?.tag === 'number' ? spec.tag : 0
  } catch {
    return 0
  }
}

/** The SQL condition for held addresses and held room, which others must not get before the host has released them. */
const isHeld = ['HeldAddress', 'HeldRoom']
  .map(
    (table) =>
      `EXISTS (SELECT FROM "${table}" x WHERE (x."hostId", x."kind", x."thing") = (h."hostId", h."kind", h."thing"))`,
  )
  .join(' OR ')

/**
 * Drops the reasons for removals that an older database contains. The database knows what was deleted before its copy
 * was made, but not what has come back since: bytes of the same name, a port on the host that it had left, an instance
 * that another restore brought back. Such things become strays, and the time of all strays begins now, because a stray
 * that was to be removed may have been adopted since. The database does not know either what its hosts were told since,
 * so nothing counts as confirmed and everything is delivered again.
 */
export async function forgetReasons(client: { query(sql: string): Promise<unknown> }): Promise<void> {
  await client.query('DELETE FROM "Tombstone"')
  // A deletion that is under way in the database goes on with its operation. Things that hosts hold from other deletions
  // stay held, under a kind that is not delivered, until the hosts no longer have them (apps/api/src/hosts/held.ts).
  const isOld = `NOT "wanted" AND "kind" NOT LIKE 'held %' AND NOT EXISTS (
    SELECT FROM "Instance" i WHERE i."hostId" = h."hostId" AND i."taskState" = 'deleting' AND (i."id" = h."thing"
      OR EXISTS (SELECT FROM "Port" p WHERE p."id" = h."thing" AND p."deviceId" = i."id"::text)))`
  await client.query(
    `UPDATE "HostDocument" h SET "kind" = 'held ' || "kind" WHERE ${isOld} AND (${isHeld}) AND NOT EXISTS (
       SELECT FROM "HostDocument" o WHERE (o."hostId", o."kind", o."thing") = (h."hostId", 'held ' || h."kind", h."thing"))`,
  )
  await client.query(`DELETE FROM "HostDocument" h WHERE ${isOld}`)
  await client.query(
    'UPDATE "HostDocument" SET "told" = least(greatest("told", "confirmed"), 1), "confirmed" = 0, "attempts" = 0, "error" = NULL, "since" = now(), "dueAt" = now()',
  )
  await client.query(`DELETE FROM "Stray" WHERE "decision" IS DISTINCT FROM 'keep'`)
  await client.query('DELETE FROM "Brake"')
}
