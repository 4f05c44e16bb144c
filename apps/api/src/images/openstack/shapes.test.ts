import crypto from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FacadeWorld, facadeWorld } from '../../facade.testing.ts'
import { imageStore } from '../store.ts'
import { qcow2 } from '../testing-qcow2.ts'

/** Glance v2 over HTTP as clients use it. Shapes are those of a real Zed Glance, kept here as data. */
let cloud: FacadeWorld
let port: number
beforeAll(async () => {
  cloud = await facadeWorld()
  await cloud.app.listen({ host: '127.0.0.1', port: 0 })
  port = (cloud.app.server.address() as AddressInfo).port
})
afterAll(() => cloud.close())

type Answer = { status: number; headers: http.IncomingHttpHeaders; text: string; json: Record<string, never> }
type Sent = {
  token?: string
  type?: string
  body?: unknown
  bytes?: Buffer
  headers?: object
  chunked?: boolean
}

/** A real request, so that streams, early answers and closed connections are those of the door. */
function call(method: string, path: string, sent: Sent = {}): Promise<Answer> {
  const { token = cloud.tokens.ownerMember, body, bytes } = sent
  const type = sent.type ?? (bytes ? 'application/octet-stream' : 'application/json')
  const payload = bytes ?? (body === undefined ? undefined : Buffer.from(JSON.stringify(body)))
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: '127.0.0.1',
        port,
        method,
        path: `/image${path}`,
        headers: {
          'x-auth-token': token,
          ...(payload ? { 'content-type': type } : {}),
          ...(payload && !sent.chunked ? { 'content-length': payload.length } : {}),
          ...sent.headers,
        },
      },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () => {
          const text = Buffer.concat(parts).toString('latin1')
          const json = response.headers['content-type']?.startsWith('application/json')
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: json ? JSON.parse(Buffer.concat(parts).toString()) : {},
          })
        })
      },
    )
    request.on('error', reject)
    if (payload) request.write(payload)
    request.end()
  })
}
const patchType = 'application/openstack-images-v2.1-json-patch'
const patch = (id: string, body: unknown, type = patchType) =>
  call('PATCH', `/v2/images/${id}`, { body, type })
