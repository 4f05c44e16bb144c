import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, closeCinder, cloud, openCinder } from '../../openstack/cinder.testing.ts'
import { aVolume } from '../../testing.openstack.ts'

beforeAll(openCinder)
afterAll(closeCinder)

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
const at = (minor: number, body?: unknown, token?: string) => ({
  version: `volume 3.${minor}`,
  ...(body === undefined ? {} : { body }),
  ...(token === undefined ? {} : { token }),
})
const json = async <T>(answer: Promise<{ json(): unknown }>) => (await answer).json() as T

test('the story of the stock clients: a type, a group, volumes, a snapshot, a copy, and the end', async () => {
  const { admin } = cloud.tokens
  const made = await ask(
    'POST',
    '/group_types',
    at(11, { group_type: { name: 'gt', description: null, is_public: true } }, admin),
  )
  expect(made.statusCode).toBe(202)
  const { group_type: type } = made.json() as { group_type: { id: string } }
  expect(type).toEqual({ id: type.id, name: 'gt', description: null, is_public: true, group_specs: {} })
  const specs = await ask(
    'POST',
    `/group_types/${type.id}/group_specs`,
    at(11, { group_specs: { a: 'b' } }, admin),
  )
  expect([specs.statusCode, specs.json()]).toEqual([202, { group_specs: { a: 'b' } }])
  expect(await json(ask('GET', `/group_types/${type.id}`, at(11)))).toEqual({
    group_type: { id: type.id, name: 'gt', description: null, is_public: true },
  })

  const volumeId = await aVolume(cloud.owner)
  const { volume_types } = await json<{ volume_types: { id: string }[] }>(ask('GET', '/types'))
  const standard = volume_types[0]?.id ?? ''
  const wish = {
    name: 'g1',
    description: null,
    group_type: type.id,
    volume_types: [standard],
    availability_zone: null,
  }
  const answer = await ask('POST', '/groups', at(70, { group: wish }))
  const { group } = answer.json() as { group: { id: string } }
  expect([answer.statusCode, group]).toEqual([202, { id: group.id, name: 'g1' }])
  const path = `/groups/${group.id}`
  expect((await ask('PUT', path, at(70, { group: { add_volumes: volumeId } }))).statusCode).toBe(202)
  const golden = {
    ...{ id: group.id, name: 'g1', status: 'available', availability_zone: 'nova', created_at: time },
    ...{ description: null, group_type: type.id, volume_types: [standard] },
  }
  expect(await json(ask('GET', path, at(13)))).toEqual({ group: golden })
  const newest = { group_snapshot_id: null, source_group_id: null, replication_status: 'disabled' }
  expect(await json(ask('GET', `${path}?list_volume=true`, at(70)))).toEqual({
    group: { ...golden, ...newest, project_id: cloud.owner.projectId, volumes: [volumeId] },
  })
  expect(await json(ask('GET', '/groups/detail?all_tenants=False', at(13)))).toEqual({ groups: [golden] })
  expect(await json(ask('GET', '/groups?name~=g&sort=name:asc', at(34)))).toEqual({
    groups: [{ id: group.id, name: 'g1' }],
  })
  expect(await json(ask('GET', `/volumes?group_id=${group.id}`, at(10)))).toMatchObject({
    volumes: [{ id: volumeId }],
  })
  expect(await json(ask('GET', `/volumes/${volumeId}`, at(13)))).toMatchObject({
    volume: { group_id: group.id },
  })
  const alone = await ask('DELETE', `/volumes/${volumeId}`)
  expect([alone.statusCode, alone.body]).toEqual([400, expect.stringMatching(/Invalid volume: .*in a group/)])

  const kept = await ask(
    'POST',
    '/group_snapshots',
    at(14, { group_snapshot: { group_id: group.id, name: 'gs', description: null } }),
  )
  const { group_snapshot: snapshot } = kept.json() as { group_snapshot: { id: string } }
  expect([kept.statusCode, snapshot]).toEqual([202, { id: snapshot.id, name: 'gs', group_type_id: type.id }])
  await cloud.owner.settle()
  expect(await json(ask('GET', `/group_snapshots/${snapshot.id}`, at(58)))).toEqual({
    group_snapshot: {
      ...{ id: snapshot.id, name: 'gs', group_type_id: type.id, group_id: group.id, status: 'available' },
      ...{ created_at: time, description: null, project_id: cloud.owner.projectId },
    },
  })
  expect(await json(ask('GET', `/snapshots/detail?volume_id=${volumeId}`, at(14)))).toMatchObject({
    snapshots: [{ group_snapshot_id: snapshot.id, status: 'available' }],
  })

  const copied = await ask(
    'POST',
    '/groups/action',
    at(14, { 'create-from-src': { name: 'g2', description: null, group_snapshot_id: snapshot.id } }),
  )
  expect(copied.statusCode).toBe(202)
  const { group: copy } = copied.json() as { group: { id: string } }
  await cloud.owner.settle()
  expect(await json(ask('GET', `/groups/${copy.id}?list_volume=True`, at(25)))).toMatchObject({
    group: { status: 'available', group_snapshot_id: snapshot.id, volumes: [expect.any(String)] },
  })
  const end = (id: string, all: boolean) =>
    ask('POST', `/groups/${id}/action`, at(13, { delete: { 'delete-volumes': all } }))
  const refused = await end(copy.id, false)
  expect([refused.statusCode, refused.body]).toEqual([400, expect.stringMatching(/Invalid Group: .*volumes/)])
  expect((await end(copy.id, true)).statusCode).toBe(202)
  expect((await end(group.id, true)).statusCode).toBe(400)
  expect((await ask('DELETE', `/group_snapshots/${snapshot.id}`, at(14))).statusCode).toBe(202)
  await cloud.owner.settle()
  expect((await end(group.id, true)).statusCode).toBe(202)
  expect((await ask('GET', path, at(13))).statusCode).toBe(404)
  expect((await ask('DELETE', `/group_types/${type.id}`, at(11, undefined, admin))).statusCode).toBe(202)
})

