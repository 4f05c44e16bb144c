import type { SessionView } from '@stratolith/api/identity/contract'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { isSignedIn, standing } from './current.ts'
import type { PortalSession } from './session-cookie.ts'

let known: PortalSession
vi.mock('next/headers', () => ({ cookies: async () => ({ get: () => undefined }) }))
vi.mock('./session-cookie.ts', () => ({ readSession: async () => known }))

const [own, other, third] = ['1'.repeat(32), '2'.repeat(32), '3'.repeat(32)]
const view = (over: Partial<SessionView>): SessionView => ({
  user: { id: 'u', name: 'ann', domainId: 'default', domainName: 'Default' },
  ...{ project: null, domain: null, system: false, roles: [], admin: false },
  ...{ expiresAt: new Date(Date.now() + 3_600_000).toISOString(), passwordExpiresAt: null },
  ...over,
})
const inProject = (id: string) => view({ project: { id, name: id }, roles: ['member'] })

/** The projects in which the user has a role; null when the sign-in has ended. */
let projects: string[] | null
let asked: string[]
/** The account asks for a second factor since the sign-in, which gives tokens for no other place then. */
let provesTooLittle: boolean
const failure = (code: string, status: number) => {
  const cloud = { code, message: 'No', requestId: '', field: null, retryable: false }
  return Response.json({ error: { message: 'No', code: -32_004, data: { cloud } } }, { status })
}
beforeEach(() => {
  vi.stubEnv('STRATOLITH_WEB_SECRET', 'web')
  vi.stubEnv('STRATOLITH_API_URL', 'http://127.0.0.1:1')
  known = { token: `anchor ${crypto.randomUUID()}`, session: inProject(own), project: own }
  projects = [own, other, third]
  asked = []
  provesTooLittle = false
  vi.stubGlobal('fetch', async (url: string | URL, init: RequestInit) => {
    asked.push(/identity\.(\w+)/.exec(String(url))?.[1] ?? '')
    if (projects === null) return failure('unauthenticated', 401)
    const data = (value: unknown) => Response.json({ result: { data: value } })
    if (String(url).includes('identity.places'))
      return data({ projects: projects.map((id) => ({ id, name: id })), domains: [], system: false })
    if (String(url).includes('identity.rescope')) {
      if (provesTooLittle) return failure('unauthenticated', 401)
      const { projectId } = JSON.parse(String(init.body))
      return projects.includes(projectId)
        ? data({ token: projectId, session: inProject(projectId) })
        : failure('not_found', 404)
    }
    const token = new Headers(init.headers).get('x-auth-token') ?? ''
    if (token === known.token) return data(view({}))
    return projects.includes(token) ? data(inProject(token)) : failure('unauthenticated', 401)
  })
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
})

test('a page in the own project costs one request to the API once the token is known', async () => {
  await standing(own)
  asked = []
  expect(await standing(own)).toMatchObject({ refused: false, session: { at: own, home: own } })
  expect(asked).toEqual(['session'])
})

test('who loses the project that they chose last goes on in the others', async () => {
  await Promise.all([standing(own), standing(other)])
  projects = [other, third]
  expect(await standing(other)).toMatchObject({ refused: false, session: { at: other } })
  expect(await standing(own), 'the tab of the lost project').toMatchObject({
    refused: true,
    session: { at: other, home: other, project: { id: other } },
  })
})

test('the project that was chosen last comes before the first by name', async () => {
  projects = [other, third]
  known = { ...known, project: third }
  expect(await standing(own)).toMatchObject({ refused: true, session: { at: third, home: third } })
})

test('who has lost every project is signed in all the same, and goes on when a project is given to them', async () => {
  projects = []
  expect(await standing(own)).toMatchObject({
    refused: true,
    session: { at: 'cloud', home: null, project: null, roles: [] },
  })
  projects = [third]
  expect(await standing('cloud')).toMatchObject({ refused: false, session: { at: third } })
})

test('there is no page without a sign-in', async () => {
  projects = null
  for (const place of [own, other, 'cloud']) expect(await standing(place), place).toBeNull()
})

test('the sign-in page sends nobody to a page that would send them back', async () => {
  const isThere = () => Promise.all(['/', `/${own}/instances`, `/${other}/images?after=x`].map(isSignedIn))
  expect(await isThere()).toEqual([true, true, true])
  known = { ...known, token: `anchor ${crypto.randomUUID()}` }
  await standing(own)
  provesTooLittle = true
  expect(await isThere()).toEqual([true, true, false])
  for (const place of [own, other]) expect((await standing(place)) !== null).toBe(place === own)
  projects = null
  expect(await isThere()).toEqual([false, false, false])
})
