import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Ctx, systemCtx } from '../../kernel/context.ts'
import { expectCloudError } from '../../kernel/testing.ts'
import { createProject } from '../projects/service.ts'
import { assignRole } from '../roles/by-name.ts'
import { signIn } from '../service.ts'
import { adminPassword, testCloud, testFacade } from '../testing.ts'
import { anonymousCtx } from '../tokens.ts'
import { deleteGroup, updateGroup } from '../users/groups.ts'
import { resetPassword } from '../users/password.ts'
import { createUser, deleteUser, listUsers, updateUser } from '../users/service.ts'
import { startLdap } from './ldap/backend.ts'
import { Directory } from './ldap/connection.ts'
import { directoryOf } from './ldap/domains.ts'
import { importDomain, reviewDomain } from './ldap/review.ts'
import {
  addGroup,
  addPerson,
  dnOf,
  replace,
  rootDn,
  rootPassword,
  type Slapd,
  startSlapd,
  suffix,
} from './ldap/testing.ts'
import '../../catalog/register.ts'

/** Identity against a real slapd of Debian's. */

let cloud: Awaited<ReturnType<typeof testCloud>>
let slapd: Slapd
let app: FastifyInstance
let ctx: Ctx
let domainId = ''
let projectId = ''

beforeAll(async () => {
  cloud = await testCloud()
  slapd = await startSlapd()
  writeSettings(`corp: ${yaml({ starttls: true, tls: { ca: slapd.ca } })}`)
  await startLdap(cloud.deps)
  app = await testFacade(cloud.deps)
  ctx = systemCtx(cloud.deps, 'test')
  domainId = (await cloud.deps.root.domain.findUniqueOrThrow({ where: { name: 'corp' } })).id
  projectId = (await createProject(ctx, { name: 'papers', domainId })).id
})
afterAll(async () => {
  await app.close()
  await slapd.remove()
  await cloud.close()
})

/** What is not given is as in docs/operations.md; YAML takes JSON. */
const yaml = (more: object) =>
  JSON.stringify({
    url: slapd.url,
    bind: { dn: rootDn, passwordFile: 'ldap-password' },
    users: { base: `ou=people,${suffix}`, filter: '(&(objectClass=inetOrgPerson)(!(employeeType=left)))' },
    groups: { base: `ou=groups,${suffix}` },
    timeoutSeconds: 1,
    ...more,
  })
function writeSettings(text: string): void {
  fs.mkdirSync(cloud.deps.config.dataDir, { recursive: true })
  fs.writeFileSync(path.join(cloud.deps.config.dataDir, 'ldap-password'), `${rootPassword}\n`)
  fs.writeFileSync(path.join(cloud.deps.config.dataDir, 'ldap.yaml'), text)
}
const directory = (): Directory => {
  const found = directoryOf(domainId)
  if (!found) throw new Error('the domain has no directory')
  return found
}
const bringOver = () => importDomain(ctx, domainId, directory())
const review = () => reviewDomain(ctx, domainId, directory())

let addresses = 0
const nextAddress = () => `192.0.2.${++addresses % 250}`
const domain = { name: 'corp' }
type Scope = { scope?: object }
const post = (user: object, scope: Scope = {}) =>
  app.inject({
    method: 'POST',
    url: '/identity/v3/auth/tokens',
    payload: { auth: { identity: { methods: ['password'], password: { user } }, ...scope } },
    remoteAddress: nextAddress(),
  })
const enter = (name: string, password: unknown, scope?: Scope) => post({ name, domain, password }, scope)
const inPapers = () => ({ scope: { project: { id: projectId } } })
async function tokenOf(name: string, password: string, scope?: Scope): Promise<string> {
  const answer = await enter(name, password, scope)
  expect(answer.statusCode, answer.body).toBe(201)
  return String(answer.headers['x-subject-token'])
}
const stands = async (token: string) =>
  (await app.inject({ url: '/identity/v3/auth/catalog', headers: { 'x-auth-token': token } })).statusCode
