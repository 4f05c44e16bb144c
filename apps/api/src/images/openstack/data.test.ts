import crypto from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imageStore } from '../store.ts'
import { qcow2 } from '../testing-qcow2.ts'
import { call, closeGlance, cloud, disk, made, openGlance, patch, put, show } from './glance.testing.ts'

/** Uploads and downloads at Glance's door, as clients make them. */
beforeAll(openGlance)
afterAll(closeGlance)

describe('data', () => {
  test('an uploaded image is active at once with all hashes, and can be downloaded whole and in parts', async () => {
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
    const conditional = async (headers: object) => {
      const answer = await call('GET', `/v2/images/${id}/file`, { headers })
      return [answer.status, answer.text.length]
    }
    const { etag } = whole.headers
    expect(etag).toBe(`"${hash('md5')}"`)
    expect(await conditional({ range: 'bytes=0-1', 'if-range': etag })).toEqual([206, 2])
    for (const other of ['"another"', 'W/"weak"', 'Sat, 28 Nov 2026 12:00:00 GMT'])
      expect(await conditional({ range: 'bytes=0-1', 'if-range': other })).toEqual([200, bytes.length])
    expect(await conditional({ range: 'lines=1-2' })).toEqual([200, bytes.length])
    for (const range of ['bytes=9999999-', 'bytes=5-4', 'nonsense', 'bytes=0-1,3-4', 'bytes=-0'])
      expect((await call('GET', `/v2/images/${id}/file`, { headers: { range } })).status, range).toBe(416)
    const head = await call('HEAD', `/v2/images/${id}/file`)
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, String(bytes.length), ''])
  })
  test('A05: no operation replaces bytes that were written once', async () => {
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
  test('staged data is imported; before staging, an import is refused', async () => {
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
  test('A01: data of another format than declared is refused by every operation, and nothing stays', async () => {
    const backing = qcow2({ backingOffset: 112n, backingLength: 11 }, Buffer.from('/etc/passwd'))
    for (const road of ['file', 'stage']) {
      const id = await made()
      cloud.owner.settleBeside()
      const answer = await call('PUT', `/v2/images/${id}/${road}`, { bytes: backing })
      expect(answer.status).toBe(400)
      expect(answer.text).not.toContain('passwd')
      expect((await show(id)).json.status).toBe('killed')
    }
    expect((await imageStore(cloud.owner.deps).list()).staged).toEqual([])
  })
  test('an upload above the quota gets a 413 that the client can read, with or without Content-Length', async () => {
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
  test('only application/octet-stream is accepted, and only after the format was named', async () => {
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
  test('formats that the cloud does not accept are refused with the reason', async () => {
    const answer = await call('POST', '/v2/images', { body: { disk_format: 'vmdk' } })
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('qemu-img convert')])
    expect((await call('POST', '/v2/images', { body: { container_format: 'ova' } })).status).toBe(400)
  })
})
