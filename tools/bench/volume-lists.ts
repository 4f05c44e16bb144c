import pg from 'pg'
import { startApi } from './api-process.ts'
import { type FakeCloud, startFakeCloud, type Tenant } from './fake-cloud.ts'
import { benchSecret } from './fake-deps.ts'
import { httpSamples } from './list.ts'
import { measure, percentile, type Report } from './report.ts'
import { copy } from './scale.ts'

const volumes = 100_000
const projects = 100
const where = `${volumes} volumes in ${projects} projects`

/** Measures lists of volumes and orders of new ones in a cloud with many, whose rows are copies, over HTTP. */
export async function volumeLists(report: Report): Promise<void> {
  const cloud = await startFakeCloud(1, { worker: false })
  try {
    const tenant = await cloud.tenant()
    await fill(cloud, tenant)
    const api = await startApi(cloud)
    try {
      const floor = await bareList(cloud, tenant)
      const trpc = (input: object) =>
        `${api.url}/trpc/volumes.list?input=${encodeURIComponent(JSON.stringify({ limit: 20, ...input }))}`
      const cinder = ({ projectId }: Tenant) => `${api.front}/volume/v3/${projectId}/volumes/detail?limit=20`
      const { administrator } = cloud
      for (const [metric, url, { token }] of [
        ['list of 20 volumes of a project', trpc({}), tenant],
        ['list of 20 volumes of all projects', trpc({ allProjects: true }), administrator],
        ['GET /volumes/detail 20', cinder(tenant), tenant],
        ['GET /volumes/detail 20 of all projects', `${cinder(administrator)}&all_tenants=1`, administrator],
      ] as const) {
        const { samples } = await httpSamples(url, token, 200, 1, { 'x-internal-secret': benchSecret })
        report({
          ...{ metric: `${metric} p50`, value: percentile(samples, 0.5), unit: 'ms', target: '≤ 10', floor },
          note: `p99 ${percentile(samples, 0.99).toFixed(0)} ms; ${where}; floor: the rows by bare pg`,
        })
      }
      const busy = await httpSamples(cinder(tenant), tenant.token, 2000, 8)
      report({
        ...{ metric: 'GET /volumes/detail 20, 8 at a time', value: 2000 / busy.seconds, unit: 'requests/s' },
        ...{ target: '≥ 1000', note: `p99 ${percentile(busy.samples, 0.99).toFixed(0)} ms; ${where}` },
      })
      const post = await measure(100, 1, (n) => postVolume(api.front, tenant, n))
      report({
        ...{ metric: 'POST /volumes', value: percentile(post.samples, 0.5), unit: 'ms', target: '≤ 15' },
        note: `p99 ${percentile(post.samples, 0.99).toFixed(0)} ms; answered when the order is durable; ${where}`,
      })
    } finally {
      await api.stop()
    }
  } finally {
    await cloud.stop()
  }
}

async function postVolume(front: string, tenant: Tenant, n: number): Promise<void> {
  const answer = await fetch(`${front}/volume/v3/${tenant.projectId}/volumes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-auth-token': tenant.token },
    body: JSON.stringify({ volume: { name: `bench-${n}`, size: 1 } }),
  })
  const text = await answer.text()
  if (answer.status !== 202) throw new Error(`POST /volumes: ${answer.status} ${text.slice(0, 300)}`)
}

/** Makes one volume by the real code, and copies its row; each project but the first is a name alone. */
async function fill(cloud: FakeCloud, tenant: Tenant): Promise<void> {
  const api = await tenant.api()
  await api.volumes.create({ name: 'template', sizeGib: 1 })
  const client = new pg.Client({ connectionString: cloud.databaseUrl })
  await client.connect()
  try {
    // Triggers are off, because nothing must be delivered or counted for the copies.
    await client.query(`SET session_replication_role = 'replica'`)
    await client.query(
      copy(
        'Volume',
        `"Volume" t, generate_series(1, ${volumes}) n`,
        `jsonb_build_object('id', gen_random_uuid(), 'name', 'sim-' || n, 'state', 'available', 'createdAt', now() - n * interval '1 second',
          'projectId', CASE WHEN n % ${projects} = 0 THEN t."projectId" ELSE md5('project ' || n % ${projects}) END)`,
      ),
    )
    await client.query('ANALYZE')
  } finally {
    await client.end()
  }
}

/** Measures reading the rows of a page and nothing else, in ms. */
async function bareList(cloud: FakeCloud, tenant: Tenant): Promise<number> {
  const client = new pg.Client({ connectionString: cloud.databaseUrl })
  await client.connect()
  try {
    const text = `SELECT * FROM "Volume" WHERE "projectId" = $1 ORDER BY "createdAt" DESC, "id" DESC LIMIT 21`
    const { samples } = await measure(200, 1, () =>
      client.query({ name: 'page', text, values: [tenant.projectId] }),
    )
    return percentile(samples, 0.5)
  } finally {
    await client.end()
  }
}
