import pg from 'pg'
import { type FakeCloud, startFakeCloud, type Tenant } from './fake-cloud.ts'
import { measure, percentile, type Report } from './report.ts'
import { countStatements, listStatements, type Statements, since } from './statements.ts'

const instances = Number(process.env.BENCH_INSTANCES ?? 1000)
const hosts = 100
const projects = 10
/** How many requests run at once: twice as many as the worker runs, so that requests and workflows overlap. */
const width = 24

/** Measures creating and deleting 1,000 instances on 100 simulated hosts, in 10 projects. */
export async function fake(report: Report): Promise<void> {
  const counter = countStatements()
  const cloud = await startFakeCloud(hosts)
  try {
    const tenants: Tenant[] = []
    for (let i = 0; i < projects; i++) tenants.push(await cloud.tenant())
    const networks = new Map<Tenant, string>()
    for (const tenant of tenants) networks.set(tenant, await cloud.network(tenant))
    const owners = new Map<string, Tenant>()
    const total = async (): Promise<Work> => {
      const [api, worker, database] = [counter.read(), await cloud.workerStatements(), cloud.databaseCpuMs()]
      return {
        all: api.all + worker.all,
        transactions: api.transactions + worker.transactions,
        cpuMs: api.cpuMs + worker.cpuMs + database,
        parts: { api: api.cpuMs, worker: worker.cpuMs, PostgreSQL: database },
      }
    }

    const before = await total()
    const created = await measure(instances, width, async (index) => {
      const tenant = tenants[index % projects]
      if (!tenant) throw new Error('there is no tenant')
      owners.set(await launchOne(cloud, tenant, networks.get(tenant) ?? '', index), tenant)
    })
    const afterCreate = spent(before, await total())
    await refuseErrors(cloud)
    const deleting = [...owners]
    const mid = await total()
    const deleted = await measure(instances, width, async (index) => {
      const [id, tenant] = deleting[index] ?? []
      if (!id || !tenant) throw new Error('there is no instance')
      await (await tenant.api()).compute.instances.delete({ id })
      await cloud.reached(id, 'gone')
    })
    const afterDelete = spent(mid, await total())
    const left = await cloud.deps.root.instance.count()
    if (left > 0) throw new Error(`${left} of ${instances} instances are left`)

    const floor = {
      create: await bareTransactions(cloud.databaseUrl, perOne(afterCreate)),
      delete: await bareTransactions(cloud.databaseUrl, perOne(afterDelete)),
    }
    listStatements('api', counter)
    tell(report, { created, deleted, afterCreate, afterDelete, floor })
  } finally {
    await cloud.stop()
  }
}

type Measured = Awaited<ReturnType<typeof measure>>
type Outcome = {
  created: Measured
  deleted: Measured
  afterCreate: Work
  afterDelete: Work
  /** How many bare transactions a second do the same work. */
  floor: { create: number; delete: number }
}

function tell(report: Report, { created, deleted, afterCreate, afterDelete, floor }: Outcome): void {
  const where = `${instances} on ${hosts} simulated hosts, ${projects} projects, ${width} at a time`
  report({
    metric: 'fake launches',
    value: instances / created.seconds,
    unit: '1/s',
    floor: `${floor.create.toFixed(0)}`,
    target: '≥ 60',
    note: `${where}; floor: bare transactions, ${describe(afterCreate)}`,
  })
  report({
    metric: 'fake launch POST→ACTIVE p50',
    value: percentile(created.samples, 0.5),
    unit: 'ms',
    floor: (width / floor.create) * 1000,
  })
  report({ metric: 'fake launch POST→ACTIVE p99', value: percentile(created.samples, 0.99), unit: 'ms' })
  report({
    metric: 'fake deletes',
    value: instances / deleted.seconds,
    unit: '1/s',
    floor: `${floor.delete.toFixed(0)}`,
    note: `floor: bare transactions, ${describe(afterDelete)}`,
  })
  report({ metric: 'fake delete p50', value: percentile(deleted.samples, 0.5), unit: 'ms' })
  report({ metric: 'fake delete p99', value: percentile(deleted.samples, 0.99), unit: 'ms' })
  report({
    metric: 'processor time a launch',
    value: perOne(afterCreate).cpuMs,
    unit: 'ms',
    target: '≤ 30',
    note: `${partsOf(afterCreate)}; says more than the rate when the machine is busy`,
  })
  report({
    metric: 'processor time a delete',
    value: perOne(afterDelete).cpuMs,
    unit: 'ms',
    note: partsOf(afterDelete),
  })
  report({
    metric: 'statements a launch',
    value: afterCreate.all / instances,
    unit: 'statements',
    target: '≤ 30',
    note: 'api and worker, BEGIN, COMMIT, queue and reconcilers included',
  })
  report({ metric: 'statements a delete', value: afterDelete.all / instances, unit: 'statements' })
}

