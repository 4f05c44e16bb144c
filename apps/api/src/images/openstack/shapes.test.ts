import crypto from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hexId } from '../../kernel/testing.ts'
import {
  call,
  closeGlance,
  cloud,
  disk,
  ids,
  imageKeys,
  made,
  openGlance,
  page,
  patch,
  put,
  show,
} from './glance.testing.ts'

beforeAll(openGlance)
afterAll(closeGlance)

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
  test('404 and 401 have the same bytes as those of a real Glance', async () => {
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
  test('a new image has its keys in order, its headers, and times without fractions of a second', async () => {
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

describe('properties', () => {
  test('both dialects of JSON patch, with escapes, change all of a patch or nothing', async () => {
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
  test('the caller may choose the id; using the same id twice is a conflict', async () => {
    const id = crypto.randomUUID()
    expect(await made({ id })).toBe(id)
    expect((await call('POST', '/v2/images', { body: { id } })).status).toBe(409)
  })
})

describe('lists', () => {
  test('are paged by relative links in every order, also when sorted by values that are absent', async () => {
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

describe('an owner', () => {
  const used = async (projectId: string) =>
    Object.fromEntries(
      (await cloud.world.deps.root.quotaUsage.findMany({ where: { projectId } }))
        .filter(({ resource }) => resource.startsWith('image'))
        .map(({ resource, used }) => [resource, used]),
    )
  const give = (id: string, projectId: string, token: string) =>
    call('PATCH', `/v2/images/${id}`, {
      body: [{ op: 'replace', path: '/owner', value: projectId }],
      type: 'application/openstack-images-v2.1-json-patch',
      token,
    })

  test('is set and changed by administrators only, and the used quota moves to the new owner', async () => {
    const { owner, stranger, tokens } = cloud
    const id = await made()
    await put(id, disk())
    const [mine, theirs] = [await used(owner.projectId), await used(stranger.projectId)]
    expect((await give(id, stranger.projectId, tokens.ownerMember)).status).toBe(403)
    expect((await give(id, owner.projectId, tokens.ownerMember)).status).toBe(200)
    expect((await give(id, stranger.projectId, tokens.admin)).json).toMatchObject({
      owner: stranger.projectId,
    })
    expect(await used(owner.projectId)).toEqual({
      images: (mine.images ?? 0) - 1,
      imageGib: (mine.imageGib ?? 0) - 1,
    })
    expect(await used(stranger.projectId)).toEqual({
      images: (theirs.images ?? 0) + 1,
      imageGib: (theirs.imageGib ?? 0) + 1,
    })
    expect((await show(id)).status).toBe(404)
    expect((await show(id, tokens.stranger)).json.status).toBe('active')
    const elsewhere = { name: 'x', owner: stranger.projectId }
    expect((await call('POST', '/v2/images', { body: elsewhere })).status).toBe(403)
    const given = await call('POST', '/v2/images', { body: elsewhere, token: tokens.admin })
    expect([given.status, given.json.owner]).toEqual([201, stranger.projectId])
    expect((await give(id, hexId(), tokens.admin)).status).toBe(400)
    for (const owner of [null, 7, { toString: 1 }, '../etc', '', hexId()])
      expect((await call('POST', '/v2/images', { body: { owner }, token: tokens.admin })).status).toBe(400)
  })
})
