import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aServer } from '../instances/testing.openstack.ts'
import { ask, closeNova, cloud, openNova } from './nova.testing.ts'
import { neighbourExamples } from './testing.openstack.ts'

/** Host aggregates, hosts by name, and the images, networks and floating IPs that Nova showed before 2.36. */
let host: string
beforeAll(async () => {
  await openNova()
  host = (await cloud.world.deps.root.host.findFirstOrThrow()).name
})
afterAll(closeNova)

const asAdmin = async (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
  minor = 79,
) => {
  const answer = await ask(method, path, { token: cloud.tokens.admin, minor, ...(body ? { body } : {}) })
  return { status: answer.statusCode, body: (answer.body ? answer.json() : {}) as Record<string, unknown> }
}
type Aggregate = { id: number; hosts: string[]; metadata: object; availability_zone: string | null }

describe('host aggregates', () => {
  const aggregate = async (name: string, zone?: string) =>
    (await asAdmin('POST', '/os-aggregates', { aggregate: { name, availability_zone: zone ?? null } })).body
      .aggregate as Aggregate
  const act = (id: number, body: object) => asAdmin('POST', `/os-aggregates/${id}/action`, body)

  test('have the hosts and metadata that were put into them, and can be deleted when they are empty', async () => {
    const made = await asAdmin('POST', '/os-aggregates', { aggregate: { name: 'fast' } })
    expect(made).toEqual({
      status: 200,
      body: {
        aggregate: {
          availability_zone: null,
          created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
          deleted: false,
          deleted_at: null,
          id: expect.any(Number),
          name: 'fast',
          updated_at: null,
          uuid: expect.any(String),
        },
      },
    })
    const { id } = made.body.aggregate as Aggregate
    expect((await asAdmin('POST', '/os-aggregates', { aggregate: { name: 'fast' } })).status).toBe(409)
    expect((await act(id, { add_host: { host } })).body.aggregate).toMatchObject({ hosts: [host] })
    expect((await act(id, { add_host: { host } })).status).toBe(409)
    expect((await act(id, { add_host: { host: 'nowhere' } })).status).toBe(404)
    expect((await act(id, { set_metadata: { metadata: { ssd: 'true', x: 'y' } } })).status).toBe(200)
    expect((await act(id, { set_metadata: { metadata: { x: null } } })).body.aggregate).toMatchObject({
      metadata: { ssd: 'true' },
    })
    expect((await asAdmin('DELETE', `/os-aggregates/${id}`)).status).toBe(400)
    expect((await act(id, { remove_host: { host } })).body.aggregate).toMatchObject({ hosts: [] })
    expect((await act(id, { remove_host: { host } })).status).toBe(404)
    expect((await asAdmin('DELETE', `/os-aggregates/${id}`)).status).toBe(200)
    expect((await asAdmin('GET', `/os-aggregates/${id}`)).status).toBe(404)
    expect((await asAdmin('GET', '/os-aggregates/nonsense')).status).toBe(400)
  })

  test('with a zone put their hosts into the zone, as long as nothing runs on the hosts', async () => {
    const zoneOf = async () =>
      (await cloud.world.deps.root.host.findUniqueOrThrow({ where: { name: host } })).zone
    const { id } = await aggregate('north', 'north')
    await act(id, { add_host: { host } })
    expect(await zoneOf()).toBe('north')
    const other = await aggregate('south', 'south')
    expect((await act(other.id, { add_host: { host } })).status).toBe(409)
    await asAdmin('PUT', `/os-aggregates/${id}`, { aggregate: { availability_zone: 'east' } })
    expect(await zoneOf()).toBe('east')
    await aServer(cloud.owner, { zone: 'east' })
    const moved = await asAdmin('PUT', `/os-aggregates/${id}`, { aggregate: { availability_zone: 'west' } })
    expect([moved.status, moved.body]).toEqual([
      400,
      {
        badRequest: {
          code: 400,
          message: expect.stringContaining('has 1 instance in availability zone east'),
        },
      },
    ])
    expect((await act(id, { remove_host: { host } })).status).toBe(409)
    expect(await zoneOf()).toBe('east')
    for (const { id: server } of await cloud.world.deps.root.instance.findMany())
      await ask('DELETE', `/servers/${server}`)
    await cloud.owner.settle()
    expect((await act(id, { remove_host: { host } })).status).toBe(200)
    expect(await zoneOf()).toBe('nova')
  })

  test('move a host also when a launch remembers the host in another zone', async () => {
    const { deps } = cloud.world
    const { id } = await aggregate('late', 'late')
    deps.hostsMaxAgeMs = 60_000
    try {
      await ask('DELETE', `/servers/${await aServer(cloud.owner)}`)
      await cloud.owner.settle()
      await act(id, { add_host: { host } })
      const made = await deps.root.instance.findUniqueOrThrow({ where: { id: await aServer(cloud.owner) } })
      expect(made.zone).toBe('late')
    } finally {
      delete deps.hostsMaxAgeMs
    }
    for (const { id: server } of await deps.root.instance.findMany())
      await ask('DELETE', `/servers/${server}`)
    await cloud.owner.settle()
    expect((await act(id, { remove_host: { host } })).status).toBe(200)
  })
})

