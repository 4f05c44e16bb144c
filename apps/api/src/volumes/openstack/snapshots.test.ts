import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aServer } from '../../compute/instances/testing.openstack.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { aSnapshot } from '../snapshots/testing.openstack.ts'
import { aVolume } from '../testing.openstack.ts'
import { ask, closeCinder, cloud, openCinder } from './cinder.testing.ts'

beforeAll(openCinder)
afterAll(closeCinder)

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
const golden = (id: string, volumeId: string, more: object = {}) => ({
  ...{ id, name: 'before', description: null, created_at: time, updated_at: time, volume_id: volumeId },
  ...{ status: 'available', size: 1, metadata: {}, ...more },
})
const shown = (progress = '100%') => ({
  'os-extended-snapshot-attributes:progress': progress,
  'os-extended-snapshot-attributes:project_id': cloud.owner.projectId,
})
const make = (snapshot: object, token?: string) =>
  ask('POST', '/snapshots', { body: { snapshot }, ...(token ? { token } : {}) })
const idOf = (answer: { json(): unknown }, key = 'snapshot') =>
  (answer.json() as Record<string, { id: string }>)[key]?.id ?? ''
const names = (answer: { json(): unknown }) =>
  (answer.json() as { snapshots: { name: string }[] }).snapshots.map(({ name }) => name)
const act = (path: string, body: object, token?: string) =>
  ask('POST', `${path}/action`, { body, ...(token ? { token } : {}) })
const volumeOfSnapshot = async (snapshotId: string) =>
  (await cloud.owner.deps.root.volumeSnapshot.findUniqueOrThrow({ where: { id: snapshotId } })).volumeId

test('the bodies of a snapshot that is made, shown, listed, changed and deleted', async () => {
  const volumeId = await aVolume(cloud.owner)
  // What the stock client sends.
  const made = await make({
    volume_id: volumeId,
    force: false,
    name: 'before',
    description: null,
    metadata: {},
  })
  expect(made.statusCode).toBe(202)
  const id = idOf(made)
  expect(made.json()).toEqual({ snapshot: golden(id, volumeId, { status: 'creating', updated_at: null }) })
  const path = `/snapshots/${id}`
  expect((await ask('GET', path)).json()).toMatchObject({ snapshot: shown('0%') })
  await cloud.owner.settle()
  const whole = { ...golden(id, volumeId), ...shown() }
  expect((await ask('GET', path)).json()).toEqual({ snapshot: whole })
  expect((await ask('GET', '/snapshots/detail')).json()).toEqual({ snapshots: [whole] })
  expect((await ask('GET', '/snapshots')).json()).toEqual({ snapshots: [golden(id, volumeId)] })
  const changed = await ask('PUT', path, { body: { snapshot: { name: 'after', description: 'd' } } })
  expect(changed.json()).toEqual({ snapshot: golden(id, volumeId, { name: 'after', description: 'd' }) })
  expect((await ask('PUT', path, { body: { snapshot: { size: 3 } } })).statusCode).toBe(400)
  expect((await ask('DELETE', `/volumes/${volumeId}`)).json()).toMatchObject({
    badRequest: { message: expect.stringMatching(/^Invalid volume: The volume has a snapshot/) },
  })
  const deleted = await ask('DELETE', path)
  expect([deleted.statusCode, deleted.body]).toEqual([202, ''])
  await cloud.owner.settle()
  expect((await ask('GET', path)).json()).toEqual({
    itemNotFound: { code: 404, message: `Snapshot ${id} could not be found.` },
  })
  expect((await ask('GET', '/snapshots/nope')).json()).toEqual({
    itemNotFound: { code: 404, message: 'Snapshot nope could not be found.' },
  })
})

test('a volume that a server has needs force until 3.66', async () => {
  const { owner } = cloud
  const volumeId = await aVolume(owner)
  await attachVolume(owner.ctx, { id: await aServer(owner), volumeId })
  await owner.settle()
  const refused = await make({ volume_id: volumeId })
  expect(refused.json()).toMatchObject({
    badRequest: { message: expect.stringMatching(/^Invalid volume: .*current status is: in-use/) },
  })
  const made = await make({ volume_id: volumeId, force: 'True' })
  expect(made.statusCode).toBe(202)
  await owner.settle()
  expect((await ask('GET', `/snapshots/${idOf(made)}`)).json()).toMatchObject({
    snapshot: { status: 'available' },
  })
  const reverted = await act(`/volumes/${volumeId}`, { revert: { snapshot_id: idOf(made) } })
  expect(reverted.statusCode).toBe(409)
})

