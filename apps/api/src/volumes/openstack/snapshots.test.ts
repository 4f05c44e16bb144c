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
const at = (minor: number) => ({ version: `volume 3.${minor}` })
const revert = (volumeId: string, snapshotId: string, minor = 40) =>
  ask('POST', `/volumes/${volumeId}/action`, {
    ...at(minor),
    body: { revert: { snapshot_id: snapshotId } },
  })
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
  expect((await revert(volumeId, idOf(made))).statusCode).toBe(409)
  const withoutForce = await ask('POST', '/snapshots', {
    ...at(66),
    body: { snapshot: { volume_id: volumeId } },
  })
  expect(withoutForce.statusCode).toBe(202)
  for (const [force, status] of [
    [false, 400],
    [true, 202],
    [null, 202],
  ] as const) {
    const answer = await ask('POST', '/snapshots', {
      ...at(66),
      body: { snapshot: { volume_id: volumeId, force } },
    })
    expect(answer.statusCode, String(force)).toBe(status)
    await owner.settle()
  }
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
    expect(await status(revert(mine, theirs))).toBe(400)
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
  expect((await revert(volumeId, crypto.randomUUID())).json()).toMatchObject({
    badRequest: { message: expect.stringContaining('not the latest one') },
  })
  const [first, latest] = [await aSnapshot(owner, { volumeId }), await aSnapshot(owner, { volumeId })]
  expect((await revert(volumeId, first)).json()).toMatchObject({
    badRequest: { code: 400, message: expect.stringContaining(latest) },
  })
  expect((await revert(volumeId, await aSnapshot(owner))).statusCode).toBe(400)
  expect((await revert(volumeId, 'nope')).statusCode).toBe(400)
  expect((await revert(volumeId, latest, 39)).statusCode).toBe(400)
  expect((await revert(volumeId, latest)).statusCode).toBe(202)
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
    badRequest: {
      message: expect.stringMatching(/^Invalid snapshot: A volume is being made of this snapshot/),
    },
  })
  await owner.settle()
  expect((await ask('DELETE', `${path}?cascade=True`)).statusCode).toBe(202)
  expect((await make({ volume_id: volumeId })).statusCode).toBe(404)
  await owner.settle()
  for (const gone of [path, ...ids.map((id) => `/snapshots/${id}`)])
    expect((await ask('GET', gone)).statusCode).toBe(404)
  expect((await ask('GET', `/volumes/${idOf(late, 'volume')}`)).json()).toMatchObject({
    volume: { status: 'available' },
  })
})

test('later microversions have their keys, counts and filters', async () => {
  const { owner } = cloud
  const volumeId = await aVolume(owner)
  const id = await aSnapshot(owner, { volumeId, name: 'part_of it' })
  const keysAt = async (minor: number) => {
    const { snapshot } = (await ask('GET', `/snapshots/${id}`, at(minor))).json() as { snapshot: object }
    return Object.keys(snapshot).filter((key) => /group|user|quota/.test(key))
  }
  expect(await keysAt(13)).toEqual([])
  expect(await keysAt(14)).toEqual(['group_snapshot_id'])
  expect(await keysAt(41)).toEqual(['group_snapshot_id', 'user_id'])
  expect(await keysAt(70)).toEqual(['group_snapshot_id', 'user_id', 'consumes_quota'])
  const list = (query: string, minor: number) =>
    ask('GET', `/snapshots?volume_id=${volumeId}&${query}`, at(minor))
  expect((await list('limit=1&with_count=True', 45)).json()).toMatchObject({ count: 1 })
  expect((await list('with_count=True', 44)).json()).not.toHaveProperty('count')
  expect((await list('status=none&with_count=True', 45)).json()).toEqual({ snapshots: [], count: 0 })
  expect(names(await list('name~=PART_OF', 34))).toEqual(['part_of it'])
  expect(names(await list('name~=partxof', 34))).toEqual([])
  expect((await list('name~=part', 33)).statusCode).toBe(400)
  expect((await list('colour=red', 31)).statusCode).toBe(400)
  expect((await list('colour=red', 30)).statusCode).toBe(200)
  const dictionary = encodeURIComponent("{'no': 'thing'}")
  expect(names(await list(`metadata=${dictionary}`, 22))).toEqual([])
  expect(names(await list(`metadata=${dictionary}`, 21))).toEqual(['part_of it'])
  expect(names(await list('consumes_quota=false', 65))).toEqual([])
  const etag = (await ask('GET', `/snapshots/${id}/metadata`, at(15))).headers.etag
  expect(etag).toMatch(/^[\da-f]{64}$/)
})

test('a volume that shares its data is offered to nobody, which is a 400', async () => {
  const volumeId = await volumeOfSnapshot(await aSnapshot(cloud.owner))
  const copy = await ask('POST', '/volumes', { body: { volume: { source_volid: volumeId, size: 1 } } })
  expect(copy.json()).toMatchObject({ volume: { source_volid: volumeId } })
  await cloud.owner.settle()
  const answer = await ask('POST', '/os-volume-transfer', { body: { transfer: { volume_id: volumeId } } })
  expect(answer.statusCode).toBe(400)
  expect(answer.json()).toMatchObject({
    badRequest: { message: expect.stringMatching(/^Invalid volume: The volume shares data/) },
  })
})

test('a volume that is deleted by force takes its snapshots along when cascade is said, too', async () => {
  const volumeId = await aVolume(cloud.owner)
  const snapshotId = await aSnapshot(cloud.owner, { volumeId })
  const remove = (query: string) =>
    ask('DELETE', `/volumes/${volumeId}?${query}`, { token: cloud.tokens.admin, version: 'volume 3.23' })
  expect((await remove('force=True')).statusCode).toBe(400)
  expect((await remove('force=True&cascade=True')).statusCode).toBe(202)
  await cloud.owner.settle()
  for (const path of [`/volumes/${volumeId}`, `/snapshots/${snapshotId}`])
    expect((await ask('GET', path)).statusCode, path).toBe(404)
})
