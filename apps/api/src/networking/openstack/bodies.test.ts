import { afterAll, beforeAll, expect, it } from 'vitest'
import { type FacadeWorld, facadeWorld } from '../../facade.testing.ts'
import { networkExamples } from '../testing.openstack.ts'
import { networkOperations, resources } from './operations.ts'

/**
 * Every field of every body is sent with every kind of JSON value: the answer is a success or a refusal, and never a
 * server error.
 */
let cloud: FacadeWorld
beforeAll(async () => {
  cloud = await facadeWorld()
})
afterAll(() => cloud.close())

const odd: unknown[] = [
  {},
  { toString: 1 },
  { a: [1] },
  [],
  [null],
  [{}],
  [['x']],
  0,
  -1,
  1e20,
  1.5,
  true,
  null,
  '',
  'constructor',
]
/** Fields that hold further fields: how a strange value is put inside of each. */
const inner: Record<string, (value: unknown) => unknown> = {
  fixed_ips: (value) => [{ subnet_id: value, ip_address: value }],
  allocation_pools: (value) => [{ start: value, end: value }],
  external_gateway_info: (value) => ({ network_id: value, enable_snat: value, external_fixed_ips: [value] }),
}
const known = new Map(resources.map((one) => [one.collection as string, one]))

/** The fields that an operation takes, found by the operation's name. */
function fieldsOf(operation: string, body: object): string[] {
  const [collection = '', action] = operation.split('.')
  const one = known.get(collection)
  const schema = action === 'create' ? one?.post : action === 'update' ? one?.put : undefined
  return schema ? Object.keys(schema.shape) : Object.keys(body)
}

const changing = networkOperations.filter(({ name, method }) => method !== 'GET' && name in networkExamples)

it.each(changing.map((one) => [one.name, one] as const))(
  '%s takes or refuses any value',
  async (name, operation) => {
    const example = await networkExamples[name]?.make(cloud.owner)
    const body = example?.body as Record<string, unknown> | undefined
    if (!body) return
    const path = operation.path.replace(/:([a-z_]+)/g, (_, key: string) => String(example?.params?.[key]))
    const [wrapper = '', wrapped] = Object.entries(body)[0] ?? []
    const isWrapped = typeof wrapped === 'object' && wrapped !== null && !Array.isArray(wrapped)
    const fields = fieldsOf(name, isWrapped ? wrapped : body)
    const bodies = odd.flatMap((value) => [
      value,
      { [wrapper]: value },
      ...fields.flatMap((field) =>
        [value, inner[field]?.(value) ?? value].map((there) =>
          isWrapped ? { [wrapper]: { ...wrapped, [field]: there } } : { ...body, [field]: there },
        ),
      ),
    ])
    for (const payload of new Set(bodies.map((one) => JSON.stringify(one)))) {
      const answer = await cloud.app.inject({
        method: operation.method,
        url: `/network/v2.0${path}`,
        headers: { 'x-auth-token': cloud.tokens.admin, 'content-type': 'application/json' },
        payload,
      })
      expect(answer.statusCode, `${operation.method} ${path} ${payload}: ${answer.body}`).toBeLessThan(500)
    }
  },
)

it('an MTU that is too small is refused, not made larger', async () => {
  const make = (mtu: number) =>
    cloud.app.inject({
      method: 'POST',
      url: '/network/v2.0/networks',
      headers: { 'x-auth-token': cloud.tokens.admin, 'content-type': 'application/json' },
      payload: { network: { name: 'small', mtu } },
    })
  expect((await make(100)).statusCode).toBe(400)
  expect((await make(0)).json().network.mtu).toBe(1500)
  expect((await make(576)).json().network.mtu).toBe(576)
})