describe('what others have', () => {
  test('is not found, whichever body names it', async () => {
    const theirs = await aSnapshot(cloud.stranger)
    const theirVolume = await volumeOfSnapshot(theirs)
    const mine = await aVolume(cloud.owner)
    const status = async (answer: Promise<{ statusCode: number }>) => (await answer).statusCode
    expect(await status(make({ volume_id: theirVolume }))).toBe(404)
    expect(await status(make({ volume_id: theirVolume, force: true }))).toBe(404)
    expect(await status(ask('GET', `/snapshots/${theirs}/metadata`))).toBe(404)
    for (const source of [{ snapshot_id: theirs }, { source_volid: theirVolume }])
      expect(await status(ask('POST', '/volumes', { body: { volume: { size: 1, ...source } } }))).toBe(404)
    expect(await status(act(`/volumes/${mine}`, { revert: { snapshot_id: theirs } }))).toBe(400)
    expect(names(await ask('GET', `/snapshots?volume_id=${theirVolume}`))).toEqual([])
    const { admin } = cloud.tokens
    const list = `/snapshots?all_tenants=1&project_id=${cloud.stranger.projectId}`
    expect(names(await ask('GET', list, { token: admin }))).toEqual(['before'])
    expect(names(await ask('GET', `${list}&nonsense=1`, { token: admin }))).toEqual([])
    expect(names(await ask('GET', `${list}&volume_size=1`, { token: admin }))).toEqual(['before'])
  })
})

test('lists have pages, orders and filters', async () => {
  const volumeId = await aVolume(cloud.owner)
  for (const name of ['list-b', 'list-a', 'list-c']) await aSnapshot(cloud.owner, { volumeId, name })
  const list = `/snapshots?volume_id=${volumeId}`
  expect(names(await ask('GET', list))).toEqual(['list-c', 'list-a', 'list-b'])
  const first = await ask('GET', `${list}&sort=name:asc&limit=2`)
  expect(names(first)).toEqual(['list-a', 'list-b'])
  const { snapshots_links: found } = first.json() as { snapshots_links: { rel: string; href: string }[] }
  const next = new URL(found[0]?.href ?? '')
  expect(names(await ask('GET', `/snapshots${next.search}`))).toEqual(['list-c'])
  expect(names(await ask('GET', `${list}&sort_key=name&sort_dir=desc&offset=1&limit=1`))).toEqual(['list-b'])
  expect(names(await ask('GET', `${list}&name=list-a&status=available`))).toEqual(['list-a'])
  expect(names(await ask('GET', `${list}&status=error`))).toEqual([])
  expect(names(await ask('GET', `${list}&availability_zone=mars`))).toEqual([])
  expect(names(await ask('GET', '/snapshots?volume_id=nope'))).toEqual([])
  for (const bad of ['sort=zone', 'offset=-1', 'limit=x'])
    expect((await ask('GET', `${list}&${bad}`)).statusCode, bad).toBe(400)
  expect((await ask('GET', `${list}&marker=${crypto.randomUUID()}`)).statusCode).toBe(404)
})

test('metadata is changed item by item, within the limits of Cinder', async () => {
  const path = `/snapshots/${await aSnapshot(cloud.owner)}/metadata`
  const put = (metadata: object) => ask('PUT', path, { body: { metadata } })
  expect((await ask('POST', path, { body: { metadata: { a: '1', b: '2' } } })).json()).toEqual({
    metadata: { a: '1', b: '2' },
  })
  expect((await ask('PUT', `${path}/a`, { body: { meta: { a: '3' } } })).json()).toEqual({ meta: { a: '3' } })
  expect((await ask('GET', `${path}/a`)).json()).toEqual({ meta: { a: '3' } })
  expect((await ask('DELETE', `${path}/a`)).statusCode).toBe(200)
  expect((await ask('DELETE', `${path}/a`)).json()).toMatchObject({
    itemNotFound: { message: expect.stringMatching(/^Snapshot \S+ has no metadata with key a\.$/) },
  })
  expect((await ask('GET', path)).json()).toEqual({ metadata: { b: '2' } })
  const many = Object.fromEntries(Array.from({ length: 129 }, (_, n) => [`k${n}`, 'v']))
  expect((await put(many)).statusCode).toBe(413)
  for (const bad of [{ ü: 'x' }, { '': 'x' }, { ['k'.repeat(256)]: 'x' }, { k: 'v'.repeat(256) }, { k: 1 }])
    expect((await put(bad)).statusCode, JSON.stringify(bad).slice(0, 40)).toBe(400)
})

