import { afterAll, beforeAll, expect, test } from 'vitest'
import { aServer } from '../../compute/instances/testing.openstack.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { testCtx } from '../../kernel/testing.ts'
import { poolCreateInput } from '../contract.ts'
import { createPool } from '../pools/service.ts'
import { ask, closeCinder, cloud, openCinder } from './cinder.testing.ts'

beforeAll(openCinder)
afterAll(closeCinder)

const admin = (more: object = {}) => ({ token: cloud.tokens.admin, version: 'volume 3.70', ...more })
async function aVolume(): Promise<string> {
  const made = await ask('POST', '/volumes', { body: { volume: { size: 2, name: 'data' } } })
  await cloud.owner.settle()
  return made.json().volume.id
}
const shown = async (id: string) => (await ask('GET', `/volumes/${id}`, admin())).json().volume
const act = (id: string, body: object, more: object = {}) =>
  ask('POST', `/volumes/${id}/action`, { body, ...more })

test('a volume moves by os-retype and by os-migrate_volume, and says how that went', async () => {
  const ctx = await testCtx(cloud.world.deps, { role: 'admin' })
  const place = { driver: 'files', path: '/srv/x' }
  const { name: pool } = await createPool(
    ctx,
    poolCreateInput.parse({ name: 'archive', place, capacityGib: 50 }),
  )
  const type = { name: 'archive', extra_specs: { volume_backend_name: 'archive' } }
  expect((await ask('POST', '/types', admin({ body: { volume_type: type } }))).statusCode).toBe(200)
  const id = await aVolume()
  const before = await shown(id)
  expect([before.migration_status, before['os-vol-host-attr:host']]).toEqual([
    null,
    expect.stringMatching(/@local#local$/),
  ])
  const never = await act(id, { 'os-retype': { new_type: 'archive' } })
  expect([never.statusCode, never.json().badRequest.message]).toEqual([
    400,
    expect.stringContaining('lie in other pools'),
  ])
  const wish = { 'os-retype': { new_type: 'archive', migration_policy: 'on-demand' } }
  expect((await act(id, wish)).statusCode).toBe(202)
  expect(await shown(id)).toMatchObject({ status: 'retyping', migration_status: 'migrating' })
  await cloud.owner.settle()
  expect(await shown(id)).toMatchObject({
    ...{ status: 'available', migration_status: 'success', volume_type: 'archive' },
    ...{ 'os-vol-host-attr:host': `${pool}#archive`, 'os-vol-mig-status-attr:migstat': 'success' },
  })
  const again = await act(id, wish)
  expect(again.statusCode).toBe(400)
  const [local] = (await ask('GET', '/scheduler-stats/get_pools', admin())).json().pools
  const away = { 'os-migrate_volume': { host: local.name, force_host_copy: false, lock_volume: false } }
  expect((await act(id, away, admin())).json().badRequest.message).toContain(
    'The type asks for pools named archive. Change the type of the volume first.',
  )
  expect((await act(id, away)).statusCode).toBe(403)
  await act(id, { 'os-retype': { new_type: 'Standard', migration_policy: 'on-demand' } })
  expect((await act(id, away, admin())).statusCode).toBe(202)
  expect((await shown(id)).status).toBe('maintenance')
  await cloud.owner.settle()
  expect(await shown(id)).toMatchObject({ status: 'available', 'os-vol-host-attr:host': local.name })
  const found = await ask('GET', '/volumes?migration_status=success', admin())
  expect(found.json().volumes.map((one: { id: string }) => one.id)).toContain(id)
})

test('administrators see pools with their capabilities, as hosts and as services', async () => {
  const pools = (query: string) => ask('GET', `/scheduler-stats/get_pools${query}`, admin())
  const named = (await pools('?name=shared@archive%23archive&detail=True')).json().pools
  expect(named).toMatchObject([
    {
      name: 'shared@archive#archive',
      capabilities: {
        ...{ volume_backend_name: 'archive', storage_protocol: 'file', total_capacity_gb: 50 },
        ...{ free_capacity_gb: 50, max_over_subscription_ratio: '1.0', thin_provisioning_support: true },
        multiattach: false,
      },
    },
  ])
  type Pools = { pools: { name: string; capabilities: object }[] }
  const all = ((await pools('?detail=True')).json() as Pools).pools
  // Volumes for several servers lie only where one machine has the files.
  expect(all.find(({ name }) => name.endsWith('@local#local'))?.capabilities).toMatchObject({
    multiattach: true,
  })
  await cloud.owner.deps.root.volumePool.update({
    where: { name: 'shared@archive' },
    data: { overcommit: 2, usedGib: { increment: 50 } },
  })
  const full = ((await pools('?name=shared@archive%23archive&detail=True')).json() as Pools).pools
  expect(full[0]?.capabilities).toMatchObject({ total_capacity_gb: 50, free_capacity_gb: 50 })
  await cloud.owner.deps.root.volumePool.update({
    where: { name: 'shared@archive' },
    data: { overcommit: 1, usedGib: { decrement: 50 } },
  })
  const ofType = (await pools('?volume_type=archive')).json().pools
  expect(ofType).toEqual([{ name: 'shared@archive#archive' }])
  const capabilities = await ask('GET', '/capabilities/shared@archive', admin())
  expect(capabilities.json()).toMatchObject({ pool_name: 'archive', storage_protocol: 'file' })
  expect((await ask('GET', '/capabilities/nowhere', admin())).statusCode).toBe(404)
  const hosts = (await ask('GET', '/os-hosts', admin())).json().hosts
  expect(hosts).toContainEqual(expect.objectContaining({ host_name: 'shared@archive' }))
  const id = await aVolume()
  const host = (await shown(id))['os-vol-host-attr:host'].split('#')[0]
  const [total, ...projects] = (await ask('GET', `/os-hosts/${host}`, admin())).json().host
  expect(total.resource).toMatchObject({ host, project: '(total)' })
  expect(projects.map((one: { resource: { project: string } }) => one.resource.project)).toContain(
    cloud.owner.projectId,
  )
  const services = (await ask('GET', '/os-services?host=shared@archive', admin())).json().services
  expect(services).toMatchObject([{ host: 'shared@archive', status: 'enabled', state: 'up' }])
})

test('a volume that a server has stays in use while it moves, and the server keeps it', async () => {
  const id = await aVolume()
  const serverId = await aServer(cloud.owner)
  await attachVolume(cloud.owner.ctx, { id: serverId, volumeId: id })
  await cloud.owner.settle()
  const away = { 'os-migrate_volume': { host: 'shared@archive#archive' } }
  expect((await act(id, away, admin())).statusCode).toBe(202)
  expect(await shown(id)).toMatchObject({ status: 'in-use', migration_status: 'migrating' })
  const listed = async (status: string) => {
    const found = await ask('GET', `/volumes/detail?status=${status}`, admin())
    return found.json().volumes.map((one: { id: string; status: string }) => `${one.id} ${one.status}`)
  }
  expect([await listed('in-use'), await listed('maintenance')]).toEqual([
    expect.arrayContaining([`${id} in-use`]),
    [],
  ])
  expect((await act(id, away, admin())).statusCode).toBe(400)
  expect((await act(id, { 'os-extend': { new_size: 3 } }, { version: 'volume 3.70' })).statusCode).toBe(400)
  await cloud.owner.settle()
  expect(await shown(id)).toMatchObject({
    ...{ status: 'in-use', migration_status: 'success', attachments: [{ server_id: serverId }] },
    'os-vol-host-attr:host': 'shared@archive#archive',
  })
})

test('nobody but the hosts says that a move is over', async () => {
  const id = await aVolume()
  const body = { 'os-migrate_volume_completion': { new_volume: crypto.randomUUID(), error: false } }
  const refused = await act(id, body, admin())
  expect([refused.statusCode, refused.body]).toEqual([
    400,
    expect.stringContaining('end the move of a volume'),
  ])
  expect((await act(id, body)).statusCode).toBe(403)
})

test('a volume is made where its scheduler hints ask, or not at all', async () => {
  const { name: pool } = await createPool(
    await testCtx(cloud.world.deps, { role: 'admin' }),
    poolCreateInput.parse({
      name: 'hinted',
      place: { driver: 'files', path: '/srv/hinted' },
      capacityGib: 9,
    }),
  )
  const type = { name: 'hinted', extra_specs: { volume_backend_name: 'hinted' } }
  expect((await ask('POST', '/types', admin({ body: { volume_type: type } }))).statusCode).toBe(200)
  const make = (hints: object | null, volume: object = {}) =>
    ask('POST', '/volumes', {
      body: { volume: { size: 1, ...volume }, 'OS-SCH-HNT:scheduler_hints': hints },
    })
  const made = await make(null, { volume_type: 'hinted' })
  const there = made.json().volume.id
  const hostOf = async (answer: { json(): { volume: { id: string } } }) =>
    (await shown(answer.json().volume.id))['os-vol-host-attr:host'].split('#')[0]
  expect(await hostOf(made)).toBe(pool)
  expect(await hostOf(await make({ same_host: there }))).toBe(pool)
  expect(await hostOf(await make({ different_host: [there] }))).not.toBe(pool)
  const server = await aServer(cloud.owner)
  expect(await hostOf(await make({ local_to_instance: server, different_host: null }))).toMatch(/@local$/)
  const nowhere = await make({ same_host: [there], different_host: [there] })
  expect([nowhere.statusCode, nowhere.body]).toEqual([503, expect.stringContaining('scheduler hints')])
  for (const [hints, status] of [
    [{ same_host: [crypto.randomUUID()] }, 404],
    [{ local_to_instance: crypto.randomUUID() }, 404],
    [{ same_host: ['x'] }, 400],
    [{ query: '[">=", "$free_capacity_gb", 1]' }, 400],
    [{ group: crypto.randomUUID() }, 400],
  ] as const)
    expect((await make(hints)).statusCode, JSON.stringify(hints)).toBe(status)
  await cloud.owner.settle()
})
