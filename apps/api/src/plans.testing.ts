import pg from 'pg'
import { vi } from 'vitest'

/** Tables that stay small in every cloud, with their numbers of rows; every other table gets `rows`. */
const small: Record<string, number> = {
  Aggregate: 20,
  AggregateHost: 100,
  // There is at most one brake for each host and kind.
  Brake: 100,
  CatalogEndpoint: 20,
  CatalogRegion: 5,
  CatalogService: 20,
  Cloud: 0,
  Domain: 50,
  DomainConfig: 50,
  EndpointGroup: 20,
  EventEpoch: 0,
  Flavor: 100,
  Host: 100,
  HostBeat: 100,
  ImpliedRole: 0,
  QuotaDefault: 0,
  OAuthConsumer: 100,
  RegisteredLimit: 100,
  Role: 20,
  StoredPolicy: 0,
  // A host has at most one pool, and says once which store it reaches.
  VolumeBackupReach: 100,
  VolumeGroupType: 20,
  // One row a host.
  VolumeKeyHost: 100,
  VolumePool: 100,
  VolumeQos: 20,
  VolumeType: 20,
  VolumeTypeAccess: 100,
  Worker: 5,
}

/** Tables with things that only some users and projects have: they get a fifth of the rows. */
const ofSomeUsers = new Set([
  'AccessRule',
  'ApplicationCredential',
  'ApplicationCredentialAccessRule',
  'ApplicationCredentialRole',
  'AuthReceipt',
  'ConsoleToken',
  'Credential',
  'FlavorAccess',
  'GroupMember',
  'ImageMember',
  'KeyPair',
  'Limit',
  'OAuthAccessToken',
  'OAuthNonce',
  'OAuthRequestToken',
  'OldPassword',
  'ProjectEndpoint',
  'ProjectEndpointGroup',
  'QuotaLimit',
  'RecoveryCode',
  'UserQuotaLimit',
  'VolumeTypeDefault',
  'ServerGroup',
  'Trust',
  'TrustRole',
])

/** The values of columns in an old cloud, where the default value (such as the first state of a thing) would be unrealistic. */
const words: Record<string, Record<string, string>> = {
  AggregateHost: { aggregateId: '(n - 1) % 20 + 1' },
  Instance: { vmState: `'active'`, taskState: 'NULL', projectId: keyOf('(n % 1000) + 1') },
  FloatingIp: { state: `'active'` },
  Document: { kind: `'port'`, changedAt: `now() - n * interval '1 minute'` },
  HostDocument: { kind: `'port'`, confirmed: '1', dueAt: 'NULL' },
  Image: {
    state: `'active'`,
    blobId: `md5('blob' || n)`,
    visibility: `CASE n % 100 WHEN 0 THEN 'public' ELSE 'private' END`,
  },
  // There is at most one limit for each project and registered limit.
  Limit: { projectId: keyOf('n'), domainId: 'NULL' },
  Operation: {
    state: `'succeeded'`,
    resourceKind: `'instance'`,
    resourceId: `${keyOf('n')}::uuid::text`,
    actorId: keyOf('(n % 1000) + 1'),
    finishedAt: `now() - n * interval '1 minute'`,
  },
  OperationStep: { operationId: `${keyOf('n')}::uuid`, index: '0', state: `'done'` },
  Event: {
    epoch: '1',
    xid: '1',
    kind: `'instance.updated'`,
    resourceKind: `'instance'`,
    resourceId: `${keyOf('n')}::uuid::text`,
    actorId: keyOf('(n % 1000) + 1'),
    at: `now() - n * interval '1 minute'`,
  },
  PastInstance: {
    terminatedAt: `now() - n * interval '10 minutes'`,
    launchedAt: `now() - n * interval '11 minutes'`,
  },
  Port: { state: `'active'`, deviceId: `${keyOf('n')}::uuid::text`, deviceOwner: `'compute:nova'` },
  Project: { ancestors: `'{}'` },
  ServerGroup: { policy: `'affinity'` },
  Subnet: { cidr: `'10.0.0.0/24'` },
  HeldAddress: { kind: `'port'`, address: `'10.' || n` },
  HeldRoom: { kind: `'instance'` },
  PortAddress: { address: `'10.' || n` },
  RoleAssignment: { userId: keyOf('n'), projectId: keyOf('n'), groupId: 'NULL', domainId: 'NULL' },
  Token: {
    expiresAt: `now() + interval '1 hour'`,
    applicationCredentialId: 'NULL',
    trustId: 'NULL',
    credentialId: 'NULL',
    accessTokenId: 'NULL',
  },
  ConsoleToken: { expiresAt: `now() + interval '1 hour'` },
  Volume: { state: `'available'`, trashedUntil: deletedOf('n') },
  VolumeSnapshot: { state: `'available'`, trashedUntil: deletedOf('n') },
  VolumeBackup: { state: `'available'`, trashedUntil: deletedOf('n') },
  // A project has at most one default type.
  VolumeTypeDefault: { projectId: keyOf('n') },
  VolumeAttachment: { state: `'attached'` },
  AuthReceipt: { expiresAt: `now() + interval '1 hour'` },
}