const rowOf = (name: string) =>
  cloud.deps.root.user.findUniqueOrThrow({ where: { domainId_name: { domainId, name } } })

let people = 0
/** Somebody new in the directory. */
async function person(): Promise<{ uid: string; password: string }> {
  const uid = `person${++people}`
  const password = `canary-${uid}-password`
  await slapd.change((client) => addPerson(client, uid, password))
  return { uid, password }
}

describe('sign-in', () => {
  let alice: { uid: string; password: string }
  beforeAll(async () => {
    alice = await person()
  })

  test('with the password there, over STARTTLS: API by name and by id, and portal', async () => {
    const answer = await enter(alice.uid, alice.password)
    expect(answer.statusCode, answer.body).toBe(201)
    const { user } = answer.json().token
    expect(user).toMatchObject({ name: alice.uid, domain: { id: domainId, name: 'corp' } })
    expect(user.id).toMatch(/^[0-9a-f]{64}$/)
    expect((await post({ id: user.id, password: alice.password })).statusCode).toBe(201)
    const portal = await signIn(
      anonymousCtx(cloud.deps, 'test'),
      { user: alice.uid, password: alice.password, domain: 'corp' },
      nextAddress(),
    )
    expect(await stands(portal.token)).toBe(200)
    const row = await rowOf(alice.uid)
    expect(row).toMatchObject({ backend: 'ldap', passwordHash: null, email: `${alice.uid}@example.org` })
  })

  const unauthorized = {
    error: {
      code: 401,
      message: 'The request you have made requires authentication.',
      title: 'Unauthorized',
    },
  }
  test.each([
    ['a wrong password', 'person1', 'wrong'],
    ['an empty password', 'person1', ''],
    ['nobody', 'nobody', 'canary-person1-password'],
    ['everybody', '*', 'canary-person1-password'],
    ['a prefix', 'person*', 'canary-person1-password'],
    ['a filter', '*)(uid=*', 'canary-person1-password'],
    ['a filter around ours', 'person1)(|(uid=*', 'canary-person1-password'],
    ['an escape', '\\70erson1', 'canary-person1-password'],
    ['another case', 'PERSON1', 'canary-person1-password'],
    ['a space that the directory ignores', 'person1 ', 'canary-person1-password'],
    ['a DN', `uid=person1,ou=people,${suffix}`, 'canary-person1-password'],
    ['an empty name', '', 'canary-person1-password'],
  ])('not with %s', async (_, name, password) => {
    const answer = await enter(name, password)
    if (name !== '') expect(answer.json()).toEqual(unauthorized)
    expect([400, 401]).toContain(answer.statusCode)
  })
  test('over ldaps://', async () => {
    const { settings } = directory()
    const over = (more: object) =>
      new Directory({ ...settings, url: slapd.secureUrl, starttls: false, ...more }).use((connection) =>
        connection.isPassword(dnOf(alice.uid), alice.password),
      )
    expect(await over({})).toBe(true)
    await expectCloudError(over({ ca: undefined }), 'unavailable')
  })
  test('a known and an unknown user take the same time', async () => {
    const time = async (name: string) => {
      const started = performance.now()
      expect((await enter(name, 'wrong')).statusCode).toBe(401)
      return performance.now() - started
    }
    const known: number[] = []
    const unknown: number[] = []
    for (let n = 0; n < 12; n++) {
      // Forgets the failures, so that the account never waits.
      await cloud.deps.root.user.updateMany({ where: { domainId }, data: { failedSignIns: 0 } })
      known.push(await time(alice.uid))
      unknown.push(await time('nobody'))
    }
    // Half of what the digest of a password costs: nobody has left it out.
    const [one, other] = [Math.min(...known), Math.min(...unknown)]
    expect(Math.abs(one - other), `${known} and ${unknown}`).toBeLessThan(one / 3)
  })
  test('a bind without a password succeeds at this server, and yet it is never the password', async () => {
    await directory().use(async (connection) => {
      expect(await connection.isPassword(dnOf(alice.uid), '')).toBe(false)
      expect(await connection.isPassword(dnOf(alice.uid), '\0')).toBe(false)
      expect(await connection.isPassword('', 'x')).toBe(false)
    })
    const { Client } = await import('ldapts')
    const careless = new Client({ url: slapd.url })
    await careless.bind(dnOf(alice.uid), '')
    await careless.unbind()
  })
  test.each([[null], [0], [true], [[]], [{}]])('not with %j for a password', async (password) => {
    expect((await enter(alice.uid, password)).statusCode).toBe(400)
  })
})

