import fs from 'node:fs'
import path from 'node:path'
import pg from 'pg'

/** The role that owns the cloud's database and has no other rights on the server; api, worker and migrations use it. */
export const applicationRole = 'stratolith_app'
/** The superuser of the server; only tools use it, and never in the cloud's database once the application owns that. */
export const superuser = 'stratolith'

/** The password files in the folder of a server, each 0600. An older version has one file, with the superuser's password. */
const files = { [superuser]: 'superuser-password', [applicationRole]: 'password' } as const

/** The password of a role; generated when missing. */
export function passwordOf(dir: string, role: keyof typeof files): string {
  const file = path.join(dir, files[role])
  if (!fs.existsSync(file))
    fs.writeFileSync(file, crypto.randomUUID().replaceAll('-', ''), { mode: 0o600, flush: true })
  return fs.readFileSync(file, 'utf8').trim()
}

const urlOf = (port: number, role: keyof typeof files, password: string, database = 'postgres') =>
  `postgresql://${role}:${password}@127.0.0.1:${port}/${database}`

/**
 * The superuser's URL, when the server accepts it. In an older version the application knows the superuser's
 * password: then the superuser gets a new password, and the former one becomes the application's.
 */
export async function superuserUrl(dir: string, port: number): Promise<string | null> {
  const password = passwordOf(dir, superuser)
  const url = urlOf(port, superuser, password)
  if (await answers(url)) return url
  const older = urlOf(port, superuser, passwordOf(dir, applicationRole))
  if (!(await answers(older))) return null
  await connected(older, (client) =>
    client.query(`ALTER ROLE ${superuser} PASSWORD ${pg.escapeLiteral(password)}`),
  )
  return url
}

/**
 * The application's URL of the database `name` on an embedded server. The database is made or, if an older version
 * made it, handed over to the application with everything in it.
 */
export async function applicationUrl(
  { dir, url }: { dir: string; url: string },
  name: string,
): Promise<string> {
  const password = passwordOf(dir, applicationRole)
  const database = pg.escapeIdentifier(name)
  const owner = await connected(url, async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [applicationRole])
    if (!rowCount) await client.query(`CREATE ROLE ${applicationRole}`)
    await client.query(
      `ALTER ROLE ${applicationRole} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
       PASSWORD ${pg.escapeLiteral(password)}`,
    )
    // Lets the application see transactions that delay the event log (kernel/held-back.ts).
    await client.query(`GRANT pg_read_all_stats TO ${applicationRole}`)
    const { rows } = await client.query<{ owner: string }>(
      'SELECT pg_get_userbyid(datdba) AS "owner" FROM pg_database WHERE datname = $1',
      [name],
    )
    if (!rows[0]) await client.query(`CREATE DATABASE ${database} OWNER ${applicationRole}`)
    return rows[0]?.owner ?? applicationRole
  })
  const at = new URL(url)
  if (owner !== applicationRole) {
    at.pathname = `/${name}`
    await connected(at.href, (client) => handOver(client, database))
  }
  return urlOf(Number(at.port), applicationRole, password, name)
}

/** The SQL condition that an object belongs neither to an extension nor to another object (`kinds`: kinds of pg_depend). */
const apart = (object: string, catalog: string, kinds = "'e', 'i'") =>
  `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${object}
     AND d.deptype IN (${kinds}))`
const ours = `SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'`
const owned = [
  `SELECT format('SCHEMA %I', nspname) FROM pg_namespace
   WHERE oid IN (${ours}) AND nspname <> 'public' AND ${apart('oid', 'pg_namespace')}`,
  `SELECT format('%s %s', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
     ELSE 'TABLE' END, oid::regclass) FROM pg_class
   WHERE relnamespace IN (${ours}) AND relkind IN ('r', 'p', 'v', 'm', 'S') AND ${apart('oid', 'pg_class', "'e'")}
   AND (relkind <> 'S' OR ${apart('oid', 'pg_class', "'a', 'i'")})`,
  `SELECT format('TYPE %s', t.oid::regtype) FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
   WHERE typnamespace IN (${ours}) AND (typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
   AND ${apart('t.oid', 'pg_type')}`,
  `SELECT format('ROUTINE %s', oid::regprocedure) FROM pg_proc
   WHERE pronamespace IN (${ours}) AND ${apart('oid', 'pg_proc')}`,
]

/** Gives all objects to the application, all or none. REASSIGN OWNED does not work for the superuser that initdb made. */
async function handOver(client: pg.Client, database: string): Promise<void> {
  await client.query('BEGIN')
  for (const list of owned) {
    const { rows } = await client.query<{ what: string }>(`SELECT list.what FROM (${list}) AS list (what)`)
    for (const { what } of rows) await client.query(`ALTER ${what} OWNER TO ${applicationRole}`)
  }
  await client.query(`ALTER DATABASE ${database} OWNER TO ${applicationRole}`)
  await client.query('COMMIT')
}

async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000 })
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

const answers = (url: string): Promise<boolean> =>
  connected(url, (client) => client.query('SELECT 1')).then(
    () => true,
    () => false,
  )
