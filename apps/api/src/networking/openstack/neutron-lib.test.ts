import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FacadeWorld, facadeWorld } from '../../facade.testing.ts'
import { extensions } from './extensions.data.ts'
import { facts } from './neutron-lib.data.ts'
import { resources } from './operations.ts'
import type { Attributes, Specials } from './query.ts'

let cloud: FacadeWorld
/** By collection a thing that was made with only the required attributes. */
const made = new Map<string, Record<string, unknown>>()
beforeAll(async () => {
  cloud = await facadeWorld()
  const group = await make('security_group', { name: 'g' })
  const rule = { security_group_id: group, direction: 'ingress', remote_ip_prefix: '10.1.0.0/16' }
  await make('security_group_rule', rule)
  const network = await make('network', { name: 'n' })
  await make('port', { network_id: network })
  await make('subnet', { network_id: network, cidr: '10.66.0.0/24', ip_version: 4 })
  await make('router', { name: 'r' })
  await make('floatingip', { floating_network_id: cloud.owner.externalNetworkId })
})
afterAll(() => cloud.close())

const send = (method: 'GET' | 'POST', path: string, body?: object) =>
  cloud.app.inject({
    method,
    url: `/network/v2.0${path}`,
    headers: {
      'x-auth-token': cloud.tokens.admin,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { payload: JSON.stringify(body) } : {}),
  })
async function make(name: string, wish: object): Promise<string> {
  const answer = await send('POST', `/${name.replaceAll('_', '-')}s`, { [name]: wish })
  expect(answer.statusCode, answer.body).toBe(201)
  const view = answer.json()[name]
  made.set(`${name}s`, view)
  return view.id
}
async function list(collection: string, path: string, query = ''): Promise<Record<string, unknown>[]> {
  const answer = await send('GET', `${path}?${query}`)
  expect(answer.statusCode, `${path}?${query}: ${answer.body}`).toBe(200)
  return answer.json()[collection]
}

type Shape = { shape: Record<string, unknown> }
type Known = { path: string; attributes: Attributes; specials?: Specials; post?: Shape; put?: Shape }
const known = new Map<string, Known>(resources.map((one) => [one.collection, one as unknown as Known]))
/** Collections that are no resource with operations of their own; their handlers filter their lists. */
const others = new Map([
  ['availability_zones', '/availability_zones'],
  ['service_providers', '/service-providers'],
])
const of = (use: string) =>
  facts.flatMap(([alias, collection, name, uses]) =>
    uses.split(' ').includes(use) ? [[alias, collection, name] as const] : [],
  )
const where = facts.filter(([, collection]) => known.has(collection))

describe('every attribute of an extension that we publish', () => {
  it('is of a collection that the cloud has', () => {
    const strange = facts.filter(([, collection]) => !known.has(collection) && !others.has(collection))
    expect(strange).toEqual([])
    expect(extensions.some(({ alias }) => alias === 'revision-if-match')).toBe(true)
  })

  it('is shown where Neutron shows it, and taken (or refused with a sentence) where Neutron takes it', () => {
    const missing = where.flatMap(([, collection, attribute, uses]) => {
      const { attributes, post, put } = known.get(collection) as Known
      const lacks = (use: string, there: object | undefined) =>
        uses.split(' ').includes(use) && !(there && attribute in there)
          ? [`${collection}.${attribute} ${use}`]
          : []
      return [...lacks('shown', attributes), ...lacks('post', post?.shape), ...lacks('put', put?.shape)]
    })
    expect(missing).toEqual([])
  })

  it('has the default that Neutron names, when the request did not name it', () => {
    const wrong = facts.flatMap(([, collection, attribute, uses, fallback]) => {
      const view = made.get(collection)
      if (!view || fallback === undefined || !uses.includes('shown')) return []
      // The request that made the thing named these attributes, or the cloud gave them a value.
      if (['name', 'mtu', 'floating_ip_address'].includes(attribute)) return []
      return JSON.stringify(view[attribute]) === JSON.stringify(fallback)
        ? []
        : [`${collection}.${attribute}`]
    })
    expect(wrong).toEqual([])
  })

  it.each(of('filter'))(
    '%s %s.%s is a filter, and a value that nothing has finds nothing',
    async (_, collection, name) => {
      const path = known.get(collection)?.path ?? others.get(collection) ?? ''
      const all = await list(collection, path)
      expect(all.length).toBeGreaterThan(0)
      const filter = known.get(collection)?.attributes[name]
      const flag = filter && ('as' in filter ? filter.as === 'bool' : typeof filter.always === 'boolean')
      if (flag) {
        const halves = [
          await list(collection, path, `${name}=true`),
          await list(collection, path, `${name}=false`),
        ]
        expect(halves.flat()).toHaveLength(all.length)
        // Some attributes by which a list can be filtered are not shown.
        for (const [half, truth] of [
          [halves[0], true],
          [halves[1], false],
        ] as const)
          for (const one of half ?? []) expect(one[name] ?? truth).toBe(truth)
        return
      }
      const none = name === 'fixed_ips' ? 'ip_address%3D203.0.113.7' : '987654'
      expect(await list(collection, path, `${name}=${none}`)).toEqual([])
      const [one] = all
      const value = one?.[name]
      if (typeof value === 'string' || typeof value === 'number')
        expect(await list(collection, path, `${name}=${encodeURIComponent(value)}`)).toContainEqual(one)
    },
  )

  it.each(of('sort'))('%s %s.%s is a key to sort by', async (_, collection, name) => {
    const path = known.get(collection)?.path ?? ''
    const up = await list(collection, path, `sort_key=${name}&sort_dir=asc`)
    expect(up).toHaveLength((await list(collection, path)).length)
    const texts = up.flatMap((one) => (typeof one[name] === 'string' ? [one[name] as string] : []))
    const down = await list(collection, path, `sort_key=${name}&sort_dir=desc`)
    expect(down.flatMap((one) => (typeof one[name] === 'string' ? [one[name] as string] : []))).toEqual(
      texts.toReversed(),
    )
  })
})

it.each([
  'networks',
  'subnets',
  'ports',
  'routers',
  'floatingips',
  'security-groups',
  'security-group-rules',
])('%s are found by the time of their last change', async (path) => {
  const collection = path.replaceAll('-', '_')
  expect(await list(collection, `/${path}`, 'changed_since=2999-01-01T00:00:00')).toEqual([])
  expect(await list(collection, `/${path}`, 'changed_since=2000-01-01T00:00:00Z')).toEqual(
    await list(collection, `/${path}`),
  )
  const answer = await send('GET', `/${path}?changed_since=yesterday`)
  expect([answer.statusCode, answer.json().NeutronError.message]).toEqual([
    400,
    expect.stringMatching(/changed_since/),
  ])
})