describe('directory and rows', () => {
  test('users are listed and get roles before they first sign in', async () => {
    const { uid, password } = await person()
    await bringOver()
    const { items } = await listUsers(ctx, { domainId, limit: 50, name: { equals: uid } } as never)
    expect(items).toMatchObject([{ name: uid, backend: 'ldap', enabled: true, hasPassword: true }])
    await assignRole(ctx, { userId: items[0]?.id ?? '', role: 'member', target: { projectId } })
    const token = await tokenOf(uid, password, inPapers())
    expect(await stands(token)).toBe(200)
    const before = await rowOf(uid)
    await bringOver()
    expect(await rowOf(uid)).toEqual(before)
  })

  test.each(['removed', 'filtered out'])(
    '%s: tokens are void after a review, not one sign-in more',
    async (how) => {
      const { uid, password } = await person()
      const token = await tokenOf(uid, password)
      await review()
      expect(await stands(token)).toBe(200)
      await slapd.change((client) =>
        how === 'removed' ? client.del(dnOf(uid)) : replace(client, dnOf(uid), 'employeeType', ['left']),
      )
      await review()
      expect(await stands(token)).toBe(401)
      expect((await enter(uid, password)).statusCode).toBe(401)
      expect(await rowOf(uid)).toMatchObject({ enabled: false, disabledByBackend: true })
      if (how === 'removed') return
      await slapd.change((client) => replace(client, dnOf(uid), 'employeeType', []))
      await tokenOf(uid, password)
      expect(await stands(token)).toBe(401)
    },
  )
  test('removed: the next sign-in voids them, too, and an import does', async () => {
    const [one, other] = [await person(), await person()]
    const tokens = [await tokenOf(one.uid, one.password), await tokenOf(other.uid, other.password)]
    await slapd.change((client) => client.del(dnOf(one.uid)))
    expect((await enter(one.uid, one.password)).statusCode).toBe(401)
    expect(await Promise.all(tokens.map(stands))).toEqual([401, 200])
    await slapd.change((client) => client.del(dnOf(other.uid)))
    await bringOver()
    expect(await Promise.all(tokens.map(stands))).toEqual([401, 401])
  })
  test('somebody new with an old name is somebody else', async () => {
    const { uid, password } = await person()
    await tokenOf(uid, password)
    const before = await rowOf(uid)
    await assignRole(ctx, { userId: before.id, role: 'member', target: { projectId } })
    await slapd.change((client) => client.del(dnOf(uid)))
    await slapd.change((client) => addPerson(client, uid, 'canary-of-another'))
    expect((await enter(uid, password)).statusCode).toBe(401)
    await tokenOf(uid, 'canary-of-another')
    expect((await enter(uid, 'canary-of-another', inPapers())).statusCode).toBe(401)
    expect((await rowOf(uid)).id).not.toBe(before.id)
  })
  test('a new name is the same user, whose tokens are void', async () => {
    const { uid, password } = await person()
    const token = await tokenOf(uid, password)
    const { id } = await rowOf(uid)
    await slapd.change((client) => client.modifyDN(dnOf(uid), dnOf(`${uid}-renamed`)))
    await review()
    expect((await rowOf(`${uid}-renamed`)).id).toBe(id)
    expect(await stands(token)).toBe(401)
    expect((await enter(uid, password)).statusCode).toBe(401)
    await tokenOf(`${uid}-renamed`, password)
  })
  test('two entries with one name: nobody signs in by it', async () => {
    const { uid, password } = await person()
    await slapd.change((client) => addPerson(client, `${uid}-twin`, password))
    await slapd.change((client) => replace(client, dnOf(`${uid}-twin`), 'uid', [`${uid}-twin`, uid]))
    expect((await enter(uid, password)).statusCode).toBe(401)
    await bringOver()
  })

  test('read-only: what the directory says is changed there', async () => {
    const { uid, password } = await person()
    const token = await tokenOf(uid, password)
    const { id } = await rowOf(uid)
    const refused = [
      createUser(ctx, { name: 'local', domainId, password: 'long enough' }),
      updateUser(ctx, { id, name: 'other', email: undefined }),
      updateUser(ctx, { id, email: 'a@b.org' }),
      resetPassword(ctx, { id, password: 'long enough' }),
      deleteUser(ctx, { id }),
    ]
    for (const one of refused) await expectCloudError(one, 'forbidden', /kept in another directory/)
    const changed = await app.inject({
      method: 'POST',
      url: `/identity/v3/users/${id}/password`,
      payload: { user: { original_password: password, password: 'long enough' } },
      headers: { 'x-auth-token': token },
      remoteAddress: nextAddress(),
    })
    expect([changed.statusCode, changed.body]).toEqual([403, expect.stringContaining('another directory')])
    expect(await stands(token)).toBe(200)
  })
  test('disabled here stays disabled; gone there can be deleted here', async () => {
    const { uid, password } = await person()
    const token = await tokenOf(uid, password)
    const { id } = await rowOf(uid)
    await updateUser(ctx, { id, enabled: false, email: undefined })
    expect(await stands(token)).toBe(401)
    await bringOver()
    expect((await enter(uid, password)).statusCode).toBe(401)
    await updateUser(ctx, { id, enabled: true, email: undefined })
    await tokenOf(uid, password)
    await slapd.change((client) => client.del(dnOf(uid)))
    await bringOver()
    await expectCloudError(
      updateUser(ctx, { id, enabled: true, email: undefined }),
      'forbidden',
      /Enable it there/,
    )
    await deleteUser(ctx, { id })
    expect(await cloud.deps.root.user.count({ where: { id } })).toBe(0)
  })

  test('groups give roles as long as the directory says so', async () => {
    const [member, other] = [await person(), await person()]
    const cn = `group of ${member.uid}`
    await slapd.change((client) => addGroup(client, cn, [member.uid, other.uid]))
    await bringOver()
    const group = await cloud.deps.root.group.findUniqueOrThrow({
      where: { domainId_name: { domainId, name: cn } },
    })
    const role = await cloud.deps.root.role.findFirstOrThrow({ where: { name: 'member' } })
    const key = `test ${group.id}`
    await cloud.deps.root.roleAssignment.create({
      data: { id: crypto.randomUUID(), key, groupId: group.id, roleId: role.id, projectId },
    })
    const token = await tokenOf(member.uid, member.password, inPapers())
    const groupDn = `cn=${cn},ou=groups,${suffix}`
    await slapd.change((client) => replace(client, groupDn, 'member', [dnOf(other.uid)]))
    await review()
    expect(await stands(token)).toBe(401)
    expect((await enter(member.uid, member.password, inPapers())).statusCode).toBe(401)
    const left = await tokenOf(other.uid, other.password, inPapers())
    await expectCloudError(updateGroup(ctx, { id: group.id, name: 'x' }), 'forbidden', /another directory/)
    await slapd.change((client) => client.del(groupDn))
    await bringOver()
    expect(await stands(left)).toBe(401)
    await deleteGroup(ctx, { id: group.id })
  })
  test('more than the limit: the first ones come, and nobody is disabled for it', async () => {
    const { uid, password } = await person()
    const token = await tokenOf(uid, password)
    const { settings } = directory()
    await importDomain(ctx, domainId, new Directory({ ...settings, limit: 2 }))
    expect(await stands(token)).toBe(200)
  })
})

