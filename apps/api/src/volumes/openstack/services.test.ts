import { afterAll, beforeAll, expect, test } from 'vitest'
import { poolCreateInput } from '../contract.ts'
import { getPool } from '../pools/list.ts'
import { createPool } from '../pools/service.ts'
import { ask, closeCinder, cloud, openCinder } from './cinder.testing.ts'

beforeAll(openCinder)
afterAll(closeCinder)

type Method = Parameters<typeof ask>[0]
const act = (method: Method, path: string, body?: object) =>
  ask(method, path, { token: cloud.tokens.admin, version: 'volume 3.70', ...(body ? { body } : {}) })
/** The status and the body of an answer. */
const said = async (method: Method, path: string, body?: object) => {
  const answer = await act(method, path, body)
  return [answer.statusCode, answer.json()]
}

test('a pool is closed and opened as the service that keeps it', async () => {
  const place = { driver: 'files' as const, path: '/srv/volumes' }
  const { name: host } = await createPool(cloud.owner.admin, poolCreateInput.parse({ name: 'shelf', place }))
  const service = { binary: 'cinder-volume', host, service: '' }
  const statusOf = async () =>
    ((await act('GET', `/os-services?host=${host}`)).json() as { services: { status: string }[] }).services
  expect(await said('PUT', '/os-services/disable', { host, binary: 'cinder-volume' })).toEqual([
    200,
    { ...service, disabled: true, status: 'disabled' },
  ])
  expect(await statusOf()).toMatchObject([{ status: 'disabled' }])
  expect(await said('PUT', '/os-services/enable', { host: `${host}#shelf` })).toEqual([
    200,
    { ...service, host: `${host}#shelf`, disabled: false, status: 'enabled' },
  ])
  expect(await statusOf()).toMatchObject([{ status: 'enabled' }])
  for (const [status, body, words] of [
    [404, { host: 'nowhere@local' }, /could not be found/],
    [404, { host, binary: 'cinder-backup' }, /Service cinder-backup could not be found/],
    [400, { host, colour: 'red' }, /Additional properties/],
  ] as const) {
    const answer = await act('PUT', '/os-services/disable', body)
    expect([answer.statusCode, answer.body]).toEqual([status, expect.stringMatching(words)])
  }
})

test('a pool is closed for a reason, which lists show until the pool is opened, and frozen and thawed', async () => {
  const place = { driver: 'files' as const, path: '/srv/more' }
  const { name: host } = await createPool(cloud.owner.admin, poolCreateInput.parse({ name: 'ledge', place }))
  const shown = async () => {
    const { services } = (await act('GET', `/os-services?host=${host}`)).json() as { services: object[] }
    return services[0]
  }
  const close = (more: object) => act('PUT', '/os-services/disable-log-reason', { host, ...more })
  const binary = 'cinder-volume'
  expect((await close({ binary, disabled_reason: 'lunch' })).json()).toEqual({
    ...{ binary, host, service: '', disabled: true, status: 'disabled', disabled_reason: 'lunch' },
  })
  expect(await shown()).toMatchObject({ status: 'disabled', disabled_reason: 'lunch', frozen: false })
  expect(await getPool(cloud.owner.admin, { name: host })).toMatchObject({
    closed: 'An administrator has closed the pool: lunch',
  })
  expect((await close({})).statusCode).toBe(400)
  expect((await close({ disabled_reason: '' })).statusCode).toBe(400)
  await act('PUT', '/os-services/enable', { host })
  expect(await shown()).toMatchObject({ status: 'enabled', disabled_reason: null })
  expect(await said('PUT', '/os-services/freeze', { host: `${host}#ledge` })).toEqual([200, null])
  expect(await shown()).toMatchObject({ status: 'disabled', disabled_reason: 'frozen', frozen: true })
  expect(await said('PUT', '/os-services/thaw', { host })).toEqual([200, null])
  expect(await shown()).toMatchObject({ status: 'enabled', disabled_reason: null, frozen: false })
  expect((await act('PUT', '/os-services/freeze', { host: 'nowhere@x' })).statusCode).toBe(404)
  expect((await ask('PUT', '/os-services/freeze', { body: { host } })).statusCode).toBe(403)
})

