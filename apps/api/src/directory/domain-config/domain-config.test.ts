import fs from 'node:fs'
import path from 'node:path'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { testCloud, testFacade } from '../../identity/testing.ts'
import { issueToken } from '../../identity/tokens.ts'
import { type Ctx, inTransaction, systemCtx } from '../../kernel/context.ts'
import { openDirectories } from '../backends/ldap/domains.ts'
import { createDomain } from '../projects/domains.ts'
import { createGroup } from '../users/groups.ts'
import { createUser } from '../users/service.ts'

/** Options of a domain's configuration take effect or are refused. */

let cloud: Awaited<ReturnType<typeof testCloud>>
let ctx: Ctx
let app: FastifyInstance
let admin: string
let domain: string
beforeAll(async () => {
  cloud = await testCloud()
  ctx = systemCtx(cloud.deps, 'test')
  app = await testFacade(cloud.deps)
  const { id: userId } = await cloud.deps.root.user.findFirstOrThrow({ where: { name: 'admin' } })
  const wish = { userId, scope: { kind: 'system' as const }, methods: ['password'] }
  admin = (await inTransaction(ctx, (tx) => issueToken(tx, wish))).text
})
beforeEach(async () => {
  domain = (await createDomain(ctx, { name: `domain ${crypto.randomUUID()}` })).id
})
afterAll(async () => {
  await app.close()
  await cloud.close()
})

async function send(method: InjectOptions['method'], path: string, config?: unknown) {
  const url = `/identity/v3/domains/${path}`
  const payload = config === undefined ? undefined : { config }
  const answer = await app.inject({ method, url, headers: { 'x-auth-token': admin }, payload })
  return { status: answer.statusCode, json: answer.body === '' ? null : answer.json() }
}
const at = (path = '') => `${domain}/config${path}`
const message = (answer: { json: { error: { message: string } } }) => answer.json.error.message

test('the options are stored, shown in parts, changed and deleted', async () => {
  const none = await send('GET', at())
  expect([none.status, message(none)]).toEqual([
    404,
    `Could not find any options in domain configuration for domain ${domain}.`,
  ])
  const identity = { driver: 'sql', list_limit: 20 }
  expect(await send('PUT', at(), { identity })).toEqual({ status: 201, json: { config: { identity } } })
  expect((await send('PUT', at(), { identity })).status).toBe(200)
  expect((await send('GET', at())).json).toEqual({ config: { identity } })
  expect((await send('GET', at('/identity'))).json).toEqual({ config: { identity } })
  expect((await send('GET', at('/identity/list_limit'))).json).toEqual({ config: { list_limit: 20 } })
  expect((await send('GET', at('/ldap'))).status).toBe(404)
  expect((await send('PATCH', at(), { identity: { list_limit: 5 } })).json).toEqual({
    config: { identity: { driver: 'sql', list_limit: 5 } },
  })
  expect((await send('PATCH', at('/identity/list_limit'), { list_limit: 6 })).json.config.identity).toEqual({
    driver: 'sql',
    list_limit: 6,
  })
  expect((await send('DELETE', at('/identity/driver'))).status).toBe(204)
  expect((await send('DELETE', at('/identity/driver'))).status).toBe(404)
  expect((await send('PATCH', at('/identity/driver'), { driver: 'sql' })).status).toBe(404)
  expect((await send('GET', at())).json).toEqual({ config: { identity: { list_limit: 6 } } })
  // PUT replaces everything, so options that the body does not name are gone.
  expect((await send('PUT', at(), { identity: { driver: 'sql' } })).json).toEqual({
    config: { identity: { driver: 'sql' } },
  })
  expect((await send('DELETE', at())).status).toBe(204)
  expect((await send('GET', at())).status).toBe(404)
  expect((await send('DELETE', at('/identity'))).status).toBe(404)
  expect((await send('GET', 'nope/config')).status).toBe(404)
})

