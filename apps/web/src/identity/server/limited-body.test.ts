import { NextRequest } from 'next/server'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { POST as auth } from '../../app/api/auth/[...nextauth]/route.ts'
import { POST as choose } from '../../app/api/project/route.ts'
import { POST as call, GET as look } from '../../app/api/trpc/[...trpc]/route.ts'
import { cookieName, sealSession } from './session-cookie.ts'

const jar = new Map<string, string>()
vi.mock('next/headers', () => {
  const entry = (name: string) => (jar.has(name) ? { name, value: jar.get(name) ?? '' } : undefined)
  return { cookies: async () => ({ get: entry }) }
})
// next-auth itself reads the whole body, as here.
vi.mock('next-auth', () => ({ default: async (request: Request) => Response.json(await request.json()) }))

const origin = 'http://127.0.0.1:7002'
beforeEach(() => {
  vi.stubEnv('NEXTAUTH_SECRET', 'session')
  vi.stubEnv('STRATOLITH_WEB_SECRET', 'web')
  vi.stubEnv('STRATOLITH_API_URL', 'http://127.0.0.1:1')
})
afterEach(() => {
  vi.unstubAllEnvs()
  jar.clear()
})

/** A request whose body goes on for as long as somebody reads. */
function endless(path: string, type: string) {
  let read = 0
  const body = new ReadableStream<Uint8Array>({
    pull(to) {
      read += 1 << 16
      to.enqueue(new Uint8Array(1 << 16).fill(97))
    },
  })
  const headers = { 'content-type': type, host: '127.0.0.1:7002', origin, 'sec-fetch-site': 'same-origin' }
  const init = { method: 'POST', headers, body, duplex: 'half' as const }
  return { request: new NextRequest(`${origin}${path}`, init), bytes: () => read }
}

describe('a route that reads a body stops after 1 MiB (A22.1)', () => {
  it.each(['application/json', 'application/x-www-form-urlencoded', 'text/plain'])(
    'at the sign-in, which strangers may call, as %s',
    async (type) => {
      const { request, bytes } = endless('/api/auth/callback/credentials', type)
      const params = Promise.resolve({ nextauth: ['callback', 'credentials'] })
      expect((await auth(request, { params })).status).toBe(413)
      expect(bytes()).toBeLessThan(2 << 20)
    },
  )
  it('where a person chooses a place', async () => {
    const session = { user: { id: 'u' } } as never
    jar.set(cookieName('session'), await sealSession({ token: 'slt_a', session }))
    const { request, bytes } = endless('/api/project', 'application/json')
    expect((await choose(request)).status).toBe(413)
    expect(bytes()).toBeLessThan(2 << 20)
  })
  it('where a procedure is called', async () => {
    const { request, bytes } = endless('/api/trpc/identity.changePassword', 'application/json')
    const params = Promise.resolve({ trpc: ['identity.changePassword'] })
    expect((await call(request, { params })).status).toBe(413)
    expect(bytes()).toBeLessThan(2 << 20)
  })
})

describe('the sign-in', () => {
  it('gets a body within the limit', async () => {
    const headers = { 'content-type': 'application/json', host: '127.0.0.1:7002' }
    const said = { user: 'ann', password: 'ü'.repeat(1000) }
    const init = { method: 'POST', headers, body: JSON.stringify(said) }
    const request = new NextRequest(`${origin}/api/auth/callback/credentials`, init)
    const params = Promise.resolve({ nextauth: ['callback', 'credentials'] })
    expect(await (await auth(request, { params })).json()).toEqual(said)
  })
})

describe('the name of a procedure', () => {
  it('may be any text, also one that cannot be decoded', async () => {
    const request = new NextRequest(`${origin}/api/trpc/%25`)
    expect((await look(request, { params: Promise.resolve({ trpc: ['%'] }) })).status).toBe(404)
  })
})
