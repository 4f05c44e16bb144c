import { NextRequest } from 'next/server'
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { proxy } from '../../proxy.ts'
import { authOptions } from './auth-options.ts'
import { forwardTrpc } from './forward.ts'
import { isHost, isTls, publicHost, sourceOf } from './front-door.ts'
import { cookieName, sealSession } from './session-cookie.ts'

vi.mock('next/headers', () => ({ cookies: async () => ({ get: () => undefined }) }))

const project = 'a87a663c0f5d4ce38a1f0a4bd1f642c8'
const sessionView = {
  user: { id: 'u', name: 'ann', domainId: 'default', domainName: 'Default' },
  project: { id: project, name: 'demo' },
  ...{ domain: null, system: false, expiresAt: '', passwordExpiresAt: null },
}
const secret = 'front-door-test-front-door-test-1234'
const said = {
  host: '127.0.0.1:7002',
  'x-forwarded-for': '203.0.113.9',
  'x-forwarded-host': 'cloud.example',
  'x-forwarded-proto': 'https',
}
const proven = { ...said, 'x-stratolith-door': secret }
const strangers: [string, Record<string, string>][] = [
  ['no proof', said],
  ['a wrong proof', { ...said, 'x-stratolith-door': `${secret}x` }],
  ['an empty proof', { ...said, 'x-stratolith-door': '' }],
]

beforeEach(() => {
  vi.stubEnv('STRATOLITH_FRONT_SECRET', secret)
  vi.stubEnv('STRATOLITH_WEB_SECRET', 'web')
  vi.stubEnv('STRATOLITH_API_URL', 'http://127.0.0.1:1')
  vi.stubEnv('NEXTAUTH_SECRET', 'session')
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
})

describe('what a request says about the browser', () => {
  it('is believed when it comes from the front door', () => {
    const headers = new Headers(proven)
    expect([sourceOf(headers), publicHost(headers), isTls(headers)]).toEqual([
      '203.0.113.9',
      'cloud.example',
      true,
    ])
  })
  it.each(strangers)('is not believed with %s', (_, given) => {
    const headers = new Headers(given)
    expect([sourceOf(headers), publicHost(headers), isTls(headers)]).toEqual([
      undefined,
      '127.0.0.1:7002',
      false,
    ])
  })
  it('is not believed when this process has no secret', () => {
    vi.stubEnv('STRATOLITH_FRONT_SECRET', '')
    expect(sourceOf(new Headers({ ...said, 'x-stratolith-door': '' }))).toBeUndefined()
  })
})

describe('a sign-in', () => {
  /** The source address that the API gets. */
  async function told(headers: Record<string, string>): Promise<string | null> {
    const asked = vi.fn(async (_url: string, _init: RequestInit) => new Response('{}', { status: 500 }))
    vi.stubGlobal('fetch', asked)
    const [provider] = authOptions(new Headers(headers)).providers
    const { authorize } = (provider as unknown as { options: { authorize: (input: object) => unknown } })
      .options
    await expect(authorize({ user: 'demo', password: 'x' })).rejects.toThrow()
    return new Headers(asked.mock.calls[0]?.[1].headers).get('x-stratolith-source')
  }
  it('counts failures for the browser’s address when it comes from the front door', async () => {
    expect(await told(proven)).toBe('203.0.113.9')
  })
  it.each(strangers)('counts failures for this machine with %s', async (_, headers) => {
    expect(await told(headers)).toBeNull()
  })
})

describe('a procedure that counts failures by address', () => {
  /** The source address that the API gets. */
  async function told(headers: Record<string, string>): Promise<string | null> {
    const asked = vi.fn(async (_url: string, init: RequestInit) => new Response(String(init.method)))
    vi.stubGlobal('fetch', asked)
    await forwardTrpc(
      new Request('http://127.0.0.1:7002/api/trpc/identity.changeExpiredPassword', {
        method: 'POST',
        headers,
      }),
      'identity.changeExpiredPassword',
    )
    return new Headers(asked.mock.calls[0]?.[1].headers).get('x-stratolith-source')
  }
  it('counts failures for the browser’s address when it comes from the front door', async () => {
    expect(await told(proven)).toBe('203.0.113.9')
  })
  it.each(strangers)('counts failures for this machine with %s', async (_, headers) => {
    expect(await told(headers)).toBeNull()
  })
})

test('a batch of more than 20 calls is refused and not passed on', async () => {
  const asked = vi.fn(async () => new Response('{}'))
  vi.stubGlobal('fetch', asked)
  const statusOf = async (count: number) => {
    const calls = Array.from({ length: count }, () => 'system.facts').join(',')
    return (await forwardTrpc(new Request('http://127.0.0.1:7002/api/trpc/x?batch=1'), calls)).status
  }
  expect([await statusOf(21), asked.mock.calls.length]).toEqual([400, 0])
  expect([await statusOf(20), asked.mock.calls.length]).toEqual([200, 1])
})

describe('the Host header', () => {
  it.each(['cloud.example', 'cloud.example:8080', '192.0.2.1:80', '[2001:db8::1]:8080', 'my_host'])(
    'may be %s',
    (text) => expect(isHost(text)).toBe(true),
  )
  it.each(['', 'a"x', 'a b', 'a/b', 'a@b', 'a?b', 'a:99999', '[::1', 'a:b:c', 'x'.repeat(300)])(
    'may not be %o',
    (text) => expect(isHost(text)).toBe(false),
  )
  it.each([{ host: 'a"x' }, { ...proven, 'x-forwarded-host': 'a"x' }])(
    'gives a 400 at the portal when it is none: %o',
    async (headers) => {
      const request = new NextRequest('http://127.0.0.1:7002/instances', { headers })
      expect((await proxy(request)).status).toBe(400)
    },
  )
  it.each([
    ['/instances?status=ERROR', false, `/${project}/instances?status=ERROR`],
    ['/', false, `/${project}`],
    ['/', true, '/cloud'],
    ['/admin/hosts', true, '/cloud/admin/hosts'],
    ['/instances', true, `/${project}/instances`],
    ['/instances/7', true, '/cloud/instances/7'],
  ])(
    'leads from an address without a place, %s, to the page at its place (administrator: %s)',
    async (path, admin, to) => {
      const view = { ...sessionView, roles: admin ? ['admin'] : ['member'], admin }
      const cookie = `${cookieName('session')}=${await sealSession({ token: 't', session: view })}`
      const request = new NextRequest(`http://127.0.0.1:7002${path}`, { headers: { ...proven, cookie } })
      expect((await proxy(request)).headers.get('location')).toBe(`https://cloud.example${to}`)
      const there = new NextRequest(`http://127.0.0.1:7002${to}`, { headers: { ...proven, cookie } })
      expect((await proxy(there)).headers.get('location')).toBeNull()
    },
  )
  it('leads visitors without a session to the sign-in page of that host', async () => {
    const request = new NextRequest('http://127.0.0.1:7002/instances', { headers: proven })
    const answer = await proxy(request)
    expect(answer.headers.get('location')).toBe('https://cloud.example/sign-in?from=%2Finstances')
  })
})
