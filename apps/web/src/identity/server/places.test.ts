import type { SessionView } from '@stratolith/api/identity/contract'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import * as events from '../../app/api/events/route.ts'
import * as project from '../../app/api/project/route.ts'
import * as token from '../../app/api/token/route.ts'
import * as upload from '../../app/api/upload/images/[id]/route.ts'
import { cloudError, isPlaceLost, isSessionOver } from '../../kit/errors.ts'
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
/** Tokens that the API knows no more, and projects in which the user has no role. */
let dead: Set<string>
let lost: Set<string>
beforeEach(() => {
  vi.stubEnv('STRATOLITH_WEB_SECRET', 'web')
  vi.stubEnv('STRATOLITH_API_URL', 'http://127.0.0.1:1')
  known = { ...inProject('own'), token: `anchor ${crypto.randomUUID()}` }
  dead = new Set()
  lost = new Set(['strange'])
  used = []
  rescoped = 0
  status = 200
  const failure = (code: string, httpStatus: number, headers = {}) => {
    const cloud = { code, message: 'No', requestId: '', field: null, retryable: false }
    const body = { error: { message: 'No', code: -32_004, data: { cloud } } }
    return Response.json(body, { status: httpStatus, headers })
  }
  vi.stubGlobal('fetch', async (url: string | URL, init: RequestInit) => {
    const by = new Headers(init.headers).get('x-auth-token') ?? ''
    if (String(url).includes('identity.rescope')) {
      rescoped += 1
      if (dead.has(by)) return failure('unauthenticated', 401, { 'x-stratolith-token': 'over' })
      const { projectId } = JSON.parse(String(init.body))
      if (lost.has(projectId)) return failure('not_found', 404)
      const token = `token of ${projectId}${dead.has(`token of ${projectId}`) ? ' again' : ''}`
      return Response.json({ result: { data: { ...inProject(projectId), token } } })
    }
    used.push(by)
    if (dead.has(by)) return failure('unauthenticated', 401, { 'x-stratolith-token': 'over' })
    return new Response('{}', { status })
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
  expect(used).toEqual(['token of own', 'token of one', 'token of two', 'token of one'])
  expect(rescoped, 'one token for each place').toBe(3)
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

const errorOf = async (answer: Response) => (await answer.json()).error

test('a page that loses its project is told so, and neither the session nor other pages end', async () => {
  await ask('own')
  await ask('one')
  dead.add('token of own')
  lost.add('own')
  const answer = await ask('own')
  expect(answer.status).toBe(403)
  const error = await errorOf(answer)
  expect([isPlaceLost(error), isSessionOver(error)]).toEqual([true, false])
  expect((await ask('one')).status).toBe(200)
  expect((await ask('two')).status, 'a page that is opened later').toBe(200)
})

test('a page whose token has ended, while the user may still be there, asks again with another token', async () => {
  await ask('one')
  dead.add('token of one')
  expect(await errorOf(await ask('one')).then(cloudError)).toMatchObject({ retryable: true })
  expect((await ask('one')).status).toBe(200)
  expect(used.at(-1)).toBe('token of one again')
})

test('late refusals of a token drop no newer token of the place', async () => {
  await ask('one')
  dead.add('token of one')
  const [api, late] = [globalThis.fetch, Promise.withResolvers<void>()]
  vi.stubGlobal('fetch', async (url: string | URL, init: RequestInit) => {
    const answer = await api(url, init)
    await late.promise
    return answer
  })
  const second = ask('one')
  await vi.waitFor(() => expect(used).toHaveLength(2))
  vi.stubGlobal('fetch', api)
  expect((await ask('one')).status, 'the first refusal asks for another token').toBe(503)
  expect(rescoped).toBe(2)
  late.resolve()
  expect((await second).status).toBe(503)
  expect((await ask('one')).status).toBe(200)
  expect(rescoped, 'the newer token is used').toBe(2)
})

test('the end of the sign-in ends every page', async () => {
  await Promise.all([ask('own'), ask('one')])
  for (const token of [known.token, 'token of own', 'token of one']) dead.add(token)
  for (const place of ['own', 'one', 'two']) expect((await ask(place)).status, place).toBe(401)
})

test('a wrong password is the API’s answer and no end of the token', async () => {
  await ask('one')
  status = 401
  expect((await ask('one')).status).toBe(401)
  status = 200
  await ask('one')
  expect(rescoped).toBe(1)
})

test('a sign-in has a bounded number of tokens, and those that are used stay', async () => {
  for (let index = 0; index < 60; index++) {
    await ask(`project ${index}`)
    await ask('one')
  }
  expect(rescoped).toBe(61)
  await ask('project 0')
  expect(rescoped, 'the oldest was dropped').toBe(62)
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
  const anchor = 'anchor'
  const cookie = ({ session }: PortalSession, project?: string) => ({
    ...{ token: anchor, session, ...(project ? { project } : {}) },
  })
  expect(chosen(cookie(admin), demo)).toEqual(cookie(admin, 'demo'))
  expect(chosen(cookie(demo), admin)).toEqual(cookie(admin, 'admin'))
  expect(chosen(cookie(demo), inProject('other'))).toEqual(cookie(inProject('other'), 'other'))
  expect(chosen(cookie(admin, 'demo'), system)).toEqual(cookie(system, 'demo'))
  expect(chosen(cookie(demo, 'demo'), domain('d'))).toEqual(cookie(domain('d'), 'demo'))
  expect(chosen(cookie(domain('d')), domain('e'))).toEqual(cookie(domain('e')))
  expect(chosen(cookie(domain('d')), demo)).toEqual(cookie(domain('d'), 'demo'))
  // An administrator of the cloud who asks for one domain gets the pages of that domain, and by the same list returns.
  expect(chosen(cookie(admin, 'demo'), domain('d'))).toEqual(cookie(domain('d'), 'demo'))
  expect(chosen(cookie(system), domain('d'))).toEqual(cookie(domain('d')))
  expect(chosen(cookie(domain('d')), system)).toEqual(cookie(system))
  expect(chosen(cookie(domain('d')), admin)).toEqual(cookie(admin, 'admin'))
})
