import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { named } from '../../apps/api/src/kernel/lease.ts'
import { longSession } from '../../apps/api/src/kernel/session.ts'
import { nameOf } from './database.ts'
import { healthy } from './health.ts'
import { endpointOf, type Places } from './paths.ts'

/** The number of our advisory locks for supervisors; the second number is made from the host's name. */
const claims = 7_235
const lockOf = `${claims}, hashtext('stratolith-supervisor ' || $1)`
/** With these settings PostgreSQL ends the session of a machine without power within this time. */
const patience = { waitMs: 20_000, keepalives: { idle: 5, interval: 3, count: 3 } }

/**
 * Makes this supervisor the only one with its host's name on the database, until the returned function is
 * called. Throws a sentence when another one is there, or when an agent of that name answers elsewhere: our agent
 * would take over its row, and its guests would count as gone. The claim is a lock of a session, so that a
 * killed supervisor holds nothing; it is taken again when the connection is lost.
 */
export async function claimDatabase(
  databaseUrl: string,
  where: Places,
  host: string,
  waitMs = patience.waitMs,
): Promise<() => Promise<void>> {
  let session: pg.Client | null = null
  let over = false
  const lost = (client: pg.Client) => {
    if (session !== client) return
    session = null
    void again()
  }
  const again = async () => {
    let said = false
    while (!over && session === null) {
      await sleep(1_000, undefined, { ref: false })
      const client = await openSession(databaseUrl, host, lost).catch(() => null)
      if (client === null) continue
      if (!over && (await tryLock(client, host).catch(() => false))) session = client
      else {
        await client.end().catch(() => undefined)
        if (!said && !over)
          console.error(`Another supervisor has taken ${nameOf(databaseUrl)}. Stop one of the two.`)
        said = true
      }
    }
  }
  session = await take(databaseUrl, where, host, lost, waitMs)
  return async () => {
    over = true
    const client = session
    session = null
    await client?.end().catch(() => undefined)
  }
}

async function take(
  databaseUrl: string,
  where: Places,
  host: string,
  lost: (client: pg.Client) => void,
  waitMs: number,
): Promise<pg.Client> {
  const client = await openSession(databaseUrl, host, lost)
  try {
    const until = Date.now() + waitMs
    for (;;) {
      const mine = await tryLock(client, host)
      await refuseOtherAgent(client, where, host, databaseUrl)
      if (mine) return client
      if (Date.now() > until) throw new Error(await heldSentence(client, host, databaseUrl))
      await sleep(500)
    }
  } catch (error) {
    await client.end()
    throw error
  }
}

async function openSession(
  databaseUrl: string,
  host: string,
  lost: (client: pg.Client) => void,
): Promise<pg.Client> {
  const client = new pg.Client(longSession(named(databaseUrl, `stratolith-supervisor ${host}`)))
  client.on('error', () => lost(client))
  await client.connect()
  for (const [name, value] of Object.entries(patience.keepalives))
    await client.query(`SET tcp_keepalives_${name} = ${value}`)
  return client
}

async function tryLock(client: pg.Client, host: string): Promise<boolean> {
  const { rows } = await client.query<{ mine: boolean }>(`SELECT pg_try_advisory_lock(${lockOf}) AS "mine"`, [
    host,
  ])
  return rows[0]?.mine === true
}

const choices =
  'Two of them on one database break each other’s guests. Choose: stop that one first (npm run stop, with its STRATOLITH_DATA; guests go on), or give this one a database of its own (leave DATABASE_URL out for an embedded one).'

async function heldSentence(client: pg.Client, host: string, databaseUrl: string): Promise<string> {
  const { rows } = await client.query<{ address: string | null; since: Date | null }>(
    `SELECT a."client_addr"::text AS "address", a."backend_start" AS "since"
     FROM pg_locks l JOIN pg_stat_activity a USING ("pid")
     WHERE l."locktype" = 'advisory' AND l."granted" AND a."datname" = current_database()
     AND l."classid" = ${claims} AND l."objid"::bigint = (hashtext('stratolith-supervisor ' || $1)::bigint & 4294967295)`,
    [host],
  )
  const [row] = rows
  const who = row ? ` (from ${row.address ?? 'this machine'}, since ${row.since?.toISOString()})` : ''
  return `Another supervisor of host ${host} uses the database ${nameOf(databaseUrl)}${who}. ${choices}`
}

/** Refuses the database when another agent with the host's name answers, also one that a killed supervisor left running. */
async function refuseOtherAgent(
  client: pg.Client,
  where: Places,
  host: string,
  databaseUrl: string,
): Promise<void> {
  const { rows: there } = await client.query(`SELECT to_regclass('public."Host"') AS "name"`)
  if (there[0]?.name === null) return
  const { rows } = await client.query<{ endpoint: string }>(
    'SELECT "endpoint" FROM "Host" WHERE "name" = $1',
    [host],
  )
  const socketPath = rows[0]?.endpoint.startsWith('unix:') ? rows[0].endpoint.slice('unix:'.length) : null
  if (socketPath === null || !fs.existsSync(socketPath)) return
  const own = endpointOf(where, host).slice('unix:'.length)
  // Both paths may name the same folder.
  if (fs.existsSync(own) && fs.realpathSync(own) === fs.realpathSync(socketPath)) return
  const answers = await healthy({ socketPath, path: '/healthz' }).then(
    () => true,
    () => false,
  )
  if (answers)
    throw new Error(
      `The agent of host ${host} at ${socketPath} answers, and is not of this data folder: a cloud that uses the database ${nameOf(databaseUrl)} runs there. ${choices}`,
    )
}
