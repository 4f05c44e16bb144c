import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aServer } from '../../compute/instances/testing.openstack.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { aVolume } from '../testing.openstack.ts'
import { ask, closeCinder, cloud, openCinder } from './cinder.testing.ts'

beforeAll(openCinder)
afterAll(closeCinder)

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
const uuid = expect.stringMatching(/^[\da-f-]{36}$/)
const base = 'http://cloud.test/volume'
const linksOf = (id: string) => [
  { rel: 'self', href: `${base}/v3/${cloud.owner.projectId}/volumes/${id}` },
  { rel: 'bookmark', href: `${base}/${cloud.owner.projectId}/volumes/${id}` },
]
/** The body of a volume at 3.0, as a member sees it. */
const golden = (id: string, more: object = {}) => ({
  ...{ id, status: 'available', size: 1, availability_zone: 'nova', created_at: time, updated_at: time },
  ...{ name: 'data', description: null, volume_type: 'Standard', snapshot_id: null, source_volid: null },
  ...{ metadata: {}, links: linksOf(id), user_id: cloud.owner.userId, bootable: 'false', encrypted: false },
  ...{ replication_status: null, consistencygroup_id: null, multiattach: false, attachments: [] },
  ...more,
})
const shown = () => ({ 'os-vol-tenant-attr:tenant_id': cloud.owner.projectId })
const adminKeys = {
  ...{ migration_status: null, 'os-vol-mig-status-attr:migstat': null },
  ...{ 'os-vol-mig-status-attr:name_id': null, 'os-vol-host-attr:host': 'secret-name-a@local#local' },
}
const names = (answer: { json(): unknown }) =>
  (answer.json() as { volumes: { name: string }[] }).volumes.map(({ name }) => name)
const action = (id: string, body: object, token?: string) =>
  ask('POST', `/volumes/${id}/action`, { body, ...(token ? { token } : {}) })

