import pg from 'pg'
import { launchInput } from '../../apps/api/src/compute/contract.ts'
import { launchInstances } from '../../apps/api/src/compute/instances/launch.ts'
import { systemCtx } from '../../apps/api/src/kernel/context.ts'
import { reconcilerNamed } from '../../apps/api/src/kernel/reconciler.ts'
import { startApi } from './api-process.ts'
import { postServer } from './facade.ts'
import { type FakeCloud, startFakeCloud, type Tenant } from './fake-cloud.ts'
import { benchSecret } from './fake-deps.ts'
import { httpSamples } from './list.ts'
import { measure, percentile, type Report, timed } from './report.ts'

const hosts = Number(process.env.BENCH_HOSTS ?? 1000)
const instances = 100 * hosts
const projects = 100
const where = `${hosts} hosts × 100 instances in ${projects} projects`

/** Measures one request and a round of each reconciler in a big cloud, whose rows are copies. */
export async function scale(report: Report): Promise<void> {
  const cloud = await startFakeCloud(1, { worker: false })
  try {
    const tenant = await cloud.tenant()
    const networkId = await cloud.network(tenant)
    const filled = await timed(() => fill(cloud, tenant, networkId))
    console.error(`  ${instances} instances within ${(filled.ms / 1000).toFixed(0)} s`)
    await requests(cloud, tenant, networkId, report)
    await rounds(cloud, report)
  } finally {
    await cloud.stop()
  }
}

async function requests(cloud: FakeCloud, tenant: Tenant, networkId: string, report: Report): Promise<void> {
  const api = await startApi(cloud)
  try {
    const door = { 'x-internal-secret': benchSecret }
    const ask = (path: string, input: object) =>
      httpSamples(
        `${api.url}/trpc/${path}?input=${encodeURIComponent(JSON.stringify(input))}`,
        tenant.token,
        200,
        1,
        door,
      )
    const wish = { imageId: cloud.imageId, flavorId: '1', networkIds: [networkId], name: 'plan' }
    const plan = await ask('compute.instances.plan', wish)
    const list = await ask('compute.instances.list', { limit: 20 })
    for (let i = 0; i < 20; i++) await postServer(api, tenant, cloud.imageId, networkId, i)
    const post = await measure(100, 1, (i) => postServer(api, tenant, cloud.imageId, networkId, i))
    for (const [metric, { samples }, target] of [
      ['launch plan', plan, '≤ 20'],
      ['POST /servers', post, '≤ 30'],
      ['list of 20', list, '≤ 10'],
    ] as const)
      report({
        metric: `${metric} at scale p50`,
        value: percentile(samples, 0.5),
        unit: 'ms',
        target,
        note: `p99 ${percentile(samples, 0.99).toFixed(0)} ms; over HTTP, ${where}`,
      })
  } finally {
    await api.stop()
  }
}

const reconcilers = ['hosts.heartbeat', 'hosts.counters', 'compute.guests', 'networking.hosts', 'quota.proof']

/** Measures the second round of each reconciler, because the first may find something to repair. */
async function rounds(cloud: FakeCloud, report: Report): Promise<void> {
  const ctx = systemCtx(cloud.deps, 'bench-scale')
  for (const name of reconcilers) {
    const first = await timed(() => reconcilerNamed(name).run(ctx))
    const { value: grown, ms } = await timed(() => memoryOf(() => reconcilerNamed(name).run(ctx)))
    report({
      metric: `reconcile round ${name} at scale`,
      value: ms / 1000,
      unit: 's',
      note: `${grown.toFixed(0)} MB more at its peak; the first round ${(first.ms / 1000).toFixed(1)} s; ${where}, none of them running`,
    })
  }
}

/** By how much the process grows during `work`, in MB (10^6 bytes). */
async function memoryOf(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss()
  let peak = before
  const look = () => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }
  const timer = setInterval(look, 20)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  look()
  return (peak - before) / 1e6
}

/**
 * Makes one host, project, network and instance by the real code, and copies their rows. The
 * instances are stopped and their ports unplugged, so that simulated hosts with nothing on them are right.
 */
