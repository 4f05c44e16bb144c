import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import '../../register.ts'
import { hexId } from '../../kernel/testing.ts'
import { extraInput } from '../../openstack/extra.ts'
import { closeDirectory, created, deps, name, openDirectory, send } from './directory.testing.ts'

/**
 * Attributes that Keystone does not know are stored and shown, whatever JSON they are. They never replace known
 * attributes.
 */

let userId = ''
let serviceId = ''
beforeAll(async () => {
  await openDirectory()
  userId = (await deps.root.user.findFirstOrThrow({ where: { name: 'admin' } })).id
  serviceId = (await created('/services', 'service', { type: 'dns' })).id
})
afterAll(closeDirectory)

const kinds: [string, string, () => object][] = [
  ['/domains', 'domain', () => ({ name: name('d') })],
  ['/projects', 'project', () => ({ name: name('p') })],
  ['/users', 'user', () => ({ name: name('u') })],
  ['/groups', 'group', () => ({ name: name('g') })],
  ['/roles', 'role', () => ({ name: name('r') })],
  ['/services', 'service', () => ({ type: 'dns' })],
  ['/regions', 'region', () => ({ id: name('r') })],
  ['/endpoints', 'endpoint', () => ({ service_id: serviceId, interface: 'public', url: 'http://x/' })],
  ['/credentials', 'credential', () => ({ user_id: userId, type: 'cert', blob: 'b' })],
  ['/policies', 'policy', () => ({ type: 'application/json', blob: '{}' })],
]
const own = {
  ...{ text: 'é\n', number: -1.5, yes: true, nothing: null, 'a key of: mine/1': '', toString: 1 },
  ...{ list: [1, 'two', [null], { three: false }], object: { deep: { er: [] } }, constructor: {} },
}

describe.each(kinds)('unknown attributes of %s', (path, kind, body) => {
  test('are stored and shown', async () => {
    const made = await created(path, kind, { ...body(), ...own, colour: 'green' })
    expect(made).toMatchObject({ ...own, colour: 'green' })
    const at = `${path}/${made.id}`
    expect((await send('GET', at)).json[kind]).toEqual(made)
    const plural = kind === 'policy' ? 'policies' : `${kind}s`
    expect((await send('GET', path)).json[plural]).toContainEqual(made)
    const changed = await send('PATCH', at, { [kind]: { colour: { now: 'red' }, size: null } })
    expect([changed.status, changed.json[kind]]).toEqual([
      200,
      { ...made, colour: { now: 'red' }, size: null },
    ])
    expect((await send('GET', at)).json[kind]).toEqual(changed.json[kind])
  })

  test('are all kept when many requests add some at the same moment', async () => {
    const made = await created(path, kind, { ...body(), colour: 'green' })
    const added = Array.from({ length: 5 }, (_, n) => ({ [`mine-${n}`]: n }))
    const answers = await Promise.all(
      added.map((one) => send('PATCH', `${path}/${made.id}`, { [kind]: one })),
    )
    expect(answers.map(({ status }) => status)).toEqual(added.map(() => 200))
    expect((await send('GET', `${path}/${made.id}`)).json[kind]).toEqual(Object.assign({}, made, ...added))
  })

  test('never replace Keystone’s attributes', async () => {
    const plain = await created(path, kind, body())
    const { id, links } = plain
    const same = await send('PATCH', `${path}/${id}`, { [kind]: { links: 'x', extra: { name: 'x' } } })
    expect(same.json[kind]).toEqual(plain)
    const other = await send('PATCH', `${path}/${id}`, { [kind]: { id: hexId() } })
    expect(other.status).toBe(400)
    const made = await created(path, kind, { ...body(), links: { self: 'x' }, extra: 1 })
    expect(made.links.self).toBe(links.self.replace(id, made.id))
  })

  test('are refused when they cannot be stored unchanged', async () => {
    for (const [bad, words] of [
      [{ big: 'x'.repeat(33_000) }, /at most 32768 characters/],
      [{ text: 'a\u0000b' }, /NUL/],
      [{ list: [{ 'a\u0000b': 1 }] }, /NUL/],
      [{ text: '\ud800' }, /surrogate/],
      [{ number: 2 ** 53 }, /9007199254740991/],
    ] as const) {
      const answer = await send('POST', path, { [kind]: { ...body(), ...bad } })
      expect([answer.status, answer.json.error.message]).toEqual([400, expect.stringMatching(words)])
    }
    const made = await created(path, kind, { ...body(), big: 'x'.repeat(20_000) })
    const answer = await send('PATCH', `${path}/${made.id}`, { [kind]: { more: 'x'.repeat(20_000) } })
    expect(answer.status).toBe(400)
  })
})

test.each(kinds.slice(0, 6))('%s: null and "" are different descriptions', async (path, kind, body) => {
  for (const description of [null, '', 'text', '', null]) {
    const made = await created(path, kind, { ...body(), description })
    expect(made.description).toBe(description)
    const changed = await send('PATCH', `${path}/${made.id}`, { [kind]: { description: 'other' } })
    expect(changed.json[kind].description).toBe('other')
    const back = await send('PATCH', `${path}/${made.id}`, { [kind]: { description } })
    expect(back.json[kind].description).toBe(description)
  }
})

test('attributes nested without limit, which the portal’s door lets in, are refused', () => {
  const nested = (levels: number) =>
    extraInput.safeParse({ a: JSON.parse('['.repeat(levels) + ']'.repeat(levels)) })
  expect([nested(30).success, nested(40).success, nested(100_000).success]).toEqual([true, false, false])
})

test('passwords are never stored as attributes', async () => {
  const secrets = { password: 'canary-new-1', original_password: 'canary-old-1' }
  const made = await created('/users', 'user', { name: name('u'), ...secrets })
  const changed = await send('PATCH', `/users/${made.id}`, { user: secrets })
  expect(changed.status).toBe(200)
  const row = await deps.root.user.findUniqueOrThrow({ where: { id: made.id } })
  expect(JSON.stringify([made, changed.json, row])).not.toContain('canary')
})

test('an e-mail address may be any text', async () => {
  for (const email of ['nobody', '', null, 'a@b, c@d', 'x'.repeat(1000)]) {
    const made = await created('/users', 'user', { name: name('u'), email })
    expect(made.email).toBe(email)
    expect((await send('GET', `/users/${made.id}`)).json.user).toEqual(made)
    await send('PATCH', `/users/${made.id}`, { user: { email: 'other' } })
    const back = await send('PATCH', `/users/${made.id}`, { user: { email } })
    expect(back.json.user.email).toBe(email)
  }
  const long = await send('POST', '/users', { user: { name: name('u'), email: 'x'.repeat(1001) } })
  expect(long.status).toBe(400)
})

test('a domain is created with the id that the caller chose', async () => {
  const id = hexId()
  const made = await created('/domains', 'domain', { name: name('d'), explicit_domain_id: id })
  expect(made.id).toBe(id)
  const again = await send('POST', '/domains', { domain: { name: name('d'), explicit_domain_id: id } })
  expect(again.status).toBe(409)
  const { id: taken } = await created('/projects', 'project', { name: name('p') })
  const clash = await send('POST', '/domains', { domain: { name: name('d'), explicit_domain_id: taken } })
  expect(clash.status).toBe(409)
  const odd = await send('POST', '/domains', { domain: { name: name('d'), explicit_domain_id: 'default' } })
  expect(odd.status).toBe(400)
})
