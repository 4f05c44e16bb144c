import type { SessionView } from '@stratolith/api/identity/contract'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import * as events from '../../app/api/events/route.ts'
import * as project from '../../app/api/project/route.ts'
import * as token from '../../app/api/token/route.ts'
import * as upload from '../../app/api/upload/images/[id]/route.ts'
import { isSessionOver } from '../../kit/errors.ts'
import { forwardTrpc } from './forward.ts'
import { chosen, sessionAt } from './places.ts'
import type { PortalSession } from './session-cookie.ts'

let known: PortalSession
vi.mock('next/headers', () => ({ cookies: async () => ({ get: () => undefined }) }))
vi.mock('./session-cookie.ts', () => ({ readSession: async () => known }))

const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
const view = (over: Partial<SessionView>): SessionView => ({
  user: { id: 'u', name: 'ann', domainId: 'default', domainName: 'Default' },
  ...{ project: null, domain: null, system: false, roles: ['member'], admin: false },
  ...{ expiresAt, passwordExpiresAt: null },
  ...over,
})
const inProject = (id: string, over: Partial<SessionView> = {}): PortalSession => ({
  token: `token of ${id}`,
  session: view({ project: { id, name: id }, ...over }),
})

/** The tokens that procedures were called with. */
let used: string[]
let rescoped: number
let status: number
beforeEach(() => {
  vi.stubEnv('STRATOLITH_WEB_SECRET', 'web')
  vi.stubEnv('STRATOLITH_API_URL', 'http://127.0.0.1:1')
  known = { ...inProject('own'), token: `own ${crypto.randomUUID()}` }
  used = []
  rescoped = 0
  status = 200
  vi.stubGlobal('fetch', async (url: string | URL, init: RequestInit) => {
    if (!String(url).includes('identity.rescope')) {
      used.push(new Headers(init.headers).get('x-auth-token') ?? '')
      return new Response('{}', { status })
    }
    rescoped += 1
    const { projectId } = JSON.parse(String(init.body))
    if (projectId !== 'strange') return Response.json({ result: { data: inProject(projectId) } })
    const cloud = { code: 'not_found', message: 'No', requestId: '', field: null, retryable: false }
    return Response.json({ error: { message: 'No', code: -32_004, data: { cloud } } }, { status: 404 })
  })
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
})

const ask = (place: string | null, user: string | null = null) =>
  forwardTrpc(
    new Request('http://portal/api/trpc/compute.instances.delete', {
      method: 'POST',
      headers: {
        ...(place === null ? {} : { 'x-stratolith-place': place }),
        ...(user === null ? {} : { 'x-stratolith-user': user }),
      },
    }),
    'compute.instances.delete',
  )

test('each page acts in its own place, whatever the cookie says', async () => {
  await ask('own')
  await ask('one')
  await ask('two')
  await ask('one')
  expect(used).toEqual([known.token, 'token of one', 'token of two', 'token of one'])
  expect(rescoped).toBe(2)
})

test('a page of one person does nothing as another who has signed in since then', async () => {
  const answer = await ask('own', 'bob')
  expect(answer.status).toBe(401)
  expect(isSessionOver(await answer.json().then(({ error }) => error))).toBe(true)
  expect((await ask('one', 'bob')).status).toBe(401)
  expect([used, rescoped]).toEqual([[], 0])
  expect((await ask('own', 'u')).status).toBe(200)
})

test('neither do the routes beside the procedures', async () => {
  const headers = { 'sec-fetch-site': 'same-origin', 'x-stratolith-user': 'bob' }
  const change = { method: 'POST', headers, body: JSON.stringify({ projectId: 'one' }) }
  const image = { params: Promise.resolve({ id: crypto.randomUUID() }) }
  const answers = await Promise.all([
    events.GET(new Request('http://portal/api/events?at=own&user=bob')),
    token.POST(new Request('http://portal/api/token', change)),
    project.POST(new Request('http://portal/api/project', change)),
    upload.PUT(new Request('http://portal/api/upload/images/x', { ...change, method: 'PUT' }), image),
  ])
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401])
  expect([used, rescoped]).toEqual([[], 0])
})

test('requests at the same time ask for one token', async () => {
  await Promise.all([ask('one'), ask('one'), ask('one')])
  expect(rescoped).toBe(1)
})

test('a request for a place where the user may not be changes nothing anywhere else', async () => {
  expect((await ask('strange')).status).toBe(403)
  expect((await ask('domain:')).status).toBe(403)
  expect(used).toEqual([])
  await ask('strange')
  expect(rescoped, 'a refusal is not kept').toBe(2)
})

test('a token that the API refuses is not used again', async () => {
  status = 401
  expect((await ask('one')).status).toBe(401)
  status = 200
  await ask('one')
  expect(rescoped).toBe(2)
})

test('another sign-in has tokens of its own', async () => {
  await sessionAt(known, 'one')
  await sessionAt({ ...known, token: 'another' }, 'one')
  expect(rescoped).toBe(2)
})

test('the cookie keeps the session that reaches furthest, and the project that was chosen', () => {
  const domain = (id: string) => ({
    token: `token of ${id}`,
    session: view({ domain: { id, name: id }, roles: ['reader'] }),
  })
  const [admin, demo, system] = [
    inProject('admin', { admin: true, roles: ['admin'] }),
    inProject('demo'),
    { token: 'system', session: view({ system: true, roles: ['reader'] }) },
  ]
  expect(chosen(admin, demo)).toEqual({ ...admin, project: 'demo' })
  expect(chosen(demo, admin)).toEqual({ ...admin, project: 'admin' })
  expect(chosen(demo, inProject('other'))).toEqual({ ...inProject('other'), project: 'other' })
  expect(chosen({ ...admin, project: 'demo' }, system)).toEqual({ ...system, project: 'demo' })
  expect(chosen({ ...admin, project: 'demo' }, domain('d'))).toEqual({ ...admin, project: 'demo' })
  expect(chosen({ ...demo, project: 'demo' }, domain('d'))).toEqual({ ...domain('d'), project: 'demo' })
  expect(chosen(domain('d'), domain('e'))).toEqual(domain('e'))
  expect(chosen(domain('d'), demo)).toEqual({ ...domain('d'), project: 'demo' })
})