test.each([
  ['', {}],
  ['', { identity: {} }],
  ['', { identity: 'sql' }],
  ['', { magic: { driver: 'x' } }],
  ['', { identity: { colour: 'x' } }],
  ['', { identity: { driver: 'ldap' } }],
  ['', { identity: { list_limit: 0 } }],
  ['', { identity: { list_limit: 1001 } }],
  ['', { identity: { list_limit: '10' } }],
  ['', { ldap: { url: 'ldap://evil.test', password: 'x' } }],
  ['/ldap', { ldap: { user_tree_dn: 'x' } }],
  ['/identity', { identity: { list_limit: 5 }, ldap: { url: 'x' } }],
  ['/identity/driver', { list_limit: 5 }],
  ['/identity/driver', { driver: 'sql', list_limit: 5 }],
  ['/magic', { magic: { a: 1 } }],
  ['/identity/colour', { colour: 1 }],
])('an option that this cloud cannot follow is refused: %s %j', async (path, wish) => {
  await send('PUT', at(), { identity: { driver: 'sql', list_limit: 7 } })
  const refused = await send('PATCH', at(path), wish)
  expect([refused.status, message(refused)]).toEqual([
    403,
    expect.stringContaining('Invalid domain specific configuration: '),
  ])
  if (path === '') expect((await send('PUT', at(), wish)).status).toBe(403)
  expect((await send('GET', at())).json).toEqual({ config: { identity: { driver: 'sql', list_limit: 7 } } })
})

test('list_limit limits the lists of the domain', async () => {
  for (const name of ['a', 'b', 'c']) {
    await createUser(ctx, { name, domainId: domain })
    await createGroup(ctx, { name, domainId: domain })
  }
  const list = async (what: string) => {
    const url = `/identity/v3/${what}?domain_id=${domain}`
    return (await app.inject({ url, headers: { 'x-auth-token': admin } })).json()
  }
  await send('PUT', at(), { identity: { list_limit: 2 } })
  for (const what of ['users', 'groups']) {
    const cut = await list(what)
    expect([cut[what].length, cut.truncated]).toEqual([2, true])
  }
  await send('DELETE', at())
  for (const what of ['users', 'groups']) {
    const all = await list(what)
    expect([all[what].length, all.truncated]).toEqual([3, undefined])
  }
})

test('a domain of ldap.yaml shows and keeps its directory, but not the password', async () => {
  const { dataDir } = cloud.deps.config
  const bind = { dn: 'cn=reader', passwordFile: 'reader' }
  const entry = { url: 'ldaps://directory.test', bind, users: { base: 'users' } }
  fs.mkdirSync(dataDir, { recursive: true })
  fs.writeFileSync(path.join(dataDir, 'reader'), 'canary-password')
  const file = path.join(dataDir, 'ldap.yaml')
  fs.writeFileSync(file, JSON.stringify({ Staff: entry }))
  await openDirectories(cloud.deps)
  domain = (await cloud.deps.root.domain.findUniqueOrThrow({ where: { name: 'Staff' } })).id
  try {
    const shown = await send('GET', at())
    expect(shown.json.config).toMatchObject({
      identity: { driver: 'ldap' },
      ldap: { url: 'ldaps://directory.test', user: 'cn=reader', user_tree_dn: 'users', use_tls: false },
    })
    expect(JSON.stringify(shown.json)).not.toContain('canary-password')
    expect((await send('GET', at('/ldap/password'))).status).toBe(404)
    expect((await send('PUT', at(), { identity: { driver: 'sql' } })).status).toBe(403)
    expect((await send('PUT', at(), { identity: { driver: 'ldap', list_limit: 9 } })).status).toBe(200)
    for (const part of ['/ldap', '/ldap/url']) {
      const refused = await send('DELETE', at(part))
      expect([refused.status, message(refused)]).toEqual([403, expect.stringContaining('ldap.yaml')])
    }
    expect((await send('DELETE', at())).status).toBe(204)
    expect((await send('GET', at('/identity'))).json).toEqual({ config: { identity: { driver: 'ldap' } } })
  } finally {
    fs.rmSync(dataDir, { recursive: true })
    await openDirectories(cloud.deps)
  }
})

test('the defaults are those of this cloud', async () => {
  const all = (await send('GET', 'config/default')).json.config
  expect(all).toMatchObject({
    identity: { driver: 'sql', list_limit: 1000 },
    ldap: { user_id_attribute: 'entryUUID', user_filter: '(objectClass=inetOrgPerson)' },
  })
  expect((await send('GET', 'config/ldap/default')).json).toEqual({ config: { ldap: all.ldap } })
  expect((await send('GET', 'config/identity/driver/default')).json).toEqual({ config: { driver: 'sql' } })
  for (const path of ['magic', 'identity/colour', 'ldap/password', 'ldap/url'])
    expect((await send('GET', `config/${path}/default`)).status).toBe(403)
})
