import type { LightMyRequestResponse } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FacadeWorld, facadeWorld, nextAddress, send, urlOf } from './facade.testing.ts'
import { examples } from './rooms.testing.ts'
import './register.ts'
import { allOperations, type MountedOperation } from './openstack/operation.ts'
import type { Example } from './openstack/testing.ts'

/**
 * Sends to every operation of the façades requests that are almost right: a valid example with one fault at a time. The
 * answer must never be a 5xx, an error must have a form that clients read and contain nothing
 * internal, and no request may leave things that the counters and reconcilers do not know.
 */
let cloud: FacadeWorld
beforeAll(async () => {
  cloud = await facadeWorld()
})
afterAll(() => cloud.close())

const key = (o: MountedOperation) => `${o.facade.service}:${o.name}`

/** Hostile values; each goes into each field of the example. */
const hostile: unknown[] = [
  null,
  true,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  '',
  [],
  {},
  [[[[]]]],
  { a: { b: { c: null } } },
  'x'.repeat(20_000),
  'nul\u0000here',
  '\ud800',
  '../../../../etc/passwd',
  "' OR 1=1; --",
  '${7*7}{{7*7}}`id`$(id)',
  'line\nbreak\r\ndhcp-option=6,6.6.6.6',
  '\u2028\u202e👩‍👩‍👧 ﷽',
  '(a+)+$',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  'ffffffffffffffffffffffffffffffff',
]
const ids = [
  '..%2f..%2f..%2fetc%2fpasswd',
  '%00',
  '%ff',
  '.',
  'x'.repeat(2000),
  '%F0%9F%92%A9',
  "1'%20OR%201=1",
]
const queries = [
  'limit=-1',
  'limit=99999999999999999999',
  'limit=abc',
  'marker=nope',
  'marker=ffffffff-ffff-ffff-ffff-ffffffffffff',
  'sort_key=__proto__&sort_dir=sideways',
  'sort=name:asc,,::&sort=x',
  'name=%25_%5C&name=(a%2B)%2B%24&name=',
  'fields=id&fields=nope&fields[]=x',
  'changes-since=yesterday&changes-before=0',
  'tags=%F0%9F%92%A9&tags-any=,,,&ip=%5B&status=%00',
  'all_tenants=maybe&deleted=2&project_id=..%2F..&fixed_ips=ip_address%3D%27',
  `q=${'x'.repeat(4000)}`,
]
const rawBodies = [
  '',
  '{',
  'null',
  '[]',
  '"text"',
  '1e999',
  '{"a":1,"a":2}',
  '{"__proto__":{"admin":true}}',
  `${'['.repeat(5000)}${']'.repeat(5000)}`,
  `{"a":${'{"a":'.repeat(40)}1${'}'.repeat(41)}`,
  `[${'0,'.repeat(30_000)}0]`,
  '\u{feff}{}',
]

/** Yields copies of the example's body with one field replaced, for each field down to the third level. */
function* mutations(body: unknown, depth = 0): Generator<unknown> {
  if (typeof body !== 'object' || body === null || depth > 3) return
  for (const [field, value] of Object.entries(body)) {
    const replaced = (inner: unknown) =>
      Array.isArray(body) ? body.with(Number(field), inner) : { ...body, [field]: inner }
    for (const bad of hostile) yield replaced(bad)
    if (!Array.isArray(body)) yield Object.fromEntries(Object.entries(body).filter(([k]) => k !== field))
    for (const inner of mutations(value, depth + 1)) yield replaced(inner)
  }
  if (!Array.isArray(body)) yield { ...body, unknown_field: { deep: ['x'] } }
}

function expectSane(answer: LightMyRequestResponse, what: string): void {
  const said = `${what} → ${answer.statusCode} ${answer.body.slice(0, 300)}`
  expect(answer.statusCode, said).toBeLessThan(500)
  expect(answer.headers['x-openstack-request-id'], said).toMatch(/^req-/)
  if (answer.statusCode < 400) return
  expect(answer.headers['content-type'], said).toMatch(
    /^(application\/json|text\/plain|text\/html)(; charset=utf-8)?$/i,
  )
  expect(answer.body, said).not.toMatch(
    /prisma|node_modules|SELECT |at .+\.ts:|violates|\/var\/|ECONN|<script/i,
  )
}

