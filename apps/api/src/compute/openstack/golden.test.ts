import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FacadeWorld, facadeWorld, send } from '../../facade.testing.ts'
import { allOperations } from '../../openstack/operation.ts'
import { createServerGroup } from '../groups/service.ts'
import { aServer } from '../instances/testing.openstack.ts'
import { createKeyPair } from '../key-pairs/service.ts'
import { computeExamples } from '../testing.openstack.ts'

/**
 * Keys of the bodies in OpenStack's own samples, at the first and the last microversion that the door supports: an
 * answer has these keys and no others. 0 stands for any value, "*" for keys that a tenant chooses. In the schemas of
 * Tempest, one key too many is as wrong as one too few.
 */
type Shape = 0 | '*' | [Shape?] | { [key: string]: Shape }
type Golden = { old: Shape | null; new: Shape | null }
const golden: Record<string, Golden> = JSON.parse(
  readFileSync(new URL('./golden.json', import.meta.url), 'utf8'),
)

let cloud: FacadeWorld
beforeAll(async () => {
  cloud = await facadeWorld()
  // Make one thing of each kind, so that no list is empty.
  const { owner } = cloud
  await createKeyPair(owner.ctx, { name: 'mine' })
  await createServerGroup(owner.ctx, { name: 'group', policy: 'affinity' })
  await aServer(owner, { nics: [{ networkId: owner.networkId }], keyName: 'mine' })
})
afterAll(() => cloud.close())

/** Returns the shape of a value, with sorted keys; a list has the shape of its first element. */
function shapeOf(value: unknown, like: unknown): unknown {
  if (like === '*') return '*'
  if (Array.isArray(value))
    return typeof value[0] === 'object' ? [shapeOf(value[0], Array.isArray(like) ? like[0] : 0)] : []
  if (typeof value !== 'object' || value === null) return 0
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, shapeOf(inner, (like as Record<string, unknown> | undefined)?.[key])]),
  )
}

const cases = Object.entries(golden).flatMap(([name, shapes]) =>
  ([1, 79] as const).flatMap((minor) => {
    const operation = allOperations().find((o) => o.facade.service === 'compute' && o.name === name)
    if (!operation) throw new Error(`no operation ${name}`)
    const within = (operation.since ?? 0) <= minor && minor <= (operation.until ?? Infinity)
    const shape = minor === 1 ? shapes.old : shapes.new
    return within && shape ? [[`${name} at 2.${minor}`, operation, minor, shape] as const] : []
  }),
)

describe('bodies have the documented keys and no others', () => {
  test.each(cases)('%s', async (_title, operation, minor, shape) => {
    const example = await computeExamples[operation.name]?.make(cloud.owner)
    if (!example) throw new Error('no example')
    const answer = await send(
      cloud,
      operation,
      { ...example, ...(await exampleAt(operation.name, minor, example)), headers: version(minor) },
      operation.name.startsWith('keypairs.') ? cloud.tokens.ownerMember : cloud.tokens.admin,
    )
    expect(answer.statusCode, answer.body).toBeLessThan(300)
    const body: unknown = answer.json()
    expect(shapeOf(body, shape)).toEqual(shape)
  })
})

const version = (minor: number) => ({ 'openstack-api-version': `compute 2.${minor}` })

/** Returns the example of a request whose form has changed with the version. */
async function exampleAt(name: string, minor: number, example: object): Promise<object> {
  // These answers need a server with an interface and its group, which the plain example does not have.
  if (/^servers\.(get|update|interfaces\.list|security_groups|diagnostics)$/.test(name))
    return {
      params: { server_id: await aServer(cloud.owner, { nics: [{ networkId: cloud.owner.networkId }] }) },
    }
  if (minor !== 1) return {}
  if (name === 'server_groups.create')
    return { body: { server_group: { name: 'g', policies: ['affinity'] } } }
  if (name.startsWith('hypervisors.') && 'params' in example && !name.endsWith('search'))
    return { params: { id: '1' } }
  return {}
}
