import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aServer } from '../../compute/instances/testing.openstack.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { aBackup } from '../backups/testing.openstack.ts'
import { changeMetadata, extendVolume } from '../service.ts'
import { aSnapshot } from '../snapshots/testing.openstack.ts'
import { aTransfer, aVolume } from '../testing.openstack.ts'
import { ask, closeCinder, cloud, openCinder } from './cinder.testing.ts'

beforeAll(openCinder)
afterAll(closeCinder)

const at = (minor: number) => ({ version: `volume 3.${minor}` })
const get = (path: string, minor: number, token?: string) =>
  ask('GET', path, { ...at(minor), ...(token ? { token } : {}) })
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
const uuid = expect.stringMatching(/^[\da-f-]{36}$/)
const linksOf = (path: string) => [
  { rel: 'self', href: `http://cloud.test/volume/v3/${cloud.owner.projectId}/${path}` },
  { rel: 'bookmark', href: `http://cloud.test/volume/${cloud.owner.projectId}/${path}` },
]

/** The body of a volume that a member sees, at each version that adds keys. */
const bodies = (id: string) => {
  const first = {
    ...{ id, status: 'available', size: 1, availability_zone: 'nova', created_at: time, updated_at: time },
    ...{ name: 'data', description: null, volume_type: 'Standard', snapshot_id: null, source_volid: null },
    ...{ metadata: {}, links: linksOf(`volumes/${id}`), user_id: cloud.owner.userId, bootable: 'false' },
    ...{ encrypted: false, replication_status: null, consistencygroup_id: null, multiattach: false },
    ...{ attachments: [], 'os-vol-tenant-attr:tenant_id': cloud.owner.projectId },
  }
  const at27 = { ...first, group_id: null }
  const at59 = { ...at27, service_uuid: null, shared_targets: false }
  return [
    [0, first],
    [12, first],
    [27, at27],
    [47, at27],
    [59, at59],
    [70, { ...at59, volume_type_id: uuid, consumes_quota: true }],
  ] as const
}
const forAdmins: Record<number, object> = {
  0: {},
  21: { provider_id: null },
  61: { provider_id: null, cluster_name: null },
}

test('the body of a volume has the keys of its version, and no other', async () => {
  const id = await aVolume(cloud.owner)
  for (const [minor, body] of bodies(id)) {
    expect((await get(`/volumes/${id}`, minor)).json(), `3.${minor}`).toEqual({ volume: body })
    const listed = (await get('/volumes/detail', minor)).json() as { volumes: { id: string }[] }
    expect(
      listed.volumes.find((one) => one.id === id),
      `3.${minor}`,
    ).toEqual(body)
  }
  for (const [minor, keys] of Object.entries(forAdmins)) {
    const { volume } = (await get(`/volumes/${id}`, Number(minor), cloud.tokens.admin)).json() as {
      volume: object
    }
    const { provider_id, cluster_name } = volume as Record<string, unknown>
    expect(JSON.parse(JSON.stringify({ provider_id, cluster_name })), `3.${minor}`).toEqual(keys)
  }
})

test('the bodies of transfers have the keys of their version', async () => {
  const { id, volumeId, key } = await aTransfer(cloud.owner)
  const summary = { id, volume_id: volumeId, name: 'offer', links: linksOf(`os-volume-transfer/${id}`) }
  const at0 = { ...summary, created_at: time }
  const at55 = { ...at0, no_snapshots: false }
  const { projectId } = cloud.owner
  const at57 = { ...at55, source_project_id: projectId, destination_project_id: null, accepted: false }
  for (const [minor, body] of [
    [0, at0],
    [27, at0],
    [55, at55],
    [59, at57],
    [70, at57],
  ] as const) {
    const noun = minor < 55 ? 'os-volume-transfer' : 'volume-transfers'
    expect((await get(`/${noun}/${id}`, minor)).json()).toEqual({ transfer: body })
    expect((await get(`/${noun}/detail`, minor)).json()).toEqual({ transfers: [body] })
    expect((await get(`/${noun}`, minor)).json()).toEqual({ transfers: [summary] })
  }
  expect((await get(`/volume-transfers/${id}`, 54)).statusCode).toBe(404)
  expect((await get('/volume-transfers?sort=display_name:asc', 59)).statusCode).toBe(200)
  const accepted = await ask('POST', `/volume-transfers/${id}/accept`, {
    ...at(70),
    body: { accept: { auth_key: key } },
  })
  expect([accepted.statusCode, accepted.json()]).toEqual([202, { transfer: summary }])
  const made = await ask('POST', '/os-volume-transfer', {
    body: { transfer: { volume_id: volumeId, name: null } },
  })
  expect([made.statusCode, made.json()]).toEqual([
    202,
    {
      transfer: {
        ...{ id: uuid, volume_id: volumeId, name: null, created_at: time, links: expect.any(Array) },
        auth_key: expect.stringMatching(/^[\da-f]{32}$/),
      },
    },
  ])
  const again = await ask('POST', '/os-volume-transfer', { body: { transfer: { volume_id: volumeId } } })
  expect([again.statusCode, again.body]).toEqual([400, expect.stringContaining('Invalid volume: ')])
  const early = { transfer: { volume_id: volumeId, no_snapshots: true } }
  expect((await ask('POST', '/os-volume-transfer', { ...at(54), body: early })).statusCode).toBe(400)
})