/**
 * How many values of each list an operation gets; it gets twice as many bodies. Each operation continues in
 * the lists where the previous one stopped, so that every value reaches every room; FUZZ_MOST=1000 sends
 * all values to all operations.
 */
const most = Number(process.env.FUZZ_MOST ?? 4)
function share<T>(all: readonly T[], turn: number, wanted = most): T[] {
  const n = Math.min(wanted, all.length)
  return Array.from({ length: n }, (_, i) => all[(turn * n + i) % all.length] as T)
}
/** Picks values spread over the whole list, so that the last fields of a body are tested as often as the first. */
function spread<T>(all: readonly T[], turn: number, wanted: number): T[] {
  const step = Math.max(1, all.length / wanted)
  return Array.from(
    { length: Math.min(wanted, all.length) },
    (_, i) => all[(Math.floor(i * step) + turn) % all.length] as T,
  )
}

describe('fuzz of the façades', () => {
  let sent = 0
  test.each(allOperations().map((o, turn) => [key(o), o, turn] as const))(
    '%s',
    async (name, operation, turn) => {
      const token = cloud.tokens[operation.access.startsWith('admin') ? 'admin' : 'ownerMember']
      let example = (await examples[name]?.make(cloud.owner)) ?? {}
      const renew = async (answer: LightMyRequestResponse) => {
        sent += 1
        if (operation.method !== 'GET' && answer.statusCode < 400)
          example = (await examples[name]?.make(cloud.owner)) ?? {}
      }
      const check = async (changed: Example, what: string) => {
        const answer = await send(cloud, operation, changed, token)
        expectSane(answer, `${name} ${what}`)
        await renew(answer)
      }
      for (const parameter of Object.keys(example.params ?? {}))
        for (const bad of share(ids, turn)) {
          const url = urlOf(operation, { ...example, params: { ...example.params, [parameter]: '@@' } })
          const answer = await inject(operation, url.replace('%40%40', bad), token, example)
          expectSane(answer, `${name} ${parameter}=${bad.slice(0, 40)}`)
          await renew(answer)
        }
      for (const query of share(queries, turn)) {
        const answer = await inject(operation, `${urlOf(operation, example)}?${query}`, token, example)
        expectSane(answer, `${name} ?${query.slice(0, 60)}`)
        await renew(answer)
      }
      if (example.body === undefined && operation.action === undefined) return
      for (const raw of share(rawBodies, turn)) {
        const answer = await inject(operation, urlOf(operation, example), token, example, raw)
        expectSane(answer, `${name} ${raw.slice(0, 40)}`)
        await renew(answer)
      }
      for (const body of [...share(hostile, turn), ...spread([...mutations(example.body)], turn, 2 * most)])
        await check({ ...example, body }, JSON.stringify(body)?.slice(0, 120) ?? '')
    },
  )

  test('left nothing that the counters and reconcilers do not know', async () => {
    await cloud.owner.settle()
    console.info(`fuzz: ${sent} requests`)
    const { root } = cloud.world.deps
    const failed = await root.operation.findMany({
      where: { errorCode: 'internal' },
      select: { action: true, errorMessage: true },
    })
    expect(failed).toEqual([])
    const stuck = await root.operation.count({ where: { state: { in: ['queued', 'running', 'undoing'] } } })
    expect(stuck).toBe(0)
    expect(sent).toBeGreaterThan(300)
  })
})

/** Sends a request as it is, without the corrections that light-my-request makes to JSON and addresses. */
function inject(
  operation: MountedOperation,
  url: string,
  token: string,
  example: Example,
  raw?: string,
): Promise<LightMyRequestResponse> {
  const range = operation.facade.microversions
  const body = operation.action === undefined ? example.body : { [operation.action]: example.body ?? null }
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  return cloud.app.inject({
    remoteAddress: nextAddress(),
    method: operation.method,
    url,
    headers: {
      'x-auth-token': token,
      ...(range
        ? {
            'openstack-api-version': `${range.service} ${range.max[0]}.${Math.min(operation.until ?? Infinity, range.max[1])}`,
          }
        : {}),
      ...(payload === undefined ? {} : { 'content-type': operation.accepts?.[0] ?? 'application/json' }),
      ...example.headers,
    },
    ...(payload === undefined ? {} : { payload }),
  })
}