type Work = Statements & { parts: Record<string, number> }
const spent = (from: Work, to: Work): Work => ({
  ...since(from, to),
  parts: Object.fromEntries(Object.entries(to.parts).map(([who, ms]) => [who, ms - (from.parts[who] ?? 0)])),
})
/** The parts of the work, in ms each. */
const partsOf = ({ parts }: Work) =>
  Object.entries(parts)
    .map(([who, ms]) => `${who} ${(ms / instances).toFixed(1)}`)
    .join(', ')

/** Launches one instance: the token is checked, the launch is called, and the event log says ACTIVE. */
export async function launchOne(
  cloud: FakeCloud,
  tenant: Tenant,
  networkId: string,
  index: number,
): Promise<string> {
  const api = await tenant.api()
  const launched = await api.compute.instances.launch({
    name: `bench-${index}`,
    imageId: cloud.imageId,
    flavorId: '1',
    networkIds: [networkId],
  })
  const id = launched.instances[0]?.id ?? ''
  await cloud.reached(id, 'active')
  return id
}

async function refuseErrors(cloud: FakeCloud): Promise<void> {
  const active = await cloud.deps.root.instance.count({ where: { vmState: 'active' } })
  if (active !== instances) throw new Error(`only ${active} of ${instances} instances are active`)
}

const perOne = (counts: Statements): Statements => ({
  all: counts.all / instances,
  transactions: counts.transactions / instances,
  cpuMs: counts.cpuMs / instances,
})
const describe = (counts: Statements) => {
  const one = perOne(counts)
  return `${one.all.toFixed(0)} statements in ${one.transactions.toFixed(1)} transactions each`
}

/**
 * Measures what PostgreSQL itself can do: as many statements in as many transactions from as many
 * connections by bare `pg`, half of them reads by primary key, half inserts of one row.
 * Statements outside of transactions commit by themselves, as Prisma's do. Returns units a second.
 */
async function bareTransactions(databaseUrl: string, per: Statements): Promise<number> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: width })
  await pool.query('CREATE TABLE IF NOT EXISTS "bench" (id bigserial PRIMARY KEY, v text)')
  const transactions = Math.max(1, Math.round(per.transactions))
  const inside = Math.max(1, Math.round((per.all / transactions - 2) / 2))
  const outside = Math.max(0, Math.round(per.all - transactions * (inside + 2)))
  const statement = (client: pg.Pool | pg.PoolClient, index: number) =>
    index % 2 === 0
      ? client.query({ name: 'read', text: 'SELECT * FROM "bench" WHERE id = $1', values: [index] })
      : client.query({
          name: 'write',
          text: 'INSERT INTO "bench" (v) VALUES ($1)',
          values: ['x'.repeat(200)],
        })
  const count = 200
  try {
    const { seconds } = await measure(count, width, async () => {
      for (let t = 0; t < transactions; t++) {
        const client = await pool.connect()
        await client.query('BEGIN')
        for (let i = 0; i < inside; i++) await statement(client, i)
        await client.query('COMMIT')
        client.release()
      }
      for (let i = 0; i < outside; i++) await statement(pool, i)
    })
    return count / seconds
  } finally {
    await pool.query('DROP TABLE "bench"')
    await pool.end()
  }
}