describe('lists', () => {
  const ids = (answer: { json(): unknown }) =>
    (answer.json() as { volumes: { id: string }[] }).volumes.map(({ id }) => id)

  test('count their things since 3.45, also beyond a page and for a filter that fits none', async () => {
    const name = crypto.randomUUID()
    for (let i = 0; i < 3; i++) await aVolume(cloud.owner, { name })
    const asked = `/volumes?name=${name}&limit=2&with_count=True`
    expect((await get(asked, 45)).json()).toMatchObject({ count: 3, volumes: [{}, {}] })
    expect((await get(asked, 44)).json()).not.toHaveProperty('count')
    expect((await get('/volumes?group_id=x&with_count=true', 45)).json()).toEqual({ volumes: [], count: 0 })
    expect((await get('/volumes?with_count=perhaps', 45)).statusCode).toBe(400)
  })

  test('ignore unknown filters before 3.31 and refuse them since, for members', async () => {
    expect((await get('/volumes?project_id=x&colour=red', 30)).statusCode).toBe(200)
    const refused = await get('/volumes?colour=red&user_id=x', 31)
    expect(refused.statusCode).toBe(400)
    expect(refused.body).toContain('Invalid filters colour,user_id are found in query options.')
    expect((await get('/volumes?name~=x', 33)).statusCode).toBe(400)
    expect((await get('/volumes?user_id=nobody', 70, cloud.tokens.admin)).json()).toEqual({ volumes: [] })
  })

  test('find a part of a name since 3.34, in which % and _ are letters', async () => {
    const id = await aVolume(cloud.owner, { name: 'a 50% part_of it' })
    expect(ids(await get(`/volumes?name~=${encodeURIComponent('50% PART_')}`, 34))).toEqual([id])
    expect(ids(await get('/volumes?name~=%25', 34))).toEqual([id])
    expect(ids(await get('/volumes?name~=par__of', 34))).toEqual([])
  })

  test('compare times since 3.60', async () => {
    const id = await aVolume(cloud.owner)
    const found = async (filter: string) =>
      ids(await get(`/volumes?created_at=${encodeURIComponent(filter)}`, 60)).includes(id)
    const now = new Date(Date.now() + 60_000).toISOString().slice(0, 19)
    expect(await found(`lt:${now}`)).toBe(true)
    expect(await found(`gte:2020-01-01,lte:${now}`)).toBe(true)
    expect(await found(`gt:${now}`)).toBe(false)
    expect(await found(now)).toBe(false)
    expect(await found(`neq:${now}`)).toBe(true)
    for (const wrong of ['soon', 'gt:', 'about:2020-01-01', 'gt:2020-13-45'])
      expect((await get(`/volumes?created_at=${wrong}`, 60)).statusCode, wrong).toBe(400)
  })

  test('take bootable as true or false since 3.2, and consumes_quota since 3.65', async () => {
    const bootable = await aVolume(cloud.owner, { imageId: cloud.owner.imageId })
    expect(ids(await get('/volumes?bootable=True', 2))).toEqual([bootable])
    expect(ids(await get('/volumes?bootable=false', 2))).not.toContain(bootable)
    expect((await get('/volumes?bootable=maybe', 2)).statusCode).toBe(400)
    expect((await get('/volumes?bootable=maybe', 1)).statusCode).toBe(200)
    expect(ids(await get('/volumes?consumes_quota=true', 65))).toContain(bootable)
    expect(ids(await get('/volumes?consumes_quota=false', 65))).toEqual([])
    const ofImage = encodeURIComponent(`{'image_id': '${cloud.owner.imageId}'}`)
    const { admin } = cloud.tokens
    expect(ids(await get(`/volumes?all_tenants=1&glance_metadata=${ofImage}`, 4, admin))).toEqual([bootable])
    expect(ids(await get(`/volumes?all_tenants=1&glance_metadata=${ofImage}`, 3, admin))).toEqual([])
  })

  test('say their filters since 3.33', async () => {
    expect((await get('/resource_filters?resource=volume', 33)).json()).toMatchObject({
      resource_filters: [
        { resource: 'volume', filters: expect.arrayContaining(['name~', 'consumes_quota']) },
      ],
    })
    expect((await get('/resource_filters?resource=moon', 33)).json()).toEqual({ resource_filters: [] })
    expect((await get('/resource_filters?resource=volume_type', 33)).json()).toEqual({
      resource_filters: [{ resource: 'volume_type', filters: ['is_public', 'extra_specs'] }],
    })
    expect((await get('/resource_filters', 32)).statusCode).toBe(404)
  })
})