async function made(body: object = {}, token?: string): Promise<string> {
  const answer = await call('POST', '/v2/images', {
    body: { name: 'disk', disk_format: 'qcow2', container_format: 'bare', ...body },
    ...(token ? { token } : {}),
  })
  expect(answer.status, answer.text).toBe(201)
  return answer.json.id as unknown as string
}
const disk = () => Buffer.concat([qcow2({ virtualSize: 128n * 1024n * 1024n }), crypto.randomBytes(700)])
async function withWorker<T>(work: Promise<T>): Promise<T> {
  let ended = false
  const done = work.finally(() => {
    ended = true
  })
  while (!ended) {
    await cloud.owner.settle()
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  return done
}
const put = (id: string, bytes: Buffer, headers: object = {}) =>
  withWorker(call('PUT', `/v2/images/${id}/file`, { bytes, headers }))
const show = async (id: string, token?: string) => call('GET', `/v2/images/${id}`, token ? { token } : {})
const ids = async (query: string, token?: string): Promise<string[]> => {
  const answer = await call('GET', `/v2/images?${query}`, token ? { token } : {})
  expect(answer.status, answer.text).toBe(200)
  return (answer.json.images as unknown as { id: string }[]).map((image) => image.id)
}

/** Keys of a real answer, in its order. */
const imageKeys =
  'name disk_format container_format visibility size virtual_size status checksum protected min_ram min_disk owner os_hidden os_hash_algo os_hash_value id created_at updated_at tags self file schema'.split(
    ' ',
  )
const page = (title: string, text: string) =>
  `<html>\n <head>\n  <title>${title}</title>\n </head>\n <body>\n  <h1>${title}</h1>\n  ${text}<br /><br />\n\n\n\n </body>\n</html>`

describe('answers as a real Glance gives them', () => {
  test('discovery: 300 at the root with and without a slash, 200 at /versions', async () => {
    const self = `${cloud.owner.deps.config.publicUrl}/image/v2/`
    const [root, slash, listed] = await Promise.all([
      call('GET', ''),
      call('GET', '/'),
      call('GET', '/versions'),
    ])
    expect([root.status, slash.status, listed.status]).toEqual([300, 300, 200])
    expect(root.json).toEqual(listed.json)
    const versions = root.json.versions as unknown as { id: string; status: string }[]
    expect(versions[0]).toEqual({ id: 'v2.15', status: 'CURRENT', links: [{ rel: 'self', href: self }] })
    expect(versions.map((v) => v.id)).toEqual(
      [15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((minor) => `v2.${minor}`),
    )
  })
  test('404 and 401 are the same bytes', async () => {
    const gone = await show('nope')
    expect([gone.status, gone.headers['content-type'], gone.headers['content-length']]).toEqual([
      404,
      'text/html; charset=UTF-8',
      '149',
    ])
    expect(gone.text).toBe(page('404 Not Found', 'No image found with ID nope'))
    const unknown = crypto.randomUUID()
    expect((await show(unknown)).text).toBe(page('404 Not Found', `No image found with ID ${unknown}`))
    const closed = await call('GET', '/v2/images', { token: '' })
    expect([closed.status, closed.headers['content-length']]).toEqual([401, '358'])
    expect(closed.headers['www-authenticate']).toMatch(/^Keystone uri="/)
  })
  test('a new image: keys in their order, headers, formats without fractions', async () => {
    const answer = await call('POST', '/v2/images', {
      body: { name: 'sample', disk_format: 'raw', container_format: 'bare' },
    })
    expect(answer.status).toBe(201)
    expect(Object.keys(answer.json)).toEqual(imageKeys)
    const { id } = answer.json
    expect(answer.json).toMatchObject({
      name: 'sample',
      visibility: 'shared',
      status: 'queued',
      size: null,
      checksum: null,
      os_hash_algo: null,
      owner: cloud.owner.projectId,
      tags: [],
      self: `/v2/images/${id}`,
      file: `/v2/images/${id}/file`,
      schema: '/v2/schemas/image',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    })
    expect(answer.headers.location).toBe(`${cloud.owner.deps.config.publicUrl}/image/v2/images/${id}`)
    expect(answer.headers['openstack-image-import-methods']).toBe('glance-direct')
  })
})

describe('data', () => {
  test('up, active at once with all hashes, down again, in parts too', async () => {
    const id = await made()
    expect((await call('GET', `/v2/images/${id}/file`)).status).toBe(204)
    const bytes = disk()
    const sent = await put(id, bytes)
    expect([sent.status, sent.text]).toEqual([204, ''])
    const { json } = await show(id)
    const hash = (name: string) => crypto.createHash(name).update(bytes).digest('hex')
    expect(json).toMatchObject({
      status: 'active',
      size: bytes.length,
      virtual_size: 128 * 1024 * 1024,
      checksum: hash('md5'),
      os_hash_algo: 'sha512',
      os_hash_value: hash('sha512'),
      stores: 'file',
    })
    const whole = await call('GET', `/v2/images/${id}/file`)
    expect(whole.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-md5': hash('md5'),
      'content-length': String(bytes.length),
    })
    expect(whole.text).toBe(bytes.toString('latin1'))
    for (const [range, from, to] of [
      ['bytes=10-19', 10, 19],
      [`bytes=${bytes.length - 5}-`, bytes.length - 5, bytes.length - 1],
      ['bytes=-7', bytes.length - 7, bytes.length - 1],
    ] as const) {
      const part = await call('GET', `/v2/images/${id}/file`, { headers: { range } })
      expect([part.status, part.headers['content-range']]).toEqual([
        206,
        `bytes ${from}-${to}/${bytes.length}`,
      ])
      expect(part.text).toBe(bytes.subarray(from, to + 1).toString('latin1'))
    }
    for (const range of ['bytes=9999999-', 'bytes=5-4', 'lines=1-2', 'bytes=0-1,3-4', 'bytes=-0'])
      expect((await call('GET', `/v2/images/${id}/file`, { headers: { range } })).status, range).toBe(416)
    const head = await call('HEAD', `/v2/images/${id}/file`)
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, String(bytes.length), ''])
  })
  test('A05: bytes are written once, by every road', async () => {
    const id = await made()
    await put(id, disk())
    const before = (await show(id)).json
    const again = async () => [
      (await put(id, disk())).status,
      (await call('PUT', `/v2/images/${id}/stage`, { bytes: disk() })).status,
      (await call('POST', `/v2/images/${id}/import`, { body: { method: { name: 'glance-direct' } } })).status,
    ]
    expect(await again()).toEqual([409, 409, 409])
    expect((await call('POST', `/v2/images/${id}/actions/deactivate`)).status).toBe(204)
    expect(await again()).toEqual([409, 409, 409])
    expect((await call('GET', `/v2/images/${id}/file`)).status).toBe(403)
    expect((await call('GET', `/v2/images/${id}/file`, { token: cloud.tokens.admin })).status).toBe(200)
    expect((await call('POST', `/v2/images/${id}/actions/reactivate`)).status).toBe(204)
    expect({ ...(await show(id)).json, updated_at: 0 }).toEqual({ ...before, updated_at: 0 })
    for (const name of ['status', 'size', 'checksum', 'id', 'locations', 'self', 'file', 'virtual_size'])
      expect((await patch(id, [{ op: 'replace', path: `/${name}`, value: 'queued' }])).status, name).toBe(403)
  })
  test('staged data is imported; nothing is to be imported before', async () => {
    const id = await made()
    const start = () =>
      call('POST', `/v2/images/${id}/import`, { body: { method: { name: 'glance-direct' } } })
    expect((await start()).status).toBe(409)
    expect((await call('PUT', `/v2/images/${id}/stage`, { bytes: disk() })).status).toBe(204)
    expect((await show(id)).json.status).toBe('uploading')
    const other = await call('POST', `/v2/images/${id}/import`, {
      body: { method: { name: 'web-download', uri: 'http://169.254.169.254/' } },
    })
    expect(other.status).toBe(400)
    const started = await start()
    expect([started.status, started.text]).toEqual([202, ''])
    await cloud.owner.settle()
    expect((await show(id)).json.status).toBe('active')
  })
  test('A01: what is not what was declared is refused by every road, and nothing stays', async () => {
    const backing = qcow2({ backingOffset: 112n, backingLength: 11 }, Buffer.from('/etc/passwd'))
    for (const road of ['file', 'stage']) {
      const id = await made()
      const answer = await withWorker(call('PUT', `/v2/images/${id}/${road}`, { bytes: backing }))
      expect(answer.status).toBe(400)
      expect(answer.text).not.toContain('passwd')
      expect((await show(id)).json.status).toBe('killed')
    }
    expect((await imageStore(cloud.owner.deps).list()).staged).toEqual([])
  })
  test('more than the quota has room for: 413 that the client can read, announced or not', async () => {
    const { root } = cloud.owner.deps
    const key = { projectId: cloud.owner.projectId, resource: 'imageGib' }
    await root.quotaLimit.update({ where: { projectId_resource: key }, data: { limit: 0 } })
    try {
      const bytes = Buffer.alloc(3 * 1024 * 1024, 1)
      for (const chunked of [false, true]) {
        const id = await made({ disk_format: 'raw' })
        const answer = await call('PUT', `/v2/images/${id}/file`, { bytes, chunked })
        expect(answer.status, answer.text).toBe(413)
        expect((await show(id)).json.status).toBe('queued')
      }
    } finally {
      await root.quotaLimit.update({ where: { projectId_resource: key }, data: { limit: -1 } })
    }
  })
  test('only application/octet-stream is taken; a format must have been said', async () => {
    const id = await made()
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x'])
      expect((await call('PUT', `/v2/images/${id}/file`, { bytes: disk(), type })).status).toBe(415)
    const bare = await call('POST', '/v2/images', { body: {} })
    expect(bare.json).toMatchObject({ name: null, disk_format: null, container_format: null })
    const nothing = bare.json.id as unknown as string
    expect((await put(nothing, disk())).status).toBe(409)
    const say = [
      { op: 'replace', path: '/disk_format', value: 'qcow2' },
      { op: 'add', path: '/container_format', value: 'bare' },
    ]
    expect((await patch(nothing, say)).status).toBe(200)
    expect((await put(nothing, disk())).status).toBe(204)
    expect((await patch(nothing, [{ op: 'replace', path: '/disk_format', value: 'raw' }])).status).toBe(403)
  })
  test('formats that are not taken are refused with the reason', async () => {
    const answer = await call('POST', '/v2/images', { body: { disk_format: 'vmdk' } })
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('qemu-img convert')])
    expect((await call('POST', '/v2/images', { body: { container_format: 'ova' } })).status).toBe(400)
  })
})