test('the actions of administrators change the states of stuck snapshots, and nobody lies about progress', async () => {
  const id = await aSnapshot(cloud.owner)
  const { admin } = cloud.tokens
  const path = `/snapshots/${id}`
  const reset = (status: string) => act(path, { 'os-reset_status': { status } }, admin)
  for (const bad of ['deleting', 'creating', 'nonsense']) expect((await reset(bad)).statusCode).toBe(400)
  expect((await reset('Error')).statusCode).toBe(202)
  const use = await ask('POST', '/volumes', { body: { volume: { size: 1, snapshot_id: id } } })
  expect(use.json()).toMatchObject({
    badRequest: { message: expect.stringMatching(/^Invalid snapshot: Only an available snapshot/) },
  })
  const tell = (status: string) => act(path, { 'os-update_snapshot_status': { status, progress: '100%' } })
  for (const untrue of ['available', 'error', 'creating', 'deleting'])
    expect((await tell(untrue)).statusCode, untrue).toBe(400)
  expect((await act(path, { 'os-force_delete': {} }, admin)).statusCode).toBe(202)
  expect((await tell('deleting')).statusCode).toBe(202)
  await cloud.owner.settle()
  expect((await ask('GET', path)).statusCode).toBe(404)
})

test('volumes are made of snapshots and of volumes, and say of which', async () => {
  const { owner } = cloud
  const source = await aVolume(owner, { sizeGib: 2 })
  const snapshotId = await aSnapshot(owner, { volumeId: source })
  const create = (volume: object) => ask('POST', '/volumes', { body: { volume } })
  // The stock client sends the size of the snapshot, and none for a copy.
  const [ofSnapshot, ofVolume] = [
    await create({ size: 3, snapshot_id: snapshotId, source_volid: null, imageRef: null }),
    await create({ size: null, snapshot_id: null, source_volid: source }),
  ]
  expect(ofSnapshot.json()).toMatchObject({
    volume: { size: 3, snapshot_id: snapshotId, source_volid: null, status: 'creating' },
  })
  expect(ofVolume.json()).toMatchObject({ volume: { size: 2, snapshot_id: null, source_volid: source } })
  await owner.settle()
  expect((await ask('GET', `/volumes/${idOf(ofVolume, 'volume')}`)).json()).toMatchObject({
    volume: { status: 'available', source_volid: source },
  })
  for (const [volume, status] of [
    [{ size: 1, snapshot_id: snapshotId }, 400],
    [{ size: 1, source_volid: source }, 400],
    [{ size: 2, source_volid: source, snapshot_id: snapshotId }, 400],
    [{ size: 2, snapshot_id: 'nope' }, 400],
    [{ size: 2, snapshot_id: crypto.randomUUID() }, 404],
    [{ size: 2, source_volid: crypto.randomUUID() }, 404],
  ] as const)
    expect((await create(volume)).statusCode, JSON.stringify(volume)).toBe(status)
})

test('a volume goes back to its latest snapshot only', async () => {
  const { owner } = cloud
  const volumeId = await aVolume(owner)
  const path = `/volumes/${volumeId}`
  const revert = (snapshotId: string) => act(path, { revert: { snapshot_id: snapshotId } })
  expect((await revert(crypto.randomUUID())).json()).toMatchObject({
    badRequest: { message: expect.stringContaining('not the latest one') },
  })
  const [first, latest] = [await aSnapshot(owner, { volumeId }), await aSnapshot(owner, { volumeId })]
  expect((await revert(first)).statusCode).toBe(400)
  expect((await revert(await aSnapshot(owner))).statusCode).toBe(400)
  expect((await revert('nope')).statusCode).toBe(400)
  expect((await revert(latest)).statusCode).toBe(202)
  expect((await ask('GET', path)).json()).toMatchObject({ volume: { status: 'reverting' } })
  expect((await ask('GET', `/snapshots/${latest}`)).json()).toMatchObject({
    snapshot: { status: 'restoring' },
  })
  await owner.settle()
  expect((await ask('GET', path)).json()).toMatchObject({ volume: { status: 'available' } })
})

test('cascade deletes a volume with its snapshots, unless one of them is in use', async () => {
  const { owner } = cloud
  const volumeId = await aVolume(owner)
  const ids = [await aSnapshot(owner, { volumeId }), await aSnapshot(owner, { volumeId })]
  const path = `/volumes/${volumeId}`
  const late = await ask('POST', '/volumes', { body: { volume: { size: 1, snapshot_id: ids[0] } } })
  expect((await ask('DELETE', `${path}?cascade=True`)).json()).toMatchObject({
    badRequest: { message: expect.stringMatching(/^Invalid volume: A volume is being made of a snapshot/) },
  })
  await owner.settle()
  expect((await ask('DELETE', `${path}?cascade=True`)).statusCode).toBe(202)
  expect((await make({ volume_id: volumeId })).statusCode).toBe(400)
  await owner.settle()
  for (const gone of [path, ...ids.map((id) => `/snapshots/${id}`)])
    expect((await ask('GET', gone)).statusCode).toBe(404)
  expect((await ask('GET', `/volumes/${idOf(late, 'volume')}`)).json()).toMatchObject({
    volume: { status: 'available' },
  })
})
