import type { LightMyRequestResponse } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generatePair } from './compute/key-pairs/openssh.ts'
import { examples } from './facade.examples.ts'
import { type FacadeWorld, facadeWorld, send } from './facade.testing.ts'
import './register.ts'
import { allOperations } from './openstack/operation.ts'

/**
 * What was sent is what is answered, field by field: Terraform and Ansible compare, and change at every run
 * what is not as they sent it.
 */
let cloud: FacadeWorld
beforeAll(async () => {
  cloud = await facadeWorld()
})
afterAll(() => cloud.close())

type Json = Record<string, unknown>
type Echo = {
  /** What is sent; the operation that shows it, and what names the thing there. */
  send: string
  body: Json
  query?: Record<string, string>
  show: string
  by?: (made: Json) => Record<string, string>
  /** Fields under which something else than their own name shows it; null: nothing does. */
  shown?: Record<string, string | null>
}
const inner = (body: Json): Json => Object.values(body)[0] as Json
const id = (name: string) => (made: Json) => ({ [name]: String(inner(made).id) })
const publicKey = `${generatePair('me@laptop').publicKey}\n`

const server = {
  name: 'echo',
  description: 'a server',
  metadata: { 'Key of:mine_1.a-b': 'value é' },
  'OS-DCF:diskConfig': 'AUTO',
  accessIPv4: '192.0.2.9',
  accessIPv6: '2001:db8::9',
}
const echoes: Echo[] = [
  {
    send: 'compute:flavors.create',
    show: 'compute:flavors.get',
    by: id('flavor_id'),
    body: {
      flavor: {
        ...{ id: 'echo 1', name: 'echo', ram: 64, vcpus: 1, disk: 1, swap: 0, rxtx_factor: 1.5 },
        ...{ 'OS-FLV-EXT-DATA:ephemeral': 0, 'os-flavor-access:is_public': false, description: 'small' },
      },
    },
  },
  {
    send: 'compute:flavors.update',
    show: 'compute:flavors.get',
    body: { flavor: { description: 'new' } },
  },
  {
    send: 'compute:flavors.extra_specs.create',
    show: 'compute:flavors.extra_specs.list',
    body: { extra_specs: { 'x:y': 'Z' } },
  },
  {
    send: 'compute:keypairs.create',
    show: 'compute:keypairs.get',
    by: (made) => ({ name: String(inner(made).name) }),
    body: { keypair: { name: 'laptop', public_key: publicKey, type: 'ssh' } },
  },
  {
    send: 'compute:server_groups.create',
    show: 'compute:server_groups.get',
    by: id('group_id'),
    body: { server_group: { name: 'echo', policy: 'anti-affinity', rules: { max_server_per_host: 2 } } },
  },
  {
    send: 'compute:security_groups.create',
    show: 'compute:security_groups.get',
    by: id('group_id'),
    body: { security_group: { name: 'echo', description: 'a group' } },
  },
  {
    send: 'compute:security_groups.update',
    show: 'compute:security_groups.get',
    body: { security_group: { name: 'renamed', description: 'another' } },
  },
  {
    send: 'compute:servers.create',
    show: 'compute:servers.get',
    by: id('server_id'),
    body: { server: { ...server, tags: ['b', 'a'], availability_zone: 'nova', networks: 'none' } },
    shown: { availability_zone: 'OS-EXT-AZ:availability_zone', networks: null },
  },
  { send: 'compute:servers.update', show: 'compute:servers.get', body: { server: omit(server, 'metadata') } },
  {
    send: 'compute:servers.metadata.replace',
    show: 'compute:servers.metadata.list',
    body: { metadata: server.metadata },
  },
  { send: 'compute:servers.tags.replace', show: 'compute:servers.tags.list', body: { tags: ['b', 'a'] } },
  {
    send: 'compute:quotas.update',
    show: 'compute:quotas.get',
    body: { quota_set: { instances: 77, cores: 78, ram: 79_000, server_groups: -1, key_pairs: 9 } },
  },
  {
    send: 'compute:quotas.update',
    show: 'compute:quotas.get',
    query: { user_id: crypto.randomUUID().replaceAll('-', '') },
    body: { quota_set: { instances: 1, cores: 2, ram: 64, server_groups: 0, key_pairs: 3 } },
  },
  {
    send: 'image:images.create',
    show: 'image:images.get',
    by: (made) => ({ id: String(made.id) }),
    body: {
      ...{ id: crypto.randomUUID(), name: ' echo ', disk_format: 'qcow2', container_format: 'bare' },
      ...{ visibility: 'private', protected: true, os_hidden: true, min_disk: 1, min_ram: 64 },
      ...{ tags: ['b', 'a'], 'some.property': ' value\n', description: 'an image' },
    },
  },
  {
    send: 'image:images.members.create',
    show: 'image:images.members.get',
    by: (made) => ({ id: String(made.image_id), member_id: String(made.member_id) }),
    body: { member: 'somebody' },
    shown: { member: 'member_id' },
  },
]

function omit(from: Json, name: string): Json {
  const { [name]: _left, ...rest } = from
  return rest
}

const named = (name: string) => {
  const found = allOperations().find((o) => `${o.facade.service}:${o.name}` === name)
  if (!found) throw new Error(`no operation ${name}`)
  return found
}

describe('what was sent is what is answered', () => {
  test.each(echoes.map((echo) => [`${echo.send} → ${echo.show}`, echo] as const))('%s', async (_, echo) => {
    const token = cloud.tokens.admin
    const { params = {}, body: plain } = (await examples[echo.send]?.make(cloud.owner)) ?? {}
    // What an example has to name and the wish does not: an image, a flavor.
    const body = echo.send === 'compute:servers.create' ? launchOf(plain as Json, echo.body) : echo.body
    const sent = await send(cloud, named(echo.send), { params, body, query: echo.query }, token)
    expect(sent.statusCode, sent.body).toBeLessThan(300)
    const made = sent.json() as Json
    const shown = await send(
      cloud,
      named(echo.show),
      { params: echo.by?.(made) ?? params, query: echo.query },
      token,
    )
    expect(shownOf(shown, echo)).toEqual(wishOf(echo))
  })
})

const launchOf = (plain: Json, body: Json) => ({ server: { ...inner(plain), ...inner(body) } })

/** Bodies of one key are about what is below it; those of images have all of it at the top. */
const fieldsOf = (body: Json): Json => {
  const below = inner(body)
  return Object.keys(body).length === 1 && typeof below === 'object' && !Array.isArray(below) ? below : body
}
function wishOf({ body, shown = {} }: Echo): Json {
  return Object.fromEntries(
    Object.entries(fieldsOf(body)).flatMap(([name, value]) => {
      const there = shown[name] === undefined ? name : shown[name]
      return there === null ? [] : [[there, value]]
    }),
  )
}
function shownOf(answer: LightMyRequestResponse, echo: Echo): Json {
  const body = answer.json() as Json
  const fields = Object.keys(body).length === 1 ? fieldsOf(body) : body
  return Object.fromEntries(Object.keys(wishOf(echo)).map((name) => [name, fields[name]]))
}