test('the disk of a machine is closed and opened without its machine, and frozen and thawed', async () => {
  const { name } = await cloud.world.deps.root.host.findFirstOrThrow()
  const host = `${name}@local`
  const shown = async () => {
    const answer = await act('GET', `/os-services?host=${host}&binary=cinder-volume`)
    return (answer.json() as { services: object[] }).services
  }
  expect(await shown()).toMatchObject([{ host, status: 'enabled', disabled_reason: null, state: 'up' }])
  const closing = { host, disabled_reason: 'an old disk' }
  expect((await act('PUT', '/os-services/disable-log-reason', closing)).json()).toMatchObject({
    ...{ host, disabled: true, disabled_reason: 'an old disk' },
  })
  expect(await shown()).toMatchObject([
    { host, status: 'disabled', disabled_reason: 'an old disk', state: 'up', frozen: false },
  ])
  const { enabled } = await cloud.world.deps.root.host.findFirstOrThrow({ where: { name } })
  expect(enabled).toBe(true)
  expect(await said('PUT', '/os-services/freeze', { host: `${host}#local` })).toEqual([200, null])
  expect(await shown()).toMatchObject([{ status: 'disabled', frozen: true }])
  expect(await said('PUT', '/os-services/thaw', { host })).toEqual([200, null])
  expect(await shown()).toMatchObject([{ status: 'enabled', disabled_reason: null, frozen: false }])
})

test('a pool of one machine was seen when its machine was, and is found by its own name alone', async () => {
  const { root } = cloud.world.deps
  const { id: hostId, name } = await root.host.findFirstOrThrow()
  const lastSeenAt = new Date()
  await root.hostBeat.upsert({
    where: { hostId },
    create: { hostId, facts: {}, missed: 0, lastSeenAt },
    update: { lastSeenAt },
  })
  const place = { driver: 'files' as const, path: '/srv/second' }
  await createPool(cloud.owner.admin, poolCreateInput.parse({ name: 'second', place, hostId }))
  const at = async (host: string) =>
    ((await act('GET', `/os-services?host=${host}&binary=cinder-volume`)).json() as { services: object[] })
      .services
  const [disk] = await at(name)
  expect(disk).toMatchObject({ host: `${name}@local`, updated_at: expect.any(String) })
  const { updated_at } = disk as { updated_at: string }
  expect(await at(`${name}@second`)).toEqual([
    expect.objectContaining({ host: `${name}@second`, updated_at }),
  ])
})

test('there are no clusters, no replicas, no levels of logs, and nothing to be asked for cleaning', async () => {
  expect(await said('GET', '/clusters')).toEqual([200, { clusters: [] }])
  expect(await said('GET', '/clusters/detail')).toEqual([200, { clusters: [] }])
  expect((await said('GET', '/clusters/c'))[0]).toBe(404)
  expect((await said('PUT', '/clusters/enable', { name: 'c' }))[0]).toBe(404)
  expect(await said('POST', '/workers/cleanup', { binary: 'cinder-volume', is_up: 'true' })).toEqual([
    202,
    { cleaning: [], unavailable: [] },
  ])
  expect(await said('PUT', '/os-services/get-log', {})).toEqual([200, { log_levels: [] }])
  for (const verb of ['set-log', 'failover_host', 'failover'])
    expect((await said('PUT', `/os-services/${verb}`, { host: 'h' }))[0], verb).toBe(400)
})

test('there are no consistency groups, and the sentences lead to groups', async () => {
  for (const noun of ['consistencygroups', 'cgsnapshots']) {
    expect(await said('GET', `/${noun}`)).toEqual([200, { [noun]: [] }])
    expect(await said('GET', `/${noun}/detail`)).toEqual([200, { [noun]: [] }])
    const made = await act('POST', `/${noun}`, {})
    expect([made.statusCode, made.body]).toEqual([400, expect.stringContaining('use groups')])
    for (const id of [crypto.randomUUID(), 'nonsense'])
      expect((await said('GET', `/${noun}/${id}`))[0]).toBe(404)
  }
  expect((await said('POST', '/consistencygroups/create_from_src', {}))[0]).toBe(400)
})
