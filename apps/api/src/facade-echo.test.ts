import type { LightMyRequestResponse } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generatePair } from './compute/key-pairs/openssh.ts'
import { type FacadeWorld, facadeWorld, send, tokenOfCaller } from './facade.testing.ts'
import { examples } from './rooms.testing.ts'
import './register.ts'
import { allOperations } from './openstack/operation.ts'

/**
 * Tests that the cloud answers each field as it was sent: Terraform and Ansible compare, and at every run would change
 * a field that differs.
 */
let cloud: FacadeWorld
beforeAll(async () => {
  cloud = await facadeWorld()
})
afterAll(() => cloud.close())

type Json = Record<string, unknown>
type Echo = {
  /** The operation that is sent with its body, the operation that shows the thing (`show`), and the parameters of the latter (`by`). */
  send: string
  body: Json
  query?: Record<string, string>
  show: string
  by?: (made: Json) => Record<string, string>
  /** For fields that are shown under another name: that name; null for fields that are not shown. */
  shown?: Record<string, string | null>
  /** Merges `body` into the example's body, which names things that are made anew each time. */
  onto?: true
  /** True for operations that only the owner may use. */
  mine?: true
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
  ...keystoneEchoes(),
  {
    send: 'identity:endpoint_groups.create',
    show: 'identity:endpoint_groups.get',
    by: id('id'),
    body: {
      endpoint_group: {
        name: 'echo',
        description: 'a group',
        filters: { interface: 'public', region_id: null, service_id: 'any' },
      },
    },
  },
  {
    send: 'identity:endpoint_groups.update',
    show: 'identity:endpoint_groups.get',
    body: { endpoint_group: { name: 'new', description: null, filters: { region_id: 'Two' } } },
  },
  {
    send: 'identity:registered_limits.update',
    show: 'identity:registered_limits.get',
    body: { registered_limit: { resource_name: 'echo', default_limit: 0, description: 'é' } },
  },
  {
    send: 'identity:limits.update',
    show: 'identity:limits.get',
    body: { limit: { resource_limit: 0, description: 'none' } },
  },
  {
    send: 'identity:domain_config.put',
    show: 'identity:domain_config.get',
    body: { config: { identity: { driver: 'sql', list_limit: 3 } } },
  },
  {
    send: 'identity:consumers.create',
    show: 'identity:consumers.get',
    by: id('id'),
    body: { consumer: { description: 'a program' } },
  },
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
    onto: true,
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
    send: 'block-storage:volumes.create',
    show: 'block-storage:volumes.get',
    by: id('volume_id'),
    body: {
      volume: {
        ...{ size: 2, name: 'echo', description: 'a volume', metadata: { 'Key of:mine_1.a-b/c': 'value é' } },
        ...{ availability_zone: 'nova', volume_type: 'Standard', snapshot_id: null, source_volid: null },
      },
    },
  },
  {
    send: 'block-storage:volumes.update',
    show: 'block-storage:volumes.get',
    body: { volume: { name: 'renamed', description: 'another', metadata: { a: '' } } },
  },
  {
    send: 'block-storage:volumes.metadata.replace',
    show: 'block-storage:volumes.metadata.list',
    body: { metadata: { a: 'é' } },
  },
  {
    send: 'block-storage:backups.create',
    show: 'block-storage:backups.get',
    by: id('backup_id'),
    onto: true,
    body: { backup: { name: 'echo', description: 'a backup', container: 'c' } },
  },
  {
    send: 'block-storage:backups.update',
    show: 'block-storage:backups.get',
    body: { backup: { name: 'renamed', description: 'another' } },
  },
  {
    send: 'block-storage:quotas.update',
    show: 'block-storage:quotas.get',
    body: { quota_set: { volumes: 77, backups: 12, backup_gigabytes: 90, gigabytes: 780 } },
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

function created(kind: string, body: Json, more: Partial<Echo> = {}): Echo {
  const own = { colour: 'green', nested: { list: [1, null, { a: false }] }, none: null }
  return {
    send: `identity:${kind}s.create`,
    show: `identity:${kind}s.get`,
    by: id('id'),
    body: { [kind]: { ...body, ...own } },
    ...more,
  }
}
function changed(kind: string, body: Json, more: Partial<Echo> = {}): Echo {
  return { ...created(kind, body, more), send: `identity:${kind}s.update` }
}

/** The echoes of Keystone, with additional attributes of the caller, which Keystone stores, too. */
function keystoneEchoes(): Echo[] {
  const trust = {
    ...{ impersonation: true, expires_at: '2099-02-27T18:30:59.999999Z', remaining_uses: 5 },
  }
  const rule = { service: 'compute', method: 'GET', path: '/v2.1/{id}/**' }
  const credential = {
    ...{ name: 'echo', description: 'd', expires_at: '2099-12-31T23:59:59.000001', unrestricted: true },
    ...{ access_rules: [rule] },
  }
  return [
    created('domain', {
      ...{ name: 'echo', description: ' d ', enabled: false, tags: ['b', 'a'], options: { immutable: true } },
    }),
    changed('domain', { description: null, tags: ['c', 'b'] }),
    created('project', {
      ...{ name: 'echo', description: '', enabled: false, tags: ['b', 'a'], options: { immutable: true } },
      ...{ domain_id: 'default', parent_id: 'default', is_domain: false },
    }),
    created('project', { name: 'echo 2', is_domain: true, description: 'd', tags: ['a'], domain_id: null }),
    changed('project', { description: 'new', tags: ['c', 'b'] }),
    {
      send: 'identity:projects.tags.replace',
      show: 'identity:projects.tags.list',
      body: { tags: ['b', 'a'] },
    },
    created('user', {
      ...{ name: 'echo', description: 'd', enabled: false, email: 'no address', domain_id: 'default' },
      ...{ default_project_id: 'of-nobody', options: { lock_password: true } },
    }),
    changed('user', { description: '', email: '', enabled: true, options: { ignore_password_expiry: true } }),
    created('group', { name: 'echo', description: null, domain_id: 'default' }),
    changed('group', { name: 'echo 2', description: 'new' }),
    created('role', { name: 'echo', description: 'd', options: { immutable: true }, domain_id: 'default' }),
    changed('role', { name: 'echo 2', description: '' }),
    created('service', { type: 'dns', name: '', description: 'd', enabled: false }),
    changed('service', { type: 'dns2', name: null, description: null, enabled: true }),
    created(
      'endpoint',
      { interface: 'admin', url: 'http://x/%(tenant_id)s', enabled: false, region: 'far', name: 'n' },
      { onto: true },
    ),
    changed('endpoint', { interface: 'internal', url: 'https://x/', enabled: true, region_id: 'RegionOne' }),
    created('region', { id: 'echo 1', description: 'd', parent_region_id: 'RegionOne' }),
    changed('region', { description: 'new', parent_region_id: 'RegionOne' }),
    { ...changed('region', { description: 'put', parent_region_id: null }), send: 'identity:regions.put' },
    created('credential', { type: 'cert', blob: ' text\n' }, { onto: true }),
    changed('credential', { blob: '{"access":"echo","secret":"s"}', type: 'ec2' }),
    {
      ...created('policy', { type: 'text/plain', blob: '' }),
      ...{ send: 'identity:policies.create', show: 'identity:policies.get' },
    },
    {
      ...changed('policy', { type: 'x/y', blob: ' b ' }),
      ...{ send: 'identity:policies.update', show: 'identity:policies.get' },
    },
    ...[trust, { ...trust, remaining_uses: null, allow_redelegation: true, redelegation_count: 2 }].map(
      (body): Echo => ({
        ...{ send: 'identity:trusts.create', show: 'identity:trusts.get', by: id('id') },
        ...{ body: { trust: body }, shown: { allow_redelegation: null }, onto: true, mine: true },
      }),
    ),
    {
      send: 'identity:application_credentials.create',
      show: 'identity:application_credentials.get',
      by: (made) => ({ user_id: String(inner(made).user_id), id: String(inner(made).id) }),
      ...{ body: { application_credential: credential }, onto: true, mine: true },
      // The stored rules have an id each, so they are not compared.
      shown: { access_rules: null },
    },
  ]
}

describe('the cloud answers each field as it was sent', () => {
  test.each(echoes.map((echo) => [`${echo.send} → ${echo.show}`, echo] as const))('%s', async (_, echo) => {
    const token = cloud.tokens[echo.mine ? 'ownerMember' : 'admin']
    const { params = {}, body: plain } = (await examples[echo.send]?.make(cloud.owner)) ?? {}
    const body = echo.onto ? put(echo.body, plain as Json) : echo.body
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

/** The operations of the façades that accept a trailing slash; Neutron's are tested in their room. */
const withSlash = allOperations().filter(
  (o) =>
    ['identity', 'compute', 'image', 'block-storage'].includes(o.facade.service) &&
    o.method === 'GET' &&
    !o.path.endsWith('/'),
)
describe('an address with a trailing slash means the same', () => {
  test.each(withSlash.map((o) => [`${o.facade.service}:${o.name}`, o] as const))(
    '%s',
    async (name, operation) => {
      const example = (await examples[name]?.make(cloud.owner)) ?? {}
      const { method, facade, below, path } = operation
      const slashed = { ...operation, method, facade, below, path: `${path}/` }
      const answer = await send(cloud, slashed, example, tokenOfCaller(cloud, operation))
      expect(answer.statusCode, answer.body).toBe(operation.status)
    },
  )
})

const put = (body: Json, plain: Json) => ({
  [Object.keys(body)[0] ?? '']: { ...inner(plain), ...inner(body) },
})

/** The fields of a body: below its only key or, for images, at the top. */
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
