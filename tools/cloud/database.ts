import pg from 'pg'

export const isDatabaseUrl = (text: string): boolean => /^postgres(ql)?:\/\//.test(text) && URL.canParse(text)

/** The address of a database without its password, for sentences. */
export function nameOf(databaseUrl: string): string {
  const url = new URL(databaseUrl)
  url.password = ''
  url.searchParams.delete('password')
  return url.href
}

/** Runs `work` with a connection to the database. */
export async function withDatabase<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** The reasons of failures, by the codes of Node and of PostgreSQL. */
const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there. Start that server, or mend host and port.',
  ENOTFOUND: 'its host is not known. Mend the name.',
  EAI_AGAIN: 'its host is not known, or no name server answers. Mend the name.',
  EHOSTUNREACH: 'its host cannot be reached from here.',
  ENETUNREACH: 'its host cannot be reached from here.',
  ETIMEDOUT: 'its host does not answer. Mend host and port, or the firewall between.',
  ENOENT: 'there is no such socket.',
  '28P01': 'the password is wrong.',
  '28000': 'this user is not let in (pg_hba.conf).',
  '3D000': 'there is no such database on that server. Make it with: createdb',
  '42501': 'this user may not connect to it.',
  '53300': 'it has no connection left. Raise its max_connections.',
}

/** Throws one sentence when no usable PostgreSQL answers there. */
export async function askDatabase(url: string): Promise<void> {
  try {
    await withDatabase(url, async (client) => {
      const { rows } = await client.query<{ version: number }>(
        `SELECT current_setting('server_version_num')::int AS "version"`,
      )
      if ((rows[0]?.version ?? 0) < 150_000) throw new Error('it is too old: version 15 or newer is needed.')
    })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = reasons[code ?? ''] ?? (/timeout/.test(message) ? reasons.ETIMEDOUT : message)
    throw new Error(`The database ${nameOf(url)} cannot be used: ${why}`, { cause: error })
  }
}
