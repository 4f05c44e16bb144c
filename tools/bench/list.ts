import pg from 'pg'
import { instanceListInput } from '../../apps/api/src/compute/contract.ts'
import { listInstances } from '../../apps/api/src/compute/instances/service.ts'
import { authenticate } from '../../apps/api/src/identity/tokens.ts'
import { type ApiProcess, startApi } from './api-process.ts'
import { launchOne } from './fake.ts'
import { type FakeCloud, startFakeCloud, type Tenant } from './fake-cloud.ts'
import { benchSecret } from './fake-deps.ts'
import { measure, percentile, type Report } from './report.ts'
import { countStatements } from './statements.ts'

const instances = Number(process.env.BENCH_INSTANCES ?? 1000)

/** A cloud with one project of 1,000 instances and a real api process on it. */
export type FilledCloud = { cloud: FakeCloud; tenant: Tenant; networkId: string; api: ApiProcess }

/** Fills such a cloud and runs each of `parts` with it, one after the other. */
export async function filledCloud(
  report: Report,
  parts: ((filled: FilledCloud, report: Report) => Promise<void>)[],
): Promise<void> {
  const cloud = await startFakeCloud(20)
  let api: ApiProcess | null = null
  try {
    const tenant = await cloud.tenant()
    const networkId = await cloud.network(tenant)
    const filled = await measure(instances, 8, (index) => launchOne(cloud, tenant, networkId, index))
    report({
      metric: 'fake launches into one project',
      value: instances / filled.seconds,
      unit: '1/s',
      note: `${instances} on 20 simulated hosts, 8 at a time; one quota, one network, one security group`,
    })
    await cloud.deps.root.$executeRaw`ANALYZE`
    api = await startApi(cloud)
    const filledNow = { cloud, tenant, networkId, api }
    for (const part of parts) await part(filledNow, report)
  } finally {
    await api?.stop()
    await cloud.stop()
  }
}

/** Measures lists of one project with 1,000 instances, over HTTP from a real api process, and the token check. */
export async function list({ cloud, tenant, api }: FilledCloud, report: Report): Promise<void> {
  const counter = countStatements()
  const door = { 'x-internal-secret': benchSecret }
  for (const limit of [20, 1000]) {
    const url = `${api.url}/trpc/compute.instances.list?input=${encodeURIComponent(JSON.stringify({ limit }))}`
    const requests = limit === 20 ? 300 : 60
    const got = await httpSamples(url, tenant.token, requests, 1, door)
    const busy = await httpSamples(url, tenant.token, requests * 2, 8, door)
    const floor = await bareList(cloud, tenant, limit, requests)
    const statements = await counted(cloud, tenant, counter, limit)
    const what = `list ${limit} of ${instances}`
    const target = limit === 20 ? '≤ 10' : '≤ 100'
    report({
      metric: `${what} p50`,
      value: percentile(got.samples, 0.5),
      unit: 'ms',
      floor: percentile(floor, 0.5),
      target,
      note: `${requests} requests one after the other over HTTP; floor: its main query by bare pg`,
    })
    report({
      metric: `${what} p99`,
      value: percentile(got.samples, 0.99),
      unit: 'ms',
      floor: percentile(floor, 0.99),
    })
    report({
      metric: `${what} rate`,
      value: (requests * 2) / busy.seconds,
      unit: 'requests/s',
      note: '8 at a time',
    })
    report({
      metric: `${what} queries`,
      value: statements,
      unit: 'statements',
      note: 'token check included',
    })
  }
  await tokenCheck(cloud, tenant, counter, report)
}

/** Measures GETs of one address with these headers, `width` at a time. */
export async function httpSamples(
  url: string,
  token: string,
  count: number,
  width: number,
  headers: Record<string, string> = {},
) {
  const ask = async () => {
    const response = await fetch(url, { headers: { 'x-auth-token': token, ...headers } })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`${url}: ${response.status} ${text.slice(0, 300)}`)
  }
  for (let i = 0; i < 10; i++) await ask()
  return measure(count, width, ask)
}

/** Measures reading the page's rows with the columns of the real query, and nothing else. */
async function bareList(cloud: FakeCloud, tenant: Tenant, limit: number, count: number): Promise<number[]> {
  const client = new pg.Client({ connectionString: cloud.databaseUrl })
  await client.connect()
  try {
    const text = `SELECT * FROM "Instance" WHERE "projectId" = $1 AND "vmState" <> 'deleted'
      ORDER BY "createdAt" DESC, "id" DESC LIMIT ${limit + 1}`
    const { samples } = await measure(count, 1, () =>
      client.query({ name: `list-${limit}`, text, values: [tenant.projectId] }),
    )
    return samples
  } finally {
    await client.end()
  }
}

/** The number of statements of one request, which runs in this process so that they can be counted. The listener is idle. */
async function counted(
  cloud: FakeCloud,
  tenant: Tenant,
  counter: ReturnType<typeof countStatements>,
  limit: number,
): Promise<number> {
  const before = counter.read().all
  const ctx = await authenticate(cloud.deps, tenant.token, 'req-bench')
  if (!ctx) throw new Error('the token does not hold')
  await listInstances(ctx, instanceListInput.parse({ limit }))
  return counter.read().all - before
}

async function tokenCheck(
  cloud: FakeCloud,
  tenant: Tenant,
  counter: ReturnType<typeof countStatements>,
  report: Report,
): Promise<void> {
  const check = () => authenticate(cloud.deps, tenant.token, 'req-bench')
  for (let i = 0; i < 20; i++) await check()
  const before = counter.read().all
  const { samples } = await measure(500, 1, check)
  const statements = (counter.read().all - before) / 500
  report({
    metric: 'token check p50',
    value: percentile(samples, 0.5),
    unit: 'ms',
    floor: await bareRead(cloud),
    note: 'in process; floor: SELECT 1 by bare pg',
  })
  report({ metric: 'token check p99', value: percentile(samples, 0.99), unit: 'ms' })
  report({ metric: 'token check queries', value: statements, unit: 'statements' })
}

async function bareRead(cloud: FakeCloud): Promise<number> {
  const client = new pg.Client({ connectionString: cloud.databaseUrl })
  await client.connect()
  try {
    const { samples } = await measure(500, 1, () => client.query('SELECT 1'))
    return percentile(samples, 0.5)
  } finally {
    await client.end()
  }
}