test('the summary counts the volumes, with their metadata since 3.36', async () => {
  const before = (await get('/volumes/summary', 12)).json() as {
    'volume-summary': { total_count: number; total_size: number }
  }
  const [one, other] = [await aVolume(cloud.owner), await aVolume(cloud.owner, { sizeGib: 2 })]
  await changeMetadata(cloud.owner.ctx, one, () => ({ colour: 'red', size: 's' }))
  await changeMetadata(cloud.owner.ctx, other, () => ({ colour: 'blue' }))
  const total = {
    total_count: before['volume-summary'].total_count + 2,
    total_size: before['volume-summary'].total_size + 3,
  }
  expect((await get('/volumes/summary', 35)).json()).toEqual({ 'volume-summary': total })
  expect((await get('/volumes/summary', 36)).json()).toEqual({
    'volume-summary': { ...total, metadata: { colour: ['blue', 'red'], size: ['s'] } },
  })
  expect((await get('/volumes/summary', 11)).statusCode).toBe(404)
})

test('metadata is changed by those alone who have seen it, since 3.15', async () => {
  const path = `/volumes/${await aVolume(cloud.owner)}/metadata`
  const put = (etag: string, minor: number) =>
    cloud.app.inject({
      method: 'PUT',
      url: `/volume/v3/${cloud.owner.projectId}${path}`,
      headers: {
        'x-auth-token': cloud.tokens.ownerMember,
        'openstack-api-version': `volume 3.${minor}`,
        'if-match': etag,
      },
      payload: { metadata: { a: etag.slice(0, 4) } },
    })
  const seen = String((await get(path, 15)).headers.etag)
  expect((await get(path, 14)).headers).not.toHaveProperty('etag')
  expect((await put(seen, 15)).statusCode).toBe(200)
  expect((await put(seen, 15)).statusCode).toBe(412)
  expect((await put('"other"', 14)).statusCode).toBe(200)
})

test('a volume in use grows since 3.42, and is deleted by force since 3.23 by administrators', async () => {
  const { owner, tokens } = cloud
  const id = await aVolume(owner)
  await attachVolume(owner.ctx, { id: await aServer(owner), volumeId: id })
  await owner.settle()
  const grow = (minor: number) =>
    ask('POST', `/volumes/${id}/action`, { ...at(minor), body: { 'os-extend': { new_size: 2 } } })
  expect((await grow(41)).statusCode).toBe(400)
  // Asked under the lock of the volume, so that no attachment comes between the question and the growth.
  await expect(extendVolume(owner.ctx, { id, sizeGib: 2 }, { unusedOnly: true })).rejects.toThrow(
    /must be available/,
  )
  expect((await grow(42)).statusCode).toBe(202)
  const free = await aVolume(owner)
  const force = `/volumes/${free}?force=true`
  expect((await ask('DELETE', force, at(23))).statusCode).toBe(403)
  expect((await ask('DELETE', force, { ...at(23), token: tokens.admin })).statusCode).toBe(202)
  expect((await ask('DELETE', `/volumes/${id}?force=perhaps`, at(23))).statusCode).toBe(400)
})