/** An SQL expression for the key of row `n`. Keys ascend, so that they are written quickly, and are the same in every table. */
function keyOf(n: string): string {
  return `lpad(to_hex(${n}), 32, '0')`
}

/** An SQL expression for the end of the time of one thing in five hundred, which is deleted. */
function deletedOf(n: string): string {
  return `CASE ${n} % 500 WHEN 0 THEN now() + interval '1 hour' END`
}

type Column = {
  table: string
  name: string
  type: string
  required: boolean
  hasDefault: boolean
  /** The table to which the column refers, by a foreign key or by the column's name. */
  target: string | null
  key: boolean
}

/** Fills every table of the schema without checking foreign keys, and runs ANALYZE. */
export async function fillTables(url: string, rows: number): Promise<{ table: string; rows: number }[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const columns = await columnsOf(client)
    const sizeOf = (table: string) => small[table] ?? (ofSomeUsers.has(table) ? rows / 5 : rows)
    await client.query(`SET session_replication_role = replica; SET maintenance_work_mem = '128MB'`)
    // Building an index over all rows takes a third of the time of adding them row by row.
    const indexes = await client.query<{ name: string; text: string }>(
      `SELECT indexrelid::regclass::text AS "name", pg_get_indexdef(indexrelid) AS "text" FROM pg_index i
       JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace AND NOT i.indisunique`,
    )
    for (const { name } of indexes.rows) await client.query(`DROP INDEX ${name}`)
    for (const [table, its] of columns) await client.query(insertOf(table, its, sizeOf))
    for (const { text } of indexes.rows) await client.query(text)
    await client.query('ANALYZE')
    const counts = await client.query<{ table: string; rows: number }>(
      `SELECT relname AS "table", reltuples::int AS "rows" FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
    )
    return counts.rows
  } finally {
    await client.end()
  }
}

async function columnsOf(client: pg.Client): Promise<Map<string, Column[]>> {
  const { rows } = await client.query<Column>(`
    SELECT c.relname AS "table", a.attname AS "name", format_type(a.atttypid, NULL) AS "type",
      a.attnotnull AS "required", a.atthasdef AS "hasDefault", f.confrelid::regclass::text AS "target",
      EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indnatts = 1 AND a.attnum = ANY (i.indkey)) AS "key"
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum]
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE '\\_%'
    ORDER BY c.relname, a.attnum`)
  const tables = new Map<string, Column[]>()
  const names = new Set(rows.map((row) => row.table))
  for (const row of rows) {
    const byName = row.name.replace(/Id$/, '').replace(/^./, (letter) => letter.toUpperCase())
    const target =
      row.target?.replaceAll('"', '') ?? (row.name.endsWith('Id') && names.has(byName) ? byName : null)
    tables.set(row.table, [...(tables.get(row.table) ?? []), { ...row, target }])
  }
  return tables
}

function insertOf(table: string, columns: Column[], sizeOf: (table: string) => number): string {
  const said = columns.flatMap((column) => {
    const value = words[table]?.[column.name] ?? valueFor(column, sizeOf)
    return value === null ? [] : [[`"${column.name}"`, value] as const]
  })
  return `INSERT INTO "${table}" (${said.map(([name]) => name).join(', ')})
    SELECT ${said.map(([, value]) => value).join(', ')} FROM generate_series(1, ${sizeOf(table)}) n
    ${columns.some((column) => column.key) ? '' : 'ON CONFLICT DO NOTHING'}`
}

/** The SQL expression for a column; null when the column's default is good. */
function valueFor(column: Column, sizeOf: (table: string) => number): string | null {
  const { table, name, type, target } = column
  const typed = (text: string) => (type === 'uuid' ? `${text}::uuid` : text)
  if (column.key && !target && (type === 'uuid' || type === 'text')) return typed(keyOf('n'))
  // Rows of a tree have no parents here.
  if (target === table) return column.required ? typed(keyOf('n')) : null
  if (target) {
    const many = target === 'Project' ? 1000 : Math.max(1, sizeOf(target))
    return typed(keyOf(`(n - 1) % ${many} + 1`))
  }
  if (name === 'createdAt') return `now() - n * interval '1 minute'`
  if (name === 'name') return `'web-' || n * 7919`
  if (!column.required || column.hasDefault) return null
  if (type.endsWith('[]')) return `'{}'`
  if (type.startsWith('timestamp')) return `now() - n * interval '1 minute'`
  if (type === 'uuid' || type === 'text') return typed(keyOf('n'))
  if (type === 'boolean') return 'false'
  if (type.startsWith('json')) return `'{}'`
  return 'n'
}

/** All different statements that this process sends while `work` runs, each with the values of one call. */
export async function statementsDuring(work: () => Promise<void>): Promise<Map<string, unknown[]>> {
  const seen = new Map<string, unknown[]>()
  const send = pg.Client.prototype.query
  const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...args: unknown[]
  ) {
    const [query, values] = args as [string | { text: string; values?: unknown[] }, unknown]
    const text = typeof query === 'string' ? query : query.text
    const given = typeof query === 'string' ? values : query.values
    if (/^\s*(SELECT|WITH|UPDATE|DELETE)\b/i.test(text) && !seen.has(text))
      seen.set(text, Array.isArray(given) ? given : [])
    return Reflect.apply(send, this, args)
  } as typeof send)
  try {
    await work()
    return seen
  } finally {
    spy.mockRestore()
  }
}

/** How many statements this process sends while `work` runs. */
export async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  const spy = vi.spyOn(pg.Client.prototype, 'query')
  try {
    await work()
    return spy.mock.calls.length
  } finally {
    spy.mockRestore()
  }
}

type Plan = { 'Node Type': string; 'Relation Name'?: string; Filter?: string; Plans?: Plan[] }

/** The tables that a statement would read from end to end, each with its filter. */
export async function scannedBy(client: pg.Client, text: string, values: unknown[]): Promise<string[]> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `EXPLAIN (FORMAT JSON) ${text}`,
    values,
  )
  const found: string[] = []
  const visit = (plan: Plan) => {
    if (/^(Parallel )?Seq Scan$/.test(plan['Node Type']) && plan['Relation Name'])
      found.push(`${plan['Relation Name']}: ${plan.Filter ?? 'everything'}`)
    plan.Plans?.forEach(visit)
  }
  const plan = rows[0]?.['QUERY PLAN'][0].Plan
  if (plan) visit(plan)
  return found
}
