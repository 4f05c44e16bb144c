import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FacadeWorld, facadeWorld, send, tokenOfCaller } from './facade.testing.ts'
import type { Ctx } from './kernel/context.ts'
import { headCursor, readAfter } from './kernel/event-log.ts'
import { dropOld } from './kernel/retention.ts'
import { settleUntold } from './networking/ports/outcomes.ts'
import { allOperations } from './openstack/operation.ts'
import { requeueLost } from './operations/reconcile.ts'
import { fillTables, scannedBy, statementsDuring, statementsOf } from './plans.testing.ts'
import { examples } from './rooms.testing.ts'
import { appRouter } from './root-router.ts'
import { volumeKeys } from './volumes/encryption/reconcile.ts'

/**
 * Checks the statements that the API sends to a database with 100,000 rows in each table: none of them may read a
 * big table from end to end. The statements are those of every operation's example, of every list of the portal (in two
 * ways each for members and administrators), of the event log and of reconcilers; the plans are PostgreSQL's own.
 */
const rows = 100_000
const big = 10_000

/**
 * Statements that may read a whole table, each with the reason why that is right. `either`: the number of wanted rows is
 * bounded, and the sample of ANALYZE decides whether PostgreSQL finds one scan cheaper than many index lookups.
 */
const allowed: { what: RegExp; statement: RegExp; because: string; either?: true }[] = [
  {
    what: /^\w+: (everything|\(enabled AND .*\)|\("?(vmState|state)"? <> \?::text\))$/,
    statement: /^SELECT COUNT\(\*\)/,
    because: 'how many there are of all projects: asked by administrators, counted up to a thousand',
    either: true,
  },
  {
    what: /^Event: \(\(\(data #> \?::text\[\]\) IS NULL\) AND \(kind <> ALL \(\?::text\[\]\)\)\)$/,
    statement: /^SELECT COUNT\(\*\)/,
    because: 'how many events the audit log shows, which are nearly all: counted up to a thousand',
    either: true,
  },
  {
    what: /^(Past)?Instance: .*"launchedAt" < /,
    statement: /"launchedAt"/,
    because: 'usage of all projects in a time: a report about all that ran, for administrators',
  },
  {
    what: /^(Project: \(NOT deleting\)|User: everything)$/,
    statement: /FROM "public"\."Domain" LEFT JOIN/,
    because: 'how many projects and users the domains of the page have: together all that there are',
  },
  {
    what: /^QuotaLimit: /,
    statement: /^SELECT "public"\."QuotaLimit"/,
    because: 'the limits of all projects: a list of the façade for administrators',
    either: true,
  },
  {
    what: /^Instance: \("hostId" = ANY/,
    statement: /count\(\*\) FILTER \(WHERE "powerState" = 1\)/,
    because: 'how many guests the hosts of the page have (or one host): together all that there are',
    either: true,
  },
  {
    what: /^Volume(Snapshot)?: everything$/,
    statement: /GROUP BY "public"\."Volume(Snapshot)?"\."poolId"/,
    because: 'how much lies in the pools of volumes: together all that there is, for administrators',
    either: true,
  },
  {
    what: /^TrustRole: \("trustId" = ANY/,
    statement: /^SELECT "public"\."TrustRole"/,
    because:
      'the roles of a thousand trusts, the most that a list has: one reading is less than a thousand looks',
    either: true,
  },
]

let cloud: FacadeWorld
let client: pg.Client
const sizes = new Map<string, number>()
beforeAll(async () => {
  cloud = await facadeWorld()
  const { databaseUrl } = cloud.world.deps.config
  for (const { table, rows: count } of await fillTables(databaseUrl, rows)) sizes.set(table, count)
  client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
}, 900_000)
afterAll(async () => {
  await client.end()
  await cloud.close()
})

async function everyOperation(): Promise<void> {
  for (const operation of allOperations()) {
    const maker = examples[`${operation.facade.service}:${operation.name}`]
    await send(cloud, operation, (await maker?.make(cloud.owner)) ?? {}, tokenOfCaller(cloud, operation))
  }
}

const search = 'web-abc'
const ofOwn = [{}, { search }]
const ofAll = [{ allProjects: true }, { allProjects: true, search }]
/** Calls every list of the portal; returns how many answered. */
async function everyList(ctx: Ctx, inputs: readonly object[]): Promise<number> {
  const context = { ctx, anonymous: ctx, requestId: 'req-plans', sourceIp: '127.0.0.1', log: () => undefined }
  const caller: unknown = appRouter.createCaller(context)
  let answered = 0
  for (const name of Object.keys(appRouter._def.procedures).filter((one) => /\.(list\w*|audit)$/.test(one)))
    for (const input of inputs) {
      const procedure = name
        .split('.')
        .reduce((at, part) => (at as Record<string, unknown>)[part], caller) as (
        input: object,
      ) => Promise<unknown>
      // Some procedures need an id, and some refuse a member.
      await procedure(input).then(
        () => answered++,
        () => undefined,
      )
    }
  return answered
}

type Page = (limit: number) => Promise<number>
/** The lists of volumes and of all that belongs to volumes, for all projects: each returns how many things a page has. */
function listsOfVolumes(): Record<string, Page> {
  const ctx = cloud.owner.admin
  const context = { ctx, anonymous: ctx, requestId: 'req-plans', sourceIp: '127.0.0.1', log: () => undefined }
  const caller: unknown = appRouter.createCaller(context)
  const ofPortal =
    'list trash.list snapshots.list snapshots.trash.list backups.list backups.trash.list groups.list'
  const portal = ofPortal.split(' ').map((name): [string, Page] => {
    const procedure = ['volumes', ...name.split('.')].reduce(
      (at, part) => (at as Record<string, unknown>)[part],
      caller,
    ) as (input: object) => Promise<{ items: unknown[] }>
    return [`portal ${name}`, async (limit) => (await procedure({ allProjects: true, limit })).items.length]
  })
  const doors = allOperations().filter(
    ({ facade, method, path, filters }) =>
      facade.service === 'block-storage' && method === 'GET' && !path.includes(':') && filters !== undefined,
  )
  const door = doors.map((operation): [string, Page] => [
    `door ${operation.name}`,
    async (limit) => {
      const query = { all_tenants: '1', limit: String(limit) }
      const answer = await send(cloud, operation, { query }, cloud.tokens.admin)
      const [things] = Object.values(answer.json() as Record<string, unknown>).filter(Array.isArray)
      return answer.statusCode === 200 ? (things?.length ?? 0) : 0
    },
  ])
  return Object.fromEntries([...portal, ...door])
}

test('a page of volumes, or of what belongs to them, of all projects is as many statements whatever its length', async () => {
  const lists = Object.entries(listsOfVolumes())
  const counted: Record<string, number[]> = {}
  const empty: string[] = []
  for (const [name, page] of lists) {
    await page(10)
    counted[name] = [await statementsOf(() => page(10)), await statementsOf(() => page(100))]
    if ((await page(100)) === 0) empty.push(name)
  }
  expect(Object.entries(counted).filter(([, [few, many]]) => few !== many)).toEqual([])
  expect(empty).toEqual([])
  const doors =
    'volumes snapshots backups attachments messages groups group_snapshots volume-transfers'.split(' ')
  for (const noun of doors) expect(lists.map(([name]) => name)).toContain(`door ${noun}.list`)
}, 120_000)

// This test needs more time, because every operation and list runs on full tables and each statement is explained.
test('the tables are big, and many statements are collected', { timeout: 600_000 }, async () => {
  expect([...sizes.values()].filter((size) => size > rows / 2).length).toBeGreaterThan(20)
  let lists = 0
  const statements = await statementsDuring(async () => {
    await everyOperation()
    lists += await everyList(cloud.owner.ctx, ofOwn)
    lists += await everyList(cloud.owner.admin, ofAll)
    await readAfter(cloud.world.deps.root, await headCursor(cloud.world.deps.root), 500)
    for (const page of Object.values(listsOfVolumes())) await page(20)
    for (const reconcile of [requeueLost, dropOld, settleUntold, volumeKeys.run])
      await reconcile(cloud.world.system)
  })
  expect(lists).toBeGreaterThan(60)
  expect(statements.size).toBeGreaterThan(400)

  const faults = new Map<string, string>()
  const used = new Set<string>()
  for (const [text, values] of statements)
    for (const scan of await scannedBy(client, text, values)) {
      const what = scan.replace(/'[^']*'/g, '?')
      if ((sizes.get(what.split(':')[0] ?? '') ?? 0) < big) continue
      const reason = allowed.find((one) => one.what.test(what) && one.statement.test(text.trim()))
      if (reason) used.add(reason.because)
      else faults.set(what, text.trim().slice(0, 1_500))
    }
  expect(Object.fromEntries(faults)).toEqual({})
  const unused = allowed.filter(({ because, either }) => !used.has(because) && !either)
  expect(unused.map(({ because }) => because)).toEqual([])
})

test('a statement that reads a table from end to end is found', async () => {
  const found = await scannedBy(client, `SELECT * FROM "Instance" WHERE "description" = $1`, ['x'])
  expect(found).toEqual([expect.stringMatching(/^Instance: .*description/)])
})