async function fill(cloud: FakeCloud, tenant: Tenant, networkId: string): Promise<void> {
  const system = systemCtx(cloud.deps, 'bench-scale')
  const project = await cloud.deps.root.project.findUniqueOrThrow({ where: { id: tenant.projectId } })
  const ctx = {
    ...system,
    scope: { kind: 'project', projectId: project.id, projectName: project.name, domainId: project.domainId },
  } as const
  const wish = { name: 'template', imageId: cloud.imageId, flavorId: '1', networkIds: [networkId] }
  await launchInstances(ctx, launchInput.parse(wish))
  const client = new pg.Client({ connectionString: cloud.databaseUrl })
  await client.connect()
  try {
    // Triggers are off, because nothing must be delivered or counted for the copies.
    await client.query(`SET session_replication_role = 'replica'`)
    for (const statement of copies) await client.query(statement)
    await client.query('ANALYZE')
  } finally {
    await client.end()
  }
}

/** The SQL that copies rows and changes the named columns. */
export const copy = (table: string, from: string, changes: string, condition = 'true') =>
  `INSERT INTO "${table}" SELECT r.* FROM ${from}, LATERAL jsonb_populate_record(t, ${changes}) AS r WHERE ${condition}`
const next = (table: string, column: string) => `nextval(pg_get_serial_sequence('"${table}"', '${column}'))`

const copies = [
  copy(
    'Host',
    `"Host" t, generate_series(2, ${hosts}) n`,
    `jsonb_build_object('id', gen_random_uuid(), 'name', 'sim-' || n, 'endpoint', 'fake:sim-' || n, 'number', ${next('Host', 'number')})`,
  ),
  // Every project but the first gets a network with a subnet of its own.
  `CREATE TEMP TABLE site AS SELECT n, CASE WHEN n = 0 THEN "projectId" ELSE md5('project ' || n) END AS project,
     CASE WHEN n = 0 THEN "id" ELSE gen_random_uuid() END AS network, CASE WHEN n = 0 THEN subnet ELSE gen_random_uuid() END AS subnet
   FROM (SELECT t."id", t."projectId", s."id" AS subnet FROM "Network" t JOIN "Subnet" s ON s."networkId" = t."id"
     WHERE t."id" = (SELECT "networkId" FROM "Port" WHERE "deviceOwner" = 'compute:nova')) t, generate_series(0, ${projects - 1}) n`,
  copy(
    'Network',
    `site, (SELECT t FROM "Network" t WHERE "id" = (SELECT network FROM site WHERE n = 0)) x (t)`,
    `jsonb_build_object('id', network, 'projectId', project, 'tag', ${next('Network', 'tag')})`,
    'n > 0',
  ),
  copy(
    'Subnet',
    `site, (SELECT t FROM "Subnet" t WHERE "id" = (SELECT subnet FROM site WHERE n = 0)) x (t)`,
    `jsonb_build_object('id', subnet, 'networkId', network, 'projectId', project)`,
    'n > 0',
  ),
  `CREATE TEMP TABLE guest AS SELECT g AS n, gen_random_uuid() AS id, gen_random_uuid() AS port, s.project, s.network, s.subnet,
     '10.0.' || (g / ${projects} / 250) || '.' || (3 + g / ${projects} % 250) AS address, h."id" AS host
   FROM generate_series(0, ${instances - 1}) g JOIN site s ON s.n = g % ${projects}
   JOIN (SELECT "id", row_number() OVER () - 1 AS n FROM "Host") h ON h.n = g / 100`,
  copy(
    'Instance',
    `guest g, (SELECT t FROM "Instance" t LIMIT 1) x (t)`,
    `jsonb_build_object('id', g.id, 'projectId', g.project, 'name', 'sim-' || g.n, 'hostname', 'sim-' || g.n, 'vmState', 'stopped',
      'taskState', NULL, 'powerState', 4, 'hostId', g.host, 'createdAt', now() - g.n * interval '1 second')`,
  ),
  copy(
    'Port',
    `guest g, (SELECT t FROM "Port" t WHERE "deviceOwner" = 'compute:nova' LIMIT 1) x (t)`,
    `jsonb_build_object('id', g.port, 'tag', ${next('Port', 'tag')}, 'projectId', g.project, 'networkId', g.network, 'deviceId', g.id,
      'hostId', NULL, 'mac', 'fa:16:3e:' || substr(md5(g.n::text), 1, 2) || ':' || lpad(to_hex(g.n / 256 % 256), 2, '0') || ':' || lpad(to_hex(g.n % 256), 2, '0'))`,
  ),
  `INSERT INTO "PortAddress" ("subnetId", "address", "portId") SELECT subnet, address, port FROM guest ON CONFLICT DO NOTHING`,
  `INSERT INTO "PortSecurityGroup" ("portId", "groupId") SELECT port, s."id" FROM guest JOIN "SecurityGroup" s ON s."projectId" = project AND s."isDefault"`,
]
