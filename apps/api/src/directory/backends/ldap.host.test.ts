import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { signIn } from '../../identity/service.ts'
import { adminPassword } from '../../identity/testing.ts'
import { anonymousCtx } from '../../identity/tokens.ts'
import { expectCloudError } from '../../kernel/testing.ts'
import { startLdap } from './ldap/backend.ts'
import { Directory } from './ldap/connection.ts'
import { importDomain } from './ldap/review.ts'
import { dnOf, rootDn, suffix } from './ldap/testing.ts'
import '../../register.ts'
import {
  closeLdap,
  cloud,
  ctx,
  directory,
  domainId,
  enter,
  nextAddress,
  openLdap,
  person,
  post,
  review,
  rowOf,
  slapd,
  stands,
  tokenOf,
  writeSettings,
  yaml,
} from './ldap.testing.ts'

beforeAll(openLdap)
afterAll(closeLdap)

describe('sign-in', () => {
  let alice: { uid: string; password: string }
  beforeAll(async () => {
    alice = await person()
  })

  test('works with the directory’s password over STARTTLS: at the API by name and by id, and at the portal', async () => {
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
  ])('fails with %s', async (_, name, password) => {
    const answer = await enter(name, password)
    if (name !== '') expect(answer.json()).toEqual(unauthorized)
    expect([400, 401]).toContain(answer.statusCode)
  })
  test('works over ldaps:// with the right authority only', async () => {
    const { settings } = directory()
    const over = (more: object) =>
      new Directory({ ...settings, url: slapd.secureUrl, starttls: false, ...more }).use((connection) =>
        connection.isPassword(dnOf(alice.uid), alice.password),
      )
    expect(await over({})).toBe(true)
    await expectCloudError(over({ ca: undefined }), 'unavailable')
  })
  test('takes the same time for a known and an unknown user', async () => {
    const time = async (name: string) => {
      const started = performance.now()
      expect((await enter(name, 'wrong')).statusCode).toBe(401)
      return performance.now() - started
    }
    const known: number[] = []
    const unknown: number[] = []
    // The fastest answers are compared: a busy machine delays some, and needs more tries.
    const differ = () => Math.abs(Math.min(...known) - Math.min(...unknown)) >= Math.min(...known) / 3
    for (let n = 0; n < 12 || (n < 120 && differ()); n++) {
      // The test deletes the failures, so that the account never waits.
      await cloud.deps.root.signInLimit.deleteMany()
      known.push(await time(alice.uid))
      unknown.push(await time('nobody'))
    }
    // The difference is less than hashing a password costs, so neither answer skips the hash.
    const [one, other] = [Math.min(...known), Math.min(...unknown)]
    expect(Math.abs(one - other), `${known} and ${unknown}`).toBeLessThan(one / 3)
    // On a busy machine a try takes a second, and the fastest of forty was no fast one.
  }, 240_000)
  test('a bind without a password succeeds at this server, but is never taken for the password', async () => {
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
  test.each([[null], [0], [true], [[]], [{}]])('fails with the password %j', async (password) => {
    expect((await enter(alice.uid, password)).statusCode).toBe(400)
  })
})

describe('when the directory fails', () => {
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
  test('a directory that is down gives a clear error, other domains work, and old tokens stay valid', async () => {
    const token = await tokenOf(alice.uid, alice.password)
    await slapd.stop()
    await isUnavailable()
    await expectCloudError(review(), 'unavailable')
    expect(await stands(token)).toBe(200)
    await slapd.start()
    await tokenOf(alice.uid, alice.password)
  })
  test('a directory that hangs gives the same error within the time limit', async () => {
    slapd.signal('SIGSTOP')
    try {
      // Without a time limit the sign-in would wait for ever, and this test with it.
      await isUnavailable()
    } finally {
      slapd.signal('SIGCONT')
    }
    await tokenOf(alice.uid, alice.password)
  })
  test('a certificate of another authority, a missing base and a wrong searcher give an error and disable nobody', async () => {
    const { settings } = directory()
    const search = (more: object) => importDomain(ctx, domainId, new Directory({ ...settings, ...more }))
    await expectCloudError(search({ ca: undefined }), 'unavailable')
    await expectCloudError(search({ users: { ...settings.users, base: `ou=none,${suffix}` } }), 'unavailable')
    await expectCloudError(search({ bind: { dn: rootDn, password: 'wrong' } }), 'unavailable')
    expect((await rowOf(alice.uid).catch(() => null))?.enabled).not.toBe(false)
  })
  test.each([true, false])(
    'a connection that was cut is never opened again (STARTTLS: %s)',
    async (starttls) => {
      const heard: Buffer[] = []
      let connections = 0
      let cut: () => void = () => undefined
      const [, port = ''] = /:(\d+)$/.exec(slapd.url) ?? []
      // A proxy that passes everything on, and cuts the first connection when told.
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
    },
  )
})

test('users of a domain that the file no longer names are disabled', async () => {
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
