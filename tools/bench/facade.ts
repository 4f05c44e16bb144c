import { hashPassword, verifyPassword } from '../../apps/api/src/directory/passwords.ts'
import { assignRole } from '../../apps/api/src/directory/roles/by-name.ts'
import { createUser } from '../../apps/api/src/directory/users/service.ts'
import { systemCtx } from '../../apps/api/src/kernel/context.ts'
import { networkCreateInput } from '../../apps/api/src/networking/contract.ts'
import { createNetwork } from '../../apps/api/src/networking/networks/service.ts'
import type { ApiProcess } from './api-process.ts'
import type { Tenant } from './fake-cloud.ts'
import { type FilledCloud, httpSamples } from './list.ts'
import { sizeOf } from './memory.ts'
import { measure, percentile, type Report } from './report.ts'

/** Measures OpenStack's APIs over HTTP on a project of 1,000 instances: tokens, lists, a launch, memory. */
export async function facade(filled: FilledCloud, report: Report): Promise<void> {
  const before = sizeOf([filled.api.pid]).pss
  await tokens(filled, report)
  await servers(filled, report)
  await networking(filled, report)
  await launches(filled, report)
  report({
    metric: 'memory api under façade load',
    value: sizeOf([filled.api.pid]).pss,
    unit: 'MB',
    floor: before,
    note: 'PSS after all of the above; floor: the same process before it',
  })
}

async function tokens({ cloud, api, tenant }: FilledCloud, report: Report): Promise<void> {
  const ctx = systemCtx(cloud.deps, 'bench-facade')
  const password = crypto.randomUUID()
  const user = await createUser(ctx, { name: `bench-${password.slice(0, 8)}`, password })
  await assignRole(ctx, { userId: user.id, role: 'member', target: { projectId: tenant.projectId } })
  const issue = async () => {
    const answer = await fetch(`${api.front}/identity/v3/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        auth: {
          identity: { methods: ['password'], password: { user: { id: user.id, password } } },
          scope: { project: { id: tenant.projectId } },
        },
      }),
    })
    await answer.text()
    const token = answer.headers.get('x-subject-token')
    if (answer.status !== 201 || !token) throw new Error(`token: HTTP ${answer.status}`)
    return token
  }
  const token = await issue()
  const hash = await hashPassword(password)
  for (const width of [1, 8]) {
    const hashing = await measure(40, width, () => verifyPassword(hash, password))
    const got = await measure(60, width, issue)
    report({
      metric: `token issue, ${width} at a time`,
      value: 60 / got.seconds,
      unit: 'requests/s',
      floor: 40 / hashing.seconds,
      note: `p99 ${percentile(got.samples, 0.99).toFixed(0)} ms; floor: the argon2id check alone`,
    })
  }
  for (const width of [1, 8]) {
    const count = 200 * width
    const got = await httpSamples(`${api.front}/identity/v3/auth/tokens?nocatalog`, token, count, width, {
      'x-subject-token': token,
    })
    const floor = await bare(api.url, count, width)
    report({
      metric: `token validation, ${width} at a time`,
      value: count / got.seconds,
      unit: 'requests/s',
      floor,
      note: `p99 ${percentile(got.samples, 0.99).toFixed(1)} ms; two tokens are looked up; floor: /healthz, which is SELECT 1`,
    })
  }
}

async function bare(url: string, count: number, width: number): Promise<number> {
  const { seconds } = await measure(count, width, async () => (await fetch(`${url}/healthz`)).text())
  return count / seconds
}

async function servers({ api, tenant, cloud }: FilledCloud, report: Report): Promise<void> {
  for (const version of ['2.1', '2.79'])
    for (const limit of [20, 1000]) {
      const url = `${api.front}/compute/v2.1/servers/detail?limit=${limit}`
      const count = limit === 20 ? 200 : 30
      const got = await httpSamples(url, tenant.token, count, 1, {
        'openstack-api-version': `compute ${version}`,
      })
      report({
        metric: `GET /servers/detail ${limit} of 1000 at ${version} p50`,
        value: percentile(got.samples, 0.5),
        unit: 'ms',
        floor: await bareRows(cloud, tenant.projectId, limit),
        note: `p99 ${percentile(got.samples, 0.99).toFixed(0)} ms; floor: the rows of its main table by Prisma`,
      })
    }
}

async function bareRows({ deps }: FilledCloud['cloud'], projectId: string, take: number): Promise<number> {
  const { samples } = await measure(20, 1, () =>
    deps.root.instance.findMany({
      where: { projectId },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take,
    }),
  )
  return percentile(samples, 0.5)
}

async function networking({ api, tenant, cloud }: FilledCloud, report: Report): Promise<void> {
  const { deps } = cloud
  const system = systemCtx(deps, 'bench-facade')
  const project = await deps.root.project.findUniqueOrThrow({ where: { id: tenant.projectId } })
  const ctx = {
    ...system,
    scope: { kind: 'project', projectId: project.id, projectName: project.name, domainId: project.domainId },
  } as const
  for (let i = 0; i < 500; i++) await createNetwork(ctx, networkCreateInput.parse({ name: `bench-${i}` }))
  for (const kind of ['networks', 'ports']) {
    const url = `${api.front}/network/v2.0/${kind}?limit=500&project_id=${tenant.projectId}`
    const got = await httpSamples(url, tenant.token, 40, 1)
    report({
      metric: `GET /${kind} 500 p50`,
      value: percentile(got.samples, 0.5),
      unit: 'ms',
      note: `p99 ${percentile(got.samples, 0.99).toFixed(0)} ms`,
    })
  }
}

/** Launches one instance by OpenStack's door; the answer comes when the operation is durable. */
export async function postServer(
  api: ApiProcess,
  tenant: Tenant,
  imageRef: string,
  networkId: string,
  index: number,
): Promise<void> {
  const answer = await fetch(`${api.front}/compute/v2.1/servers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-auth-token': tenant.token },
    body: JSON.stringify({
      server: { name: `bench-${index}`, imageRef, flavorRef: '1', networks: [{ uuid: networkId }] },
    }),
  })
  const text = await answer.text()
  if (answer.status !== 202) throw new Error(`POST /servers: ${answer.status} ${text.slice(0, 300)}`)
}

async function launches({ api, tenant, cloud, networkId }: FilledCloud, report: Report): Promise<void> {
  const { samples } = await measure(40, 1, (i) => postServer(api, tenant, cloud.imageId, networkId, i))
  report({
    metric: 'POST /servers p50',
    value: percentile(samples, 0.5),
    unit: 'ms',
    target: '≤ 20',
    note: `p99 ${percentile(samples, 0.99).toFixed(0)} ms; answered when the order is durable, with 1000 there`,
  })
}