describe('properties', () => {
  test('both dialects of JSON patch, with escapes; nothing or all', async () => {
    const id = await made({ 'owner_specified.openstack.md5': '', kept: 'k', gone: 'g' })
    const answer = await patch(id, [
      { op: 'add', path: '/a~1b~0c', value: 'v' },
      { op: 'replace', path: '/kept', value: 'K' },
      { op: 'remove', path: '/gone' },
      { op: 'add', path: '/tags', value: ['t', 't'] },
      { op: 'add', path: '/description', value: 'what it is' },
      { op: 'replace', path: '/os_hidden', value: true },
    ])
    expect(answer.json).toMatchObject({
      'a/b~c': 'v',
      kept: 'K',
      tags: ['t'],
      description: 'what it is',
      os_hidden: true,
      'owner_specified.openstack.md5': '',
    })
    expect(answer.json).not.toHaveProperty('gone')
    const draft = 'application/openstack-images-v2.0-json-patch'
    expect((await patch(id, [{ replace: '/name', value: 'old way' }], draft)).json.name).toBe('old way')
    expect((await patch(id, [{ add: '/kept', value: 'x' }], draft)).status).toBe(409)
    const half = await patch(id, [
      { op: 'add', path: '/name', value: 'never' },
      { op: 'remove', path: '/gone' },
    ])
    expect([half.status, (await show(id)).json.name]).toEqual([409, 'old way'])
    expect((await patch(id, [], 'application/json')).status).toBe(415)
    for (const [bad, status] of [
      [{ op: 'move', path: '/a', value: 'x' }, 400],
      [{ op: 'add', path: 'a', value: 'x' }, 400],
      [{ op: 'add', path: '/a/b', value: 'x' }, 400],
      [{ op: 'add', path: '/a~2', value: 'x' }, 400],
      [{ op: 'add', path: '/a' }, 400],
      [{ op: 'add', path: '/a', value: 1 }, 400],
      [{ op: 'remove', path: '/name' }, 403],
      [{ op: 'add', path: '/os_glance_x', value: 'x' }, 403],
      [{ op: 'add', path: '/deleted', value: 'x' }, 403],
      [{ op: 'add', path: '/owner', value: cloud.stranger.projectId }, 403],
      [{ op: 'add', path: '/visibility', value: 'public' }, 403],
    ] as const)
      expect((await patch(id, [bad])).status, JSON.stringify(bad)).toBe(status)
  })
  test('R6: properties and tags are bounded', async () => {
    const many = Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`p${i}`, 'x']))
    expect((await call('POST', '/v2/images', { body: many })).status).toBe(413)
    expect((await call('POST', '/v2/images', { body: { p: 'x'.repeat(65_535), q: 'x' } })).status).toBe(413)
    const tags = Array.from({ length: 129 }, (_, i) => `t${i}`)
    expect((await call('POST', '/v2/images', { body: { tags } })).status).toBe(413)
    expect((await call('POST', '/v2/images', { body: { ['n'.repeat(256)]: 'x' } })).status).toBe(400)
  })
  test('a protected image is 403 to delete', async () => {
    const id = await made({ protected: true })
    expect((await call('DELETE', `/v2/images/${id}`)).status).toBe(403)
    await patch(id, [{ op: 'replace', path: '/protected', value: false }])
    expect((await call('DELETE', `/v2/images/${id}`)).status).toBe(204)
    expect((await show(id)).status).toBe(404)
  })
  test('an id of one’s own; a second time it is a conflict', async () => {
    const id = crypto.randomUUID()
    expect(await made({ id })).toBe(id)
    expect((await call('POST', '/v2/images', { body: { id } })).status).toBe(409)
  })
})

