import { afterAll, beforeAll, expect, test } from 'vitest'
import { aServer } from '../../compute/instances/testing.openstack.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { aBackup } from '../backups/testing.openstack.ts'
import { aSnapshot } from '../snapshots/testing.openstack.ts'
import { aVolume } from '../testing.openstack.ts'
import { ask, closeCinder, cloud, openCinder } from './cinder.testing.ts'

beforeAll(openCinder)
afterAll(closeCinder)

const at = (minor: number) => ({ version: `volume 3.${minor}` })
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
const linksOf = (id: string) => [
  { rel: 'self', href: `http://cloud.test/volume/v3/${cloud.owner.projectId}/backups/${id}` },
  { rel: 'bookmark', href: `http://cloud.test/volume/${cloud.owner.projectId}/backups/${id}` },
]
const summary = (id: string, name: string | null = 'monday') => ({ id, name, links: linksOf(id) })
/** The body of a backup at each version that adds keys. */
const bodies = (id: string, volumeId: string, more: object = {}) => {
  const first = {
    ...{ ...summary(id), status: 'available', size: 1, object_count: 8, availability_zone: 'nova' },
    ...{ container: null, created_at: time, updated_at: time, description: null, fail_reason: null },
    ...{ volume_id: volumeId, is_incremental: false, has_dependent_backups: false, snapshot_id: null },
    ...{ data_timestamp: time, ...more },
  }
  const at27 = { ...first, 'os-backup-project-attr:project_id': cloud.owner.projectId }
  const at43 = { ...at27, metadata: {} }
  const at56 = { ...at43, user_id: cloud.owner.userId }
  return [
    [0, first],
    [17, first],
    [27, at27],
    [43, at43],
    [59, at56],
    [70, at56],
  ] as const
}
const make = (backup: object, minor = 0) => ask('POST', '/backups', { ...at(minor), body: { backup } })
const act = (id: string, body: object, token?: string) =>
  ask('POST', `/backups/${id}/action`, { body, ...(token ? { token } : {}) })
const idOf = (answer: { json(): unknown }) => (answer.json() as { backup: { id: string } }).backup.id
const names = (answer: { json(): unknown }) =>
  (answer.json() as { backups: { name: string }[] }).backups.map(({ name }) => name)
const statusOf = async (path: string) =>
  Object.values((await ask('GET', path)).json() as Record<string, { status: string }>)[0]?.status

test('the bodies of a backup that is made, shown, listed, changed and deleted', async () => {
  const volumeId = await aVolume(cloud.owner)
  // What the stock client sends.
  const made = await make({
    ...{ volume_id: volumeId, container: null, name: 'monday', description: null, incremental: false },
    ...{ force: false, snapshot_id: null },
  })
  const id = idOf(made)
  expect([made.statusCode, made.json()]).toEqual([202, { backup: summary(id) }])
  const path = `/backups/${id}`
  expect(await statusOf(path)).toBe('creating')
  expect(await statusOf(`/volumes/${volumeId}`)).toBe('backing-up')
  expect((await make({ volume_id: volumeId })).json()).toMatchObject({
    badRequest: { message: expect.stringMatching(/^Invalid volume: .*being backed up/) },
  })
  await cloud.owner.settle()
  for (const [minor, body] of bodies(id, volumeId)) {
    expect((await ask('GET', path, at(minor))).json(), `3.${minor}`).toEqual({ backup: body })
    expect((await ask('GET', '/backups/detail', at(minor))).json(), `3.${minor}`).toEqual({ backups: [body] })
    expect((await ask('GET', '/backups', at(minor))).json()).toEqual({ backups: [summary(id)] })
  }
  const put = (backup: object, minor: number) => ask('PUT', path, { ...at(minor), body: { backup } })
  expect((await put({ name: 'x' }, 8)).statusCode).toBe(404)
  expect((await put({ name: 'tuesday', description: 'd' }, 9)).json()).toEqual({
    backup: summary(id, 'tuesday'),
  })
  expect((await put({ metadata: { a: 'b' } }, 42)).statusCode).toBe(400)
  expect((await put({ metadata: { a: 'b' } }, 43)).statusCode).toBe(200)
  expect((await put({}, 43)).statusCode).toBe(400)
  expect((await ask('GET', path, at(43))).json()).toMatchObject({
    backup: { name: 'tuesday', description: 'd', metadata: { a: 'b' } },
  })
  const deleted = await ask('DELETE', path)
  expect([deleted.statusCode, deleted.body]).toEqual([202, ''])
  await cloud.owner.settle()
  expect((await ask('GET', path)).json()).toEqual({
    itemNotFound: { code: 404, message: `Backup ${id} could not be found.` },
  })
  expect((await ask('GET', '/backups/nope')).json()).toEqual({
    itemNotFound: { code: 404, message: 'Backup nope could not be found.' },
  })
})