test('unknown keys are refused since 3.53, and a change must name something', async () => {
  const wish = { size: 1, colour: 'red' }
  const create = (minor: number, volume: object) =>
    ask('POST', '/volumes', { ...at(minor), body: { volume } })
  expect((await create(52, wish)).statusCode).toBe(202)
  expect((await create(53, wish)).statusCode).toBe(400)
  expect((await create(53, { size: 1, group_id: null, backup_id: null })).statusCode).toBe(202)
  expect((await create(13, { size: 1, group_id: crypto.randomUUID() })).statusCode).toBe(404)
  const path = `/volumes/${await aVolume(cloud.owner)}`
  expect((await ask('PUT', path, { ...at(52), body: { volume: {} } })).statusCode).toBe(200)
  expect((await ask('PUT', path, { ...at(53), body: { volume: {} } })).statusCode).toBe(400)
})

test('a deleted volume is gone at once for clients, and its quota is not', async () => {
  const id = await aVolume(cloud.owner)
  const used = async () =>
    (
      (await get(`/os-quota-sets/${cloud.owner.projectId}?usage=True`, 0)).json() as {
        quota_set: { gigabytes: { in_use: number } }
      }
    ).quota_set.gigabytes.in_use
  const before = await used()
  cloud.owner.deps.config.takeBackMs = 60_000
  try {
    expect((await ask('DELETE', `/volumes/${id}`)).statusCode).toBe(202)
  } finally {
    cloud.owner.deps.config.takeBackMs = 0
  }
  expect((await get(`/volumes/${id}`, 0)).statusCode).toBe(404)
  expect((await ask('DELETE', `/volumes/${id}`)).statusCode).toBe(404)
  expect((await get('/volumes', 0)).body).not.toContain(id)
  expect((await get('/volumes?all_tenants=1', 0, cloud.tokens.admin)).body).not.toContain(id)
  expect(await used()).toBe(before)
})

test('limits of another project are for administrators since 3.39, and services tell more since 3.7', async () => {
  const { admin } = cloud.tokens
  const { projectId } = cloud.owner
  const used = (answer: { json(): unknown }) =>
    (answer.json() as { limits: { absolute: { totalVolumesUsed: number } } }).limits.absolute.totalVolumesUsed
  const own = used(await get('/limits', 39))
  expect(own).toBeGreaterThan(0)
  expect(used(await get(`/limits?project_id=${projectId}`, 39, admin))).toBe(own)
  expect((await get('/os-services', 49, admin)).json()).toMatchObject({
    services: [
      { binary: 'cinder-volume', cluster: null, backend_state: 'up' },
      { binary: 'cinder-backup', cluster: null },
    ],
  })
  expect((await get('/os-services', 6, admin)).body).not.toMatch(/cluster|backend_state/)
})

test('administrators filter by the columns of volumes, snapshots and backups', async () => {
  const { owner, tokens } = cloud
  const source = await aVolume(owner, { name: 'of columns' })
  const { pool } = await owner.deps.root.volume.findUniqueOrThrow({
    where: { id: source },
    include: { pool: true },
  })
  const copy = await aVolume(owner, { sourceVolumeId: source })
  const found = async (path: string) => {
    const answer = await get(path, 0, tokens.admin)
    return (Object.values(answer.json() as object)[0] as { id: string }[]).map(({ id }) => id)
  }
  expect(await found(`/volumes?source_volid=${source}`)).toEqual([copy])
  expect(await found('/volumes?volume_type=Standard&name=of%20columns')).toEqual([source])
  expect(await found(`/volumes?host=${pool.name}%23local&name=of%20columns`)).toEqual([source])
  expect(await found('/volumes?multiattach=false&name=of%20columns')).toEqual([source])
  const backupId = await aBackup(owner, { volumeId: source, container: 'box' })
  expect(await found('/backups?container=box')).toEqual([backupId])
  expect(await found(`/backups?is_incremental=False&volume_id=${source}`)).toEqual([backupId])
  const snapshotId = await aSnapshot(owner, { volumeId: source })
  expect(await found(`/snapshots?volume_id=${source}`)).toEqual([snapshotId])
  expect(await found(`/volumes?snapshot_id=${snapshotId}`)).toEqual([])
  // Other callers' filters of this kind are ignored before 3.31, as in Cinder.
  expect((await get(`/volumes?source_volid=${crypto.randomUUID()}`, 0)).body).toContain(copy)
})
