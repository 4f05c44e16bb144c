import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { listRoute } from './first-read.tsx'
import type { ListQuery } from './list-query.ts'

const place = 'a'.repeat(32)
const session = { project: { id: place, name: 'demo' }, domain: null, system: false }
let accept: string
let token: string | null
vi.mock('next/headers', () => ({
  headers: async () => new Headers({ accept }),
  cookies: async () => ({}),
}))
vi.mock('../identity/server/session-cookie.ts', () => ({
  readSession: async () => token && { token, session },
}))
vi.mock('../identity/server/places.ts', () => ({
  sessionAt: async (known: { token: string }, at: string) => ({ token: `${known.token} at ${at}`, session }),
}))

type Asked = { path: string; token: string | null; input: unknown }
let asked: Asked[]
let answer: (path: string, signal: AbortSignal) => Promise<unknown>
beforeEach(() => {
  accept = 'text/html'
  token = 'of-ann'
  asked = []
  answer = async (path) => (path.endsWith('position') ? '1.2.3' : { items: [{ id: 'x' }], total: 1 })
  vi.stubEnv('STRATOLITH_API_URL', 'http://api.invalid')
  vi.stubEnv('STRATOLITH_WEB_SECRET', 's')
  vi.stubGlobal('fetch', async (url: string, init: RequestInit & { signal: AbortSignal }) => {
    const { pathname, searchParams } = new URL(url)
    const input = JSON.parse(searchParams.get('input') ?? 'null')
    asked.push({ path: pathname, token: new Headers(init.headers).get('x-auth-token'), input })
    return Response.json({ result: { data: await answer(pathname, init.signal) } })
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.unstubAllEnvs()
})

const keyPairs: ListQuery<{ id: string }> = (page, { kind }, trpc) =>
  trpc.compute.keyPairs.list.queryOptions({ ...page, kind } as typeof page) as never

type Rendered = { props: { state: { queries: { queryKey: unknown; state: { data: unknown } }[] } | null } }
async function open(address: Record<string, string | string[]> = {}) {
  const route = listRoute(keyPairs, null)
  const element = await route({
    params: Promise.resolve({ place }),
    searchParams: Promise.resolve(address),
  })
  return (element as unknown as Rendered).props.state?.queries ?? []
}

test('the page of the address is read with the token of the request, after the place in the event log', async () => {
  const [found] = await open({ search: 'web', sort: '-name', after: 'c', kind: ['ssh', 'x509'], create: '1' })
  const input = { search: 'web', sort: '-name', limit: 50, marker: 'c', kind: 'ssh' }
  expect(asked).toEqual([
    { path: '/trpc/operations.position', token: 'of-ann', input: null },
    { path: '/trpc/compute.keyPairs.list', token: `of-ann at ${place}`, input },
  ])
  expect(found?.queryKey).toEqual([['compute', 'keyPairs', 'list'], { input, type: 'query' }])
  expect(found?.state.data).toEqual({ items: [{ id: 'x' }], total: 1 })
})

test('nothing of a person is there for the next request', async () => {
  await open()
  token = 'of-bob'
  answer = async (path) => (path.endsWith('position') ? '1.2.3' : { items: [{ id: 'y' }], total: 1 })
  const [found] = await open()
  expect(asked.at(-1)?.token).toBe(`of-bob at ${place}`)
  expect(found?.state.data).toEqual({ items: [{ id: 'y' }], total: 1 })
  token = null
  expect(await open()).toEqual([])
})

test('a page that is opened by a link asks itself', async () => {
  accept = '*/*'
  expect(await open()).toEqual([])
  expect(asked).toEqual([])
})

test('an API that fails, or does not answer in time, leaves the page without data', async () => {
  answer = () => Promise.reject(new Error('down'))
  expect(await open()).toEqual([])
  answer = async (path, signal) =>
    path.endsWith('position')
      ? '1.2.3'
      : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const before = Date.now()
  expect(await open()).toEqual([])
  expect(Date.now() - before).toBeLessThan(5_000)
})

test('the server reads the rows of every page that is a list', () => {
  const app = path.resolve(import.meta.dirname, '../app/[place]')
  const lists = fs
    .globSync('**/page.tsx', { cwd: app, exclude: (name) => name.startsWith('[') })
    .flatMap((file) => {
      const route = fs.readFileSync(path.join(app, file), 'utf8')
      const page = /from '(.*Page\.tsx)'/.exec(route)?.[1]
      const isList =
        page &&
        fs.readFileSync(path.resolve(app, path.dirname(file), page), 'utf8').includes('<ResourceTable')
      return isList ? [{ file, isRead: route.includes('listRoute(') }] : []
    })
  expect(lists.length).toBeGreaterThan(20)
  expect(lists.filter(({ isRead }) => !isRead)).toEqual([])
})