test('groups are there since 3.11, 3.13 and 3.14, and refuse what Cinder refuses', async () => {
  expect((await ask('GET', '/group_types', at(10))).statusCode).toBe(404)
  expect((await ask('GET', '/groups', at(12))).statusCode).toBe(404)
  expect((await ask('GET', '/group_snapshots', at(13))).statusCode).toBe(404)
  const create = (more: object) =>
    ask('POST', '/groups', at(13, { group: { group_type: 'Standard', volume_types: ['Standard'], ...more } }))
  expect((await create({ group_type: 'nope' })).statusCode).toBe(404)
  expect((await create({ volume_types: ['nope'] })).statusCode).toBe(404)
  expect((await create({ volume_types: [] })).statusCode).toBe(400)
  expect((await create({ availability_zone: 'mars' })).statusCode).toBe(400)
  const { group } = (await create({})).json() as { group: { id: string } }
  expect((await ask('PUT', `/groups/${group.id}`, at(13, { group: {} }))).statusCode).toBe(400)
  const byName = await ask('PUT', `/groups/${group.id}`, at(13, { group: { add_volumes: 'x,y' } }))
  expect([byName.statusCode, byName.body]).toEqual([
    ...[400, expect.stringContaining('add_volumes. Value: x,y. Each must be the ID of a volume')],
  ])
  const many = Array.from({ length: 101 }, () => crypto.randomUUID()).join()
  const tooMany = await ask('PUT', `/groups/${group.id}`, at(13, { group: { add_volumes: many } }))
  expect([tooMany.statusCode, tooMany.body]).toEqual([
    400,
    expect.stringContaining('Invalid input for field/attribute add_volumes. '),
  ])
  const empty = await ask('POST', '/group_snapshots', at(14, { group_snapshot: { group_id: group.id } }))
  expect([empty.statusCode, empty.body]).toEqual([400, expect.stringMatching(/Invalid Group: .*no volumes/)])
  // A reader learns that they may not, and not what else is in the way.
  const from = { 'create-from-src': { source_group_id: group.id } }
  const { ownerReader } = cloud.tokens
  expect((await ask('POST', '/groups/action', at(14, from, ownerReader))).statusCode).toBe(403)
  expect((await ask('POST', '/groups/action', at(14, from))).statusCode).toBe(400)
  expect((await ask('GET', '/groups?nonsense=1', at(31))).statusCode).toBe(400)
})

test('administrators filter groups by their columns, and find nothing by a column that there is not', async () => {
  const body = { group: { name: 'of columns', group_type: 'Standard', volume_types: ['Standard'] } }
  const { group } = await json<{ group: { id: string } }>(ask('POST', '/groups', at(70, body)))
  const shown = await json<{ group: { group_type: string } }>(ask('GET', `/groups/${group.id}`, at(70)))
  const found = async (query: string, noun = 'groups') => {
    const path = `/${noun}?name=of%20columns&${query}`
    return (
      await json<Record<string, { id: string }[]>>(ask('GET', path, at(70, undefined, cloud.tokens.admin)))
    )[noun]?.map(({ id }) => id)
  }
  for (const fits of [
    `id=${group.id}`,
    `user_id=${cloud.owner.userId}`,
    `group_type=${shown.group.group_type}`,
    'availability_zone=nova',
  ])
    expect(await found(fits), fits).toEqual([group.id])
  for (const other of [
    `id=${crypto.randomUUID()}`,
    'user_id=nobody',
    `group_type=${crypto.randomUUID()}`,
    'availability_zone=mars',
    `source_group_id=${crypto.randomUUID()}`,
    'colour=red',
  ])
    expect(await found(other), other).toEqual([])
  expect(await found('colour=red', 'group_snapshots')).toEqual([])
})