test('a volume in use needs force, an incremental backup an earlier one, and a snapshot its own volume', async () => {
  const { owner } = cloud
  const volumeId = await aVolume(owner)
  await attachVolume(owner.ctx, { id: await aServer(owner), volumeId })
  await owner.settle()
  expect((await make({ volume_id: volumeId, force: false })).json()).toMatchObject({
    badRequest: { message: 'Invalid volume: Backing up an in-use volume must use the force flag.' },
  })
  const force = { volume_id: volumeId, force: true }
  expect((await make({ ...force, incremental: true })).json()).toMatchObject({
    badRequest: { message: expect.stringMatching(/^Invalid backup: No backups available to do an incr/) },
  })
  expect((await make(force)).statusCode).toBe(202)
  await owner.settle()
  expect(await statusOf(`/volumes/${volumeId}`)).toBe('in-use')
  const second = await make({ ...force, incremental: 'True' })
  await owner.settle()
  expect((await ask('GET', `/backups/${idOf(second)}`)).json()).toMatchObject({
    backup: { is_incremental: true, object_count: 1, status: 'available' },
  })
  const snapshotId = await aSnapshot(owner, { volumeId })
  const ofSnapshot = await make({ volume_id: volumeId, snapshot_id: snapshotId, force: false })
  expect(ofSnapshot.statusCode).toBe(202)
  expect(await statusOf(`/snapshots/${snapshotId}`)).toBe('backing-up')
  await owner.settle()
  expect((await make({ volume_id: await aVolume(owner), snapshot_id: snapshotId })).statusCode).toBe(400)
  expect((await make({ volume_id: crypto.randomUUID() })).statusCode).toBe(404)
  const zone = { volume_id: await aVolume(owner), availability_zone: 'mars' }
  expect([(await make(zone, 50)).statusCode, (await make(zone, 51)).statusCode]).toEqual([400, 400])
  expect((await make({ ...zone, availability_zone: 'nova', metadata: { a: 'b' } }, 51)).statusCode).toBe(202)
  await owner.settle()
})

test('a backup is restored to a new volume and to one that exists, and is a source of volumes since 3.47', async () => {
  const { owner } = cloud
  const volumeId = await aVolume(owner)
  const id = await aBackup(owner, { volumeId })
  const restore = (body: object) => ask('POST', `/backups/${id}/restore`, { body: { restore: body } })
  const fresh = await restore({ volume_id: null, name: null })
  const { restore: told } = fresh.json() as { restore: { volume_id: string } }
  expect([fresh.statusCode, fresh.json()]).toEqual([
    202,
    { restore: { backup_id: id, volume_id: told.volume_id, volume_name: `restore_backup_${id}` } },
  ])
  expect(await statusOf(`/volumes/${told.volume_id}`)).toBe('restoring-backup')
  expect(await statusOf(`/backups/${id}`)).toBe('restoring')
  await owner.settle()
  expect([await statusOf(`/volumes/${told.volume_id}`), await statusOf(`/backups/${id}`)]).toEqual([
    ...['available', 'available'],
  ])
  expect((await restore({ volume_id: volumeId })).json()).toEqual({
    restore: { backup_id: id, volume_id: volumeId, volume_name: 'data' },
  })
  await owner.settle()
  expect((await restore({ name: 'again' })).json()).toMatchObject({ restore: { volume_name: 'again' } })
  await owner.settle()
  expect((await restore({ volume_id: crypto.randomUUID() })).statusCode).toBe(404)
  expect((await restore({ volume_id: 'nope' })).statusCode).toBe(400)
  const wish = { size: null, backup_id: id }
  const create = (minor: number) => ask('POST', '/volumes', { ...at(minor), body: { volume: wish } })
  expect((await create(46)).statusCode).toBe(400)
  const made = await create(47)
  expect(made.json()).toMatchObject({ volume: { status: 'creating', size: 1 } })
  await owner.settle()
  expect(await statusOf(`/volumes/${(made.json() as { volume: { id: string } }).volume.id}`)).toBe(
    'available',
  )
})

test('lists have pages, orders, counts and filters', async () => {
  const volumeId = await aVolume(cloud.owner)
  for (const name of ['list-b', 'list-a', 'list-c']) await aBackup(cloud.owner, { volumeId, name })
  const list = `/backups?volume_id=${volumeId}`
  expect(names(await ask('GET', list))).toEqual(['list-c', 'list-a', 'list-b'])
  const first = await ask('GET', `${list}&sort=name:asc&limit=2&with_count=True`, at(45))
  expect(first.json()).toMatchObject({ count: 3 })
  const { backups_links: found } = first.json() as { backups_links: { rel: string; href: string }[] }
  expect(names(await ask('GET', `/backups${new URL(found[0]?.href ?? '').search}`))).toEqual(['list-c'])
  // Cinder's client calls the key so.
  expect(names(await ask('GET', `${list}&sort=display_name:asc&limit=1`))).toEqual(['list-a'])
  expect(names(await ask('GET', `${list}&name=list-a&status=available`))).toEqual(['list-a'])
  expect(names(await ask('GET', `${list}&name~=ist-A`, at(34)))).toEqual(['list-a'])
  expect((await ask('GET', `${list}&name~=ist-A`, at(33))).statusCode).toBe(400)
  expect((await ask('GET', `${list}&colour=red`, at(31))).statusCode).toBe(400)
  expect(names(await ask('GET', '/backups?volume_id=nope'))).toEqual([])
  const { admin } = cloud.tokens
  const all = `/backups?all_tenants=1&project_id=${cloud.owner.projectId}&name=list-a`
  expect(names(await ask('GET', all, { token: admin }))).toEqual(['list-a'])
  expect(names(await ask('GET', `${all}&size=2`, { token: admin }))).toEqual([])
  for (const bad of ['sort=colour', 'offset=-1', 'limit=x'])
    expect((await ask('GET', `${list}&${bad}`)).statusCode, bad).toBe(400)
  expect((await ask('GET', '/resource_filters?resource=backup', at(33))).json()).toEqual({
    resource_filters: [{ resource: 'backup', filters: ['name~', 'status', 'volume_id'] }],
  })
})