describe('lists', () => {
  test('pages by relative links, whatever the order, with values that are not there', async () => {
    const tag = crypto.randomUUID()
    const wanted = []
    for (const i of [0, 1, 2, 3, 4]) wanted.push(await made({ name: `n${i % 2}`, tags: [tag] }))
    await put(wanted[1] ?? '', disk())
    await put(wanted[3] ?? '', disk())
    for (const sort of [
      'sort=size:asc,name:desc',
      'sort_key=size&sort_dir=desc',
      'sort=name',
      'sort_key=created_at',
    ]) {
      const seen: string[] = []
      let next: string | undefined = `/v2/images?tag=${tag}&limit=2&${sort}`
      while (next) {
        const { json, status, text } = await call('GET', next)
        expect(status, text).toBe(200)
        expect(json.first).not.toContain('marker')
        seen.push(...(json.images as unknown as { id: string }[]).map((image) => image.id))
        next = json.next as unknown as string | undefined
        expect(seen.length).toBeLessThanOrEqual(5)
      }
      expect([...seen].sort(), sort).toEqual([...wanted].sort())
    }
    expect(await ids(`tag=${tag}&limit=0`)).toEqual([])
  })
  test('filters', async () => {
    const tag = crypto.randomUUID()
    const a = await made({ name: 'a,b', tags: [tag, 'x'], color: 'red', min_ram: 64 })
    const b = await made({ name: 'c', tags: [tag], color: 'blue', disk_format: 'raw', protected: true })
    const hidden = await made({ name: 'h', tags: [tag], os_hidden: true })
    await put(a, disk())
    const { created_at: made_at, size } = (await show(a)).json
    const of = (query: string) => ids(`tag=${tag}&sort=created_at:asc&${query}`)
    for (const [query, wanted] of [
      ['', [a, b]],
      ['tag=x', [a]],
      ['name=in:"a,b",c', [a, b]],
      ['name=c', [b]],
      ['color=red', [a]],
      ['color=red&name=c', []],
      ['os_hidden=true', [hidden]],
      ['protected=true', [b]],
      ['status=active', [a]],
      ['status=in:active,queued', [a, b]],
      ['status=nonsense', []],
      ['disk_format=raw', [b]],
      ['min_ram=64', [a]],
      [`size_min=${size}&size_max=${size}`, [a]],
      [`id=in:${a},nonsense`, [a]],
      [`owner=${cloud.stranger.projectId}`, []],
      [`created_at=gte:${made_at}`, [a, b]],
      [`created_at=lt:${made_at}`, []],
      [`created_at=neq:2001-01-01T00:00:00Z`, [a, b]],
      ['visibility=private', []],
      ['visibility=shared', [a, b]],
    ] as const)
      expect(await of(query), query).toEqual(wanted)
    for (const bad of [
      'limit=-1',
      'marker=nope',
      `marker=${crypto.randomUUID()}`,
      'sort=nope',
      'sort=name:up',
      'sort=name&sort_key=id',
      'sort_key=id&sort_dir=asc&sort_dir=asc',
      'visibility=everyone',
      'member_status=maybe',
      'protected=perhaps',
      'created_at=gte:yesterday',
      'size_min=x',
      'name=in:"open',
      'changes-since=2020',
    ])
      expect((await call('GET', `/v2/images?${bad}`)).status, bad).toBe(400)
  })
})