test('hosts by name show their size and the projects that use it', async () => {
  await aServer(cloud.owner)
  expect((await asAdmin('GET', '/os-hosts', undefined, 1)).body).toEqual({
    hosts: [{ host_name: host, service: 'compute', zone: 'nova' }],
  })
  const { host: rows } = (await asAdmin('GET', `/os-hosts/${host}`, undefined, 1)).body as unknown as {
    host: { resource: { project: string; cpu: number } }[]
  }
  expect(rows.map(({ resource }) => [resource.project, resource.cpu])).toEqual([
    ['(total)', expect.any(Number)],
    ['(used_now)', 1],
    ['(used_max)', 1],
    [cloud.owner.projectId, 1],
  ])
  const put = (body: object) => asAdmin('PUT', `/os-hosts/${host}`, body, 1)
  expect((await put({ status: 'disable' })).body).toEqual({ host, status: 'disabled' })
  expect((await put({ status: 'enable' })).body).toEqual({ host, status: 'enabled' })
  expect((await put({ maintenance_mode: 'enable' })).status).toBe(400)
  expect((await asAdmin('GET', '/os-hosts', undefined, 43)).status).toBe(404)
  const audit = await asAdmin('GET', '/os-instance_usage_audit_log/2026-11-15%2012:00:00')
  expect(audit.body.instance_usage_audit_log).toMatchObject({
    period_beginning: '2026-10-01 00:00:00',
    period_ending: '2026-11-01 00:00:00',
    hosts_not_run: [host],
    overall_status: '0 of 1 hosts done. 0 errors.',
  })
})

test('Nova shows images, networks and floating IPs until 2.35', async () => {
  const { owner } = cloud
  const { params } = (await neighbourExamples['images.get']?.make(owner)) ?? {}
  const id = params?.image_id
  const path = `/images/${id}`
  const show = await ask('GET', path)
  expect(show.json()).toMatchObject({
    image: { id, status: 'SAVING', minRam: 0, metadata: { old: 'x' }, progress: 25 },
  })
  expect((await ask('GET', path, { minor: 36 })).statusCode).toBe(404)
  const set = await ask('POST', `${path}/metadata`, { minor: 38, body: { metadata: { a: 'b' } } })
  expect(set.json()).toEqual({ metadata: { old: 'x', a: 'b' } })
  // Nobody may set the facts that Glance itself states of an image, by this operation either.
  for (const name of ['locations', 'direct_url', 'owner', 'os_glance_importing', 'stores', 'description']) {
    const ours = { [name]: 'file:///etc/passwd' }
    const answers = [
      await ask('POST', `${path}/metadata`, { body: { metadata: ours } }),
      await ask('PUT', `${path}/metadata`, { body: { metadata: ours } }),
      await ask('PUT', `${path}/metadata/${name}`, { body: { meta: ours } }),
    ]
    expect([name, ...answers.map((answer) => answer.statusCode)]).toEqual([name, 403, 403, 403])
  }
  expect((await ask('GET', `${path}/metadata`, { minor: 39 })).statusCode).toBe(404)
  expect((await ask('GET', '/images/detail?property-a=b')).json()).toMatchObject({
    images: [{ id }],
  })
  expect((await ask('DELETE', path)).statusCode).toBe(204)
  expect((await ask('GET', path)).json()).toEqual({
    itemNotFound: { code: 404, message: 'Image not found.' },
  })

  const { networks } = (await ask('GET', '/os-tenant-networks')).json() as { networks: { id: string }[] }
  expect(networks.map(({ id }) => id)).toContain(owner.networkId)
  expect((await ask('GET', `/os-networks/${owner.networkId}`)).json()).toMatchObject({
    network: { id: owner.networkId, label: 'net', cidr: null },
  })
  const { floating_ip_pools: pools } = (await ask('GET', '/os-floating-ip-pools')).json() as {
    floating_ip_pools: { name: string }[]
  }
  const made = await ask('POST', '/os-floating-ips', { body: { pool: pools[0]?.name } })
  const { floating_ip: fip } = made.json() as { floating_ip: { id: string; ip: string } }
  expect(fip).toMatchObject({ fixed_ip: null, instance_id: null, pool: pools[0]?.name })
  expect((await ask('POST', '/os-floating-ips', { body: { pool: 'nothing' } })).statusCode).toBe(404)
  expect((await ask('GET', '/os-floating-ips')).json()).toMatchObject({ floating_ips: [{ id: fip.id }] })
  expect((await ask('DELETE', `/os-floating-ips/${fip.id}`)).statusCode).toBe(202)
  expect((await ask('POST', '/os-floating-ips', { minor: 36 })).statusCode).toBe(404)
})

test('a list of networks that would be cut is refused: no network is left out in silence', async () => {
  const { root } = cloud.world.deps
  const data = Array.from({ length: 1_001 }, (_, i) => ({
    id: crypto.randomUUID(),
    projectId: cloud.owner.projectId,
    name: `many ${i}`,
  }))
  await root.network.createMany({ data })
  const answers = [await ask('GET', '/os-networks'), await ask('GET', '/os-tenant-networks')]
  await root.network.deleteMany({ where: { name: { startsWith: 'many ' } } })
  expect(answers.map((answer) => answer.statusCode)).toEqual([400, 400])
  expect(answers[0]?.body).toMatch(/more than 1000/)
})