test('a record makes a backup known again whose row is lost, and nobody can make one up', async () => {
  const { owner, stranger, tokens, world } = cloud
  const id = await aBackup(owner)
  const exported = await ask('GET', `/backups/${id}/export_record`)
  const record = (exported.json() as { 'backup-record': { backup_service: string; backup_url: string } })[
    'backup-record'
  ]
  expect(record.backup_url).not.toContain(id)
  const bring = (more: object = {}, token = tokens.admin) =>
    ask('POST', '/backups/import_record', { token, body: { 'backup-record': { ...record, ...more } } })
  expect((await bring({}, tokens.ownerMember)).statusCode).toBe(403)
  expect((await bring()).json()).toMatchObject({
    badRequest: { message: expect.stringMatching(/^Invalid backup: .* known already/) },
  })
  await owner.deps.root.volumeBackup.delete({ where: { id } })
  for (const url of [
    'e30=',
    `${record.backup_url.startsWith('A') ? 'B' : 'A'}${record.backup_url.slice(1)}`,
    Buffer.from('{"id":1}').toString('base64'),
  ])
    expect((await bring({ backup_url: url })).statusCode, url).toBe(400)
  expect((await bring({ backup_service: 'cinder.backup.drivers.swift' })).statusCode).toBe(400)
  const again = await bring()
  expect([again.statusCode, again.json()]).toMatchObject([201, { backup: { id, name: 'monday' } }])
  await owner.settle()
  const row = () => owner.deps.root.volumeBackup.findUniqueOrThrow({ where: { id } })
  expect(await row()).toMatchObject({ state: 'available', chunks: 8 })
  // The store has lost it, or has something else in its place.
  await owner.deps.root.volumeBackup.delete({ where: { id } })
  for (const host of world.hosts.values()) (host.backups.backups as Map<string, unknown>).delete(id)
  await bring()
  await owner.settle()
  expect(await row()).toMatchObject({
    state: 'error',
    faultMessage: 'The store does not have this backup. Import its record again when it does.',
  })
  expect(stranger.projectId).not.toBe(owner.projectId)
})

test('administrators set the status of a backup that is stuck, and end one that is being made', async () => {
  const { admin } = cloud.tokens
  const id = await aBackup(cloud.owner)
  const reset = (status: string, token?: string) => act(id, { 'os-reset_status': { status } }, token)
  expect((await reset('error')).statusCode).toBe(403)
  expect((await reset('moon', admin)).statusCode).toBe(400)
  expect((await reset('error', admin)).statusCode).toBe(202)
  expect(await statusOf(`/backups/${id}`)).toBe('error')
  expect((await reset('available', admin)).statusCode).toBe(202)
  const volumeId = await aVolume(cloud.owner)
  const begun = idOf(await make({ volume_id: volumeId }))
  expect((await ask('DELETE', `/backups/${begun}`)).json()).toMatchObject({
    badRequest: { message: expect.stringMatching(/^Invalid backup: .*being made/) },
  })
  expect((await act(begun, { 'os-force_delete': {} }, admin)).statusCode).toBe(202)
  await cloud.owner.settle()
  expect((await ask('GET', `/backups/${begun}`)).statusCode).toBe(404)
  expect(await statusOf(`/volumes/${volumeId}`)).toBe('available')
})

test('a backup of an encrypted volume names its key since 3.64, as its volume does', async () => {
  const data = { id: crypto.randomUUID(), name: 'sealed', encryptionId: crypto.randomUUID() }
  await cloud.owner.deps.root.volumeType.create({ data })
  const volumeId = await aVolume(cloud.owner, { type: 'sealed' })
  const id = idOf(await make({ volume_id: volumeId }))
  await cloud.owner.settle()
  const shown = async (path: string, minor: number) =>
    Object.values(
      (await ask('GET', path, at(minor))).json() as Record<string, { encryption_key_id?: string }>,
    )[0]?.encryption_key_id
  const keyId = await shown(`/volumes/${volumeId}`, 64)
  expect(keyId).toEqual(expect.any(String))
  expect(await shown(`/backups/${id}`, 64)).toBe(keyId)
  expect(await shown(`/backups/${id}`, 63)).toBeUndefined()
})