describe('discovery', () => {
  const version = {
    ...{
      id: 'v3.0',
      status: 'CURRENT',
      version: '3.70',
      min_version: '3.0',
      updated: '2016-02-08T12:20:21Z',
    },
    links: [
      { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
      { rel: 'self', href: `${base}/v3/` },
    ],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' }],
  }

  test('lists the one version without a token, whatever microversion a client asks for first', async () => {
    for (const [url, status] of [
      ['/volume', 300],
      ['/volume/', 300],
      ['/volume/v3', 200],
      ['/volume/v3/', 200],
    ] as const) {
      const headers = status === 300 ? { 'openstack-api-version': 'volume 3.70' } : {}
      const answer = await cloud.app.inject({ url, headers })
      expect([answer.statusCode, answer.json()]).toEqual([status, { versions: [version] }])
    }
  })

  test('microversions above 3.70 are answered by 406, and each answer names its version', async () => {
    const good = await ask('GET', '/volumes')
    expect([good.statusCode, good.headers['openstack-api-version']]).toEqual([200, 'volume 3.0'])
    const latest = await ask('GET', '/volumes', { version: 'volume latest' })
    expect([latest.statusCode, latest.headers['openstack-api-version']]).toEqual([200, 'volume 3.70'])
    const refused = await ask('GET', '/volumes', { version: 'volume 3.71' })
    expect(refused.json()).toEqual({
      computeFault: {
        code: 406,
        message: 'Version 3.71 is not supported by the API. Minimum is 3.0 and maximum is 3.70.',
      },
    })
  })

  test('the catalog has both types with the project in the address', async () => {
    const answer = await cloud.app.inject({
      url: '/identity/v3/auth/catalog',
      headers: { 'x-auth-token': cloud.tokens.ownerMember },
    })
    const { catalog } = answer.json() as { catalog: { type: string; endpoints: { url: string }[] }[] }
    for (const type of ['block-storage', 'volumev3'])
      expect(catalog.find((one) => one.type === type)?.endpoints[0]?.url).toBe(
        `${base}/v3/${cloud.owner.projectId}`,
      )
  })
})

describe('bodies at 3.0', () => {
  test('of a volume that is made, shown and listed', async () => {
    const made = await ask('POST', '/volumes', {
      body: {
        volume: {
          ...{ size: '1', consistencygroup_id: null, snapshot_id: null, name: 'data', description: null },
          ...{ volume_type: null, availability_zone: null, metadata: {}, imageRef: null },
          ...{ source_volid: null, backup_id: null, project_id: 'ignored', attach_status: 'detached' },
        },
      },
    })
    expect(made.statusCode).toBe(202)
    const { id } = (made.json() as { volume: { id: string } }).volume
    expect(made.json()).toEqual({ volume: golden(id, { status: 'creating', updated_at: null }) })
    await cloud.owner.settle()
    expect((await ask('GET', `/volumes/${id}`)).json()).toEqual({ volume: golden(id, shown()) })
    const { admin } = cloud.tokens
    const whole = golden(id, { ...shown(), ...adminKeys })
    expect((await ask('GET', `/volumes/${id}`, { token: admin })).json()).toEqual({ volume: whole })
    expect((await ask('GET', '/volumes/detail', { token: admin })).json()).toEqual({ volumes: [whole] })
    expect((await ask('GET', '/volumes')).json()).toEqual({
      volumes: [{ id, name: 'data', links: linksOf(id) }],
    })
  })

  test('of a volume of an image that a server has', async () => {
    const { owner } = cloud
    const made = await ask('POST', '/volumes', { body: { volume: { size: null, imageRef: owner.imageId } } })
    const { id } = (made.json() as { volume: { id: string } }).volume
    await owner.settle()
    const serverId = await aServer(owner)
    await attachVolume(owner.ctx, { id: serverId, volumeId: id })
    expect((await ask('GET', `/volumes/${id}`)).json()).toMatchObject({
      volume: { status: 'attaching', attachments: [] },
    })
    await owner.settle()
    const attachment = {
      ...{ id, attachment_id: uuid, volume_id: id, server_id: serverId, host_name: null },
      ...{ device: '/dev/vdb', attached_at: time },
    }
    const more = { ...shown(), status: 'in-use', name: null, bootable: 'true', attachments: [attachment] }
    const image = { volume_image_metadata: { image_id: owner.imageId, image_name: 'Tiny test image' } }
    const path = `/volumes/${id}`
    expect((await ask('GET', path)).json()).toEqual({ volume: golden(id, { ...more, ...image }) })
    expect((await ask('GET', path, { token: cloud.tokens.admin })).json()).toMatchObject({
      volume: { attachments: [{ host_name: 'secret-name-a' }] },
    })
    for (const body of [
      { 'os-extend': { new_size: 9 } },
      { 'os-update_readonly_flag': { readonly: true } },
    ]) {
      const answer = await action(id, body)
      expect([answer.statusCode, answer.body]).toEqual([400, expect.stringContaining('Invalid volume: ')])
    }
    for (const body of [{ 'os-force_delete': {} }, { 'os-reset_status': { status: 'available' } }])
      expect((await action(id, body, cloud.tokens.admin)).statusCode).toBe(400)
    expect((await ask('DELETE', path)).statusCode).toBe(400)
  })

  test('of types, zones, limits, quota and services', async () => {
    const { projectId } = cloud.owner
    const type = {
      ...{ id: uuid, name: 'Standard', is_public: true, description: 'On the disk of a machine.' },
      ...{ extra_specs: {}, 'os-volume-type-access:is_public': true },
    }
    expect((await ask('GET', '/types?is_public=None')).json()).toEqual({ volume_types: [type] })
    const own = (await ask('GET', '/types/default')).json() as { volume_type: { id: string } }
    expect(own).toEqual({ volume_type: type })
    expect((await ask('GET', `/types/${own.volume_type.id}`)).json()).toEqual(own)
    expect((await ask('GET', '/types/Standard')).json()).toEqual({
      itemNotFound: { code: 404, message: 'Volume type Standard could not be found.' },
    })
    expect((await ask('GET', '/os-availability-zone')).json()).toEqual({
      availabilityZoneInfo: [{ zoneName: 'nova', zoneState: { available: true } }],
    })
    expect((await ask('GET', '/limits')).json()).toEqual({
      limits: {
        rate: [],
        absolute: {
          ...{ maxTotalVolumes: -1, maxTotalSnapshots: -1, maxTotalVolumeGigabytes: -1, maxTotalBackups: -1 },
          ...{ maxTotalBackupGigabytes: -1, totalVolumesUsed: expect.any(Number) },
          ...{
            totalGigabytesUsed: expect.any(Number),
            totalSnapshotsUsed: expect.any(Number),
            totalBackupsUsed: 0,
          },
          totalBackupGigabytesUsed: 0,
        },
      },
    })
    const use = (limit: number) => ({ limit, in_use: expect.any(Number), reserved: 0 })
    expect((await ask('GET', `/os-quota-sets/${projectId}?usage=True`)).json()).toEqual({
      quota_set: {
        ...{ id: projectId, volumes: use(-1), per_volume_gigabytes: use(-1), snapshots: use(-1) },
        ...{ gigabytes: use(-1), backups: use(-1), backup_gigabytes: use(-1), groups: use(-1) },
        ...{ volumes_Standard: use(-1), snapshots_Standard: use(-1), gigabytes_Standard: use(-1) },
      },
    })
    expect((await ask('GET', '/os-services', { token: cloud.tokens.admin })).json()).toEqual({
      services: [
        {
          ...{ binary: 'cinder-volume', host: 'secret-name-a@local', zone: 'nova', status: 'enabled' },
          ...{ state: 'up', updated_at: null, disabled_reason: null, replication_status: 'disabled' },
          ...{ active_backend_id: null, frozen: false },
        },
        {
          ...{ binary: 'cinder-backup', host: 'secret-name-a', zone: 'nova', status: 'enabled' },
          ...{ state: 'up', updated_at: null, disabled_reason: null },
        },
      ],
    })
  })
})

describe('refusals as real Cinder has them', () => {
  test.each([
    ['a wrong size', { size: 'x' }, 400, /^Invalid input for field\/attribute size. Value: x\. /],
    ['no size', { name: 'x' }, 400, /'size' is a required property/],
    ['no size and no source', { size: null }, 400, /^Invalid input received: /],
    ['an image that is none', { size: 1, imageRef: 'nope' }, 400, /^Invalid image identifier or unable/],
    ['an unknown image', { size: 1, imageRef: crypto.randomUUID() }, 400, /^Invalid image identifier/],
    ['an unknown type', { size: 1, volume_type: 'gold' }, 404, /gold/],
    ['an unknown zone', { size: 1, availability_zone: 'mars' }, 400, /^Invalid input received: .*mars/],
    ['an unknown snapshot', { size: 1, snapshot_id: crypto.randomUUID() }, 404, /^Snapshot /],
    ['an unknown volume as source', { size: 1, source_volid: crypto.randomUUID() }, 404, /^Volume /],
    ['a backup', { size: 1, backup_id: crypto.randomUUID() }, 400, /backup/],
    ['several servers', { size: 1, multiattach: true }, 400, /multiattach enabled volume type/],
  ])('%s', async (_what, volume, code, message) => {
    const answer = await ask('POST', '/volumes', { body: { volume } })
    expect(answer.statusCode).toBe(code)
    const key = code === 404 ? 'itemNotFound' : 'badRequest'
    expect(answer.json()).toEqual({ [key]: { code, message: expect.stringMatching(message) } })
    expect(answer.headers['content-type']).toMatch(/^application\/json\b/)
    expect(answer.headers['x-compute-request-id']).toBe(answer.headers['x-openstack-request-id'])
  })

  test('hints, a volume that does not exist, and the project of somebody else', async () => {
    const hints = { volume: { size: 1 }, 'OS-SCH-HNT:scheduler_hints': { same_host: ['x'] } }
    expect((await ask('POST', '/volumes', { body: hints })).statusCode).toBe(400)
    expect((await ask('GET', '/volumes/nope')).json()).toEqual({
      itemNotFound: { code: 404, message: 'Volume nope could not be found.' },
    })
    const answer = await ask('GET', '/volumes', { token: cloud.tokens.stranger })
    expect([answer.statusCode, Object.keys(answer.json() as object)]).toEqual([400, ['badRequest']])
  })

  test('a full quota is a 413 that names a time', async () => {
    const { admin } = cloud.tokens
    const path = `/os-quota-sets/${cloud.owner.projectId}`
    const set = (volumes: number) =>
      ask('PUT', path, { token: admin, body: { quota_set: { tenant_id: 'x', volumes } } })
    expect((await set(0)).json()).toMatchObject({ quota_set: { volumes: 0, gigabytes: -1 } })
    const refused = await ask('POST', '/volumes', { body: { volume: { size: 1 } } })
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([413, '0'])
    expect(refused.json()).toEqual({
      overLimit: { code: 413, message: expect.any(String), retryAfter: '0' },
    })
    const checked = await ask('PUT', `${path}?skip_validation=False`, {
      ...{ token: admin, body: { quota_set: { volumes: 0 } } },
    })
    expect(checked.statusCode).toBe(400)
    for (const quota_set of [{ volumes_Gold: 5 }, { nonsense: 5 }])
      expect((await ask('PUT', path, { token: admin, body: { quota_set } })).statusCode).toBe(400)
    await set(-1)
  })
})

describe('lists', () => {
  test('have pages, orders and filters', async () => {
    const { owner } = cloud
    for (const [name, more] of [
      ['list-b', { sizeGib: 3 }],
      ['list-a', { sizeGib: 2, metadata: { kind: "it's" } }],
      ['list-c', { sizeGib: 1, imageId: owner.imageId }],
    ] as const)
      await aVolume(owner, { name, ...more, description: 'list' })
    const sorted = '/volumes?sort=name:desc&limit=2'
    const first = await ask('GET', sorted)
    expect(names(first)).toEqual(['list-c', 'list-b'])
    const { volumes_links: found } = first.json() as { volumes_links: { rel: string; href: string }[] }
    expect(found).toEqual([{ rel: 'next', href: expect.stringContaining('marker=') }])
    const next = new URL(found[0]?.href ?? '')
    const second = await ask('GET', `/volumes${next.search}`)
    expect(names(second)[0]).toBe('list-a')
    expect(names(await ask('GET', '/volumes?sort_key=name&sort_dir=desc&offset=1&limit=1'))).toEqual([
      'list-b',
    ])
    expect(names(await ask('GET', '/volumes?limit=0'))).toEqual([])
    expect(names(await ask('GET', '/volumes?name=list-a&status=available'))).toEqual(['list-a'])
    expect(names(await ask('GET', `/volumes?metadata=${encodeURIComponent(`{'kind': "it's"}`)}`))).toEqual([
      'list-a',
    ])
    expect(names(await ask('GET', '/volumes?bootable=false'))).not.toContain('list-c')
    expect(names(await ask('GET', '/volumes?bootable=0&name=list-c'))).toEqual(['list-c'])
    expect(names(await ask('GET', '/volumes?availability_zone=mars'))).toEqual([])
    for (const bad of ['sort=secret', 'sort=name:up', 'sort=name&sort_key=name', 'metadata=x', 'offset=-1'])
      expect((await ask('GET', `/volumes?${bad}`)).statusCode, bad).toBe(400)
    expect((await ask('GET', `/volumes?marker=${crypto.randomUUID()}`)).statusCode).toBe(404)
  })

  test('of all projects are for administrators, who filter them by project and size', async () => {
    await aVolume(cloud.stranger, { name: 'theirs', sizeGib: 7 })
    const { admin } = cloud.tokens
    expect(names(await ask('GET', '/volumes?all_tenants=1'))).not.toContain('theirs')
    const theirs = `/volumes?all_tenants=1&project_id=${cloud.stranger.projectId}`
    expect(names(await ask('GET', theirs, { token: admin }))).toEqual(['theirs'])
    expect(names(await ask('GET', '/volumes?all_tenants=1&size=7', { token: admin }))).toEqual(['theirs'])
    expect(names(await ask('GET', '/volumes?all_tenants=1&nonsense=7', { token: admin }))).toEqual([])
    expect(names(await ask('GET', '/volumes?size=7', { token: admin }))).toEqual([])
  })
})

describe('changes', () => {
  test('of the metadata, item by item', async () => {
    const path = `/volumes/${await aVolume(cloud.owner)}/metadata`
    const answers = async (method: 'GET' | 'PUT' | 'POST', at: string, body?: object) =>
      (await ask(method, at, body ? { body } : {})).json()
    expect(await answers('POST', path, { metadata: { a: '1', b: '2' } })).toEqual({
      metadata: { a: '1', b: '2' },
    })
    expect(await answers('PUT', `${path}/a`, { meta: { a: '3' } })).toEqual({ meta: { a: '3' } })
    expect(await answers('GET', `${path}/a`)).toEqual({ meta: { a: '3' } })
    expect((await ask('PUT', `${path}/a`, { body: { meta: { b: '3' } } })).statusCode).toBe(400)
    expect((await ask('DELETE', `${path}/a`)).statusCode).toBe(200)
    expect((await ask('DELETE', `${path}/a`)).statusCode).toBe(404)
    expect(await answers('GET', path)).toEqual({ metadata: { b: '2' } })
    expect(await answers('PUT', path, { metadata: {} })).toEqual({ metadata: {} })
  })

  test('of flags, size and status', async () => {
    const id = await aVolume(cloud.owner)
    const { admin } = cloud.tokens
    expect((await action(id, { 'os-set_bootable': { bootable: 'True' } })).statusCode).toBe(200)
    const readonly = await action(id, { 'os-update_readonly_flag': { readonly: true } })
    expect([readonly.statusCode, readonly.body]).toEqual([202, ''])
    expect((await action(id, { 'os-extend': { new_size: 1 } })).statusCode).toBe(400)
    expect((await action(id, { 'os-extend': { new_size: 4 } })).statusCode).toBe(202)
    expect((await action(id, { 'os-reset_status': { status: 'error' } }, admin)).statusCode).toBe(400)
    await cloud.owner.settle()
    expect((await ask('GET', `/volumes/${id}`)).json()).toMatchObject({
      volume: { size: 4, bootable: 'true', metadata: { readonly: 'True' }, status: 'available' },
    })
    // What "openstack volume set --detached" and "--attached" send.
    const detached = { attach_status: 'detached' }
    expect((await action(id, { 'os-reset_status': { status: 'error' } }, admin)).statusCode).toBe(202)
    expect((await action(id, { 'os-reset_status': detached }, admin)).statusCode).toBe(202)
    expect((await action(id, { 'os-reset_status': { ...detached, status: null } }, admin)).statusCode).toBe(
      202,
    )
    expect((await ask('GET', `/volumes/${id}`)).json()).toMatchObject({ volume: { status: 'available' } })
    const attached = await action(id, { 'os-reset_status': { attach_status: 'attached' } }, admin)
    expect([attached.statusCode, attached.body]).toEqual([400, expect.stringContaining('No instance has')])
    expect((await action(id, { 'os-reset_status': {} }, admin)).body).toContain("Must specify 'status'")
    for (const bad of [
      { status: 'deleting' },
      { status: 'in-use' },
      { status: 'error', attach_status: 'attached' },
    ])
      expect((await action(id, { 'os-reset_status': bad }, admin)).statusCode).toBe(400)
    expect((await action(id, { 'os-reset_status': { status: 'error' } }, admin)).statusCode).toBe(202)
    expect((await action(id, { 'os-extend': { new_size: 5 } })).statusCode).toBe(400)
    // Whoever has the volume ends a failure that has left its content whole.
    const available = { 'os-reset_status': { status: 'available' } }
    expect((await action(id, available)).statusCode).toBe(403)
    await cloud.owner.deps.root.volume.update({ where: { id }, data: { isWhole: true } })
    expect((await action(id, available)).statusCode).toBe(202)
    expect((await ask('GET', `/volumes/${id}`)).json()).toMatchObject({ volume: { status: 'available' } })
    expect((await action(id, { 'os-force_delete': {} }, admin)).statusCode).toBe(202)
    await cloud.owner.settle()
    expect((await ask('GET', `/volumes/${id}`)).statusCode).toBe(404)
  })

  test('of the name keep what the request does not name', async () => {
    const id = await aVolume(cloud.owner, { description: 'kept', metadata: { a: 'b' } })
    const answer = await ask('PUT', `/volumes/${id}`, { body: { volume: { name: 'renamed' } } })
    expect(answer.json()).toEqual({
      volume: golden(id, { name: 'renamed', description: 'kept', metadata: { a: 'b' } }),
    })
    expect((await ask('DELETE', `/volumes/${id}?cascade=perhaps`)).statusCode).toBe(400)
    expect((await ask('DELETE', `/volumes/${id}?cascade=True`)).statusCode).toBe(202)
  })
})