describe('the directory fails', () => {
  let alice: { uid: string; password: string }
  beforeEach(async () => {
    alice = await person()
  })
  const isUnavailable = async () => {
    const answer = await enter(alice.uid, alice.password)
    expect([answer.statusCode, answer.body]).toEqual([
      503,
      expect.stringContaining('The directory of domain corp does not answer. Try again in a moment.'),
    ])
    expect(answer.body).not.toMatch(/127\.0\.0\.1|ECONN|ldap:/)
    const inDefault = { name: 'admin', domain: { name: 'Default' }, password: adminPassword }
    expect((await post(inDefault)).statusCode).toBe(201)
  }
  test('down: a sentence, other domains go on, tokens that were made stay', async () => {
    const token = await tokenOf(alice.uid, alice.password)
    await slapd.stop()
    await isUnavailable()
    await expectCloudError(review(), 'unavailable')
    expect(await stands(token)).toBe(200)
    await slapd.start()
    await tokenOf(alice.uid, alice.password)
  })
  test('hung: the same within its time', async () => {
    slapd.signal('SIGSTOP')
    try {
      // It would wait for ever (and this test with it) if nobody counted.
      await isUnavailable()
    } finally {
      slapd.signal('SIGCONT')
    }
    await tokenOf(alice.uid, alice.password)
  })
  test('a certificate of somebody else, a base or a searcher that are not there', async () => {
    const { settings } = directory()
    const search = (more: object) => importDomain(ctx, domainId, new Directory({ ...settings, ...more }))
    await expectCloudError(search({ ca: undefined }), 'unavailable')
    await expectCloudError(search({ users: { ...settings.users, base: `ou=none,${suffix}` } }), 'unavailable')
    await expectCloudError(search({ bind: { dn: rootDn, password: 'wrong' } }), 'unavailable')
    expect((await rowOf(alice.uid).catch(() => null))?.enabled).not.toBe(false)
  })
  test.each([true, false])('a cut connection is never opened again (STARTTLS: %s)', async (starttls) => {
    const heard: Buffer[] = []
    let connections = 0
    let cut: () => void = () => undefined
    const [, port = ''] = /:(\d+)$/.exec(slapd.url) ?? []
    // Hands on what it hears; cuts off the first one when told.
    const between = net.createServer((socket) => {
      connections += 1
      const to = net.connect(Number(port), '127.0.0.1')
      for (const end of [socket, to]) end.on('error', () => undefined)
      socket.on('data', (data) => heard.push(data))
      socket.pipe(to).pipe(socket)
      cut = () => {
        socket.destroy()
        to.destroy()
      }
    })
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve))
    const at = between.address() as net.AddressInfo
    const through = new Directory({ ...directory().settings, starttls, url: `ldap://127.0.0.1:${at.port}` })
    const check = (before: () => void) =>
      through.use(async (connection) => {
        before()
        await sleep(100)
        return connection.isPassword(dnOf(alice.uid), alice.password)
      })
    expect(await check(() => undefined)).toBe(true)
    await expectCloudError(
      check(() => cut()),
      'unavailable',
    )
    between.close()
    expect(connections).toBe(2)
    if (starttls) expect(Buffer.concat(heard).toString('latin1')).not.toMatch(/canary/)
  })
})

test('a domain that the file names no more: its users are out', async () => {
  const { uid, password } = await person()
  const token = await tokenOf(uid, password)
  writeSettings('')
  await startLdap(cloud.deps)
  expect(await stands(token)).toBe(401)
  expect((await enter(uid, password)).statusCode).toBe(401)
  await expect(async () => {
    writeSettings(`taken: ${yaml({})}`)
    const id = crypto.randomUUID()
    await cloud.deps.root.domain.create({ data: { id, name: 'taken' } })
    await cloud.deps.root.user.create({ data: { id: `${id}u`, domainId: id, name: 'local' } })
    await startLdap(cloud.deps)
  }).rejects.toThrow('the domain taken has 1 users of its own. Give the directory another domain.')
})
