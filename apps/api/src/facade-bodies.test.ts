import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FacadeWorld, facadeWorld, send, tokenOfCaller } from './facade.testing.ts'
import { examples } from './rooms.testing.ts'
import './register.ts'
import { allOperations, type MountedOperation } from './openstack/operation.ts'
import type { Example } from './openstack/testing.ts'

/**
 * Tests that no body causes a 500: a value of each JSON type is put into each field of every body of identity, compute,
 * images and volumes. The fuzz (facade-fuzz.test.ts) sends worse values, but only a share of them in each run.
 */
let cloud: FacadeWorld
beforeAll(async () => {
  cloud = await facadeWorld()
})
afterAll(() => cloud.close())

const kinds: unknown[] = [{ toString: 1 }, {}, [{ toString: 1 }], [], 7, true, null, 'text']
const key = (o: MountedOperation) => `${o.facade.service}:${o.name}`
/** Some of the values for a quota are good ones, and the other operations need what the quota then forbids. */
const ofQuota = (o: MountedOperation) => Number(o.name.includes('quota'))
const wanted = allOperations()
  .filter(
    (o) =>
      ['identity', 'compute', 'image', 'block-storage'].includes(o.facade.service) &&
      o.method !== 'GET' &&
      !o.stream,
  )
  .toSorted((a, b) => ofQuota(a) - ofQuota(b))

/** Fields that a body may have but that its example lacks. */
const more: Record<string, Record<string, unknown>> = {
  'compute:flavors.create': {
    flavor: {
      ...{ id: 'x', rxtx_factor: 1, description: 'd' },
      'os-flavor-access:is_public': true,
    },
  },
  'compute:keypairs.create': { keypair: { public_key: 'ssh-ed25519 AAAA', type: 'ssh', user_id: 'u' } },
  'compute:servers.create': {
    server: {
      ...{ adminPass: 'p', metadata: { a: 'b' }, 'OS-DCF:diskConfig': 'AUTO', accessIPv4: '1.2.3.4' },
      ...{ accessIPv6: '::1', availability_zone: 'nova', block_device_mapping: [], config_drive: true },
      ...{ block_device_mapping_v2: [{ source_type: 'image', boot_index: 0, uuid: 'u' }], key_name: 'k' },
      ...{ min_count: 1, max_count: 1, return_reservation_id: true, security_groups: [{ name: 'default' }] },
      ...{ user_data: 'eA==', description: 'd', tags: ['t'], trusted_image_certificates: null, host: 'a' },
      hypervisor_hostname: 'a',
    },
    'os:scheduler_hints': { group: crypto.randomUUID() },
  },
  'compute:servers.update': {
    server: { 'OS-DCF:diskConfig': 'AUTO', accessIPv4: '', accessIPv6: '', description: 'd' },
  },
  'compute:server_groups.create': { server_group: { rules: { max_server_per_host: 1 } } },
  'compute:servers.interfaces.create': {
    interfaceAttachment: { port_id: 'p', fixed_ips: [{ ip_address: '10.0.0.9' }], tag: 't' },
  },
  'compute:quotas.update': { quota_set: { instances: -1, force: true, tenant_id: 't' } },
  'compute:security_group_rules.create': { security_group_rule: { group_id: 'g' } },
  'block-storage:volumes.create': {
    volume: {
      ...{ description: 'd', display_name: 'n', display_description: 'd', volume_type: 'Standard' },
      ...{ availability_zone: 'nova', image_id: 'i', snapshot_id: null, source_volid: null, backup_id: null },
      ...{ consistencygroup_id: null, group_id: null, multiattach: false },
    },
    'OS-SCH-HNT:scheduler_hints': {},
  },
  'block-storage:backups.create': {
    backup: { description: 'd', container: 'c', incremental: false, force: true, snapshot_id: null },
  },
  'block-storage:backups.restore': { restore: { name: 'n' } },
  'block-storage:volume-transfers.create': { transfer: { no_snapshots: true } },
  'block-storage:volumes.update': { volume: { display_name: 'n', display_description: 'd' } },
  'block-storage:volumes.os-reset_status': { attach_status: 'detached', migration_status: 'none' },
  'identity:auth.tokens.create': {
    auth: {
      scope: { project: { name: 'p', domain: { id: 'd' } }, domain: { id: 'd' }, system: { all: true } },
    },
  },
  'identity:domains.create': {
    domain: { enabled: true, tags: ['t'], options: { immutable: false }, explicit_domain_id: 'd', own: [{}] },
  },
  'identity:domains.update': { domain: { tags: ['t'], options: { immutable: false }, own: [{}], id: 'd' } },
  'identity:projects.create': { project: { parent_id: 'p', own: [{}] } },
  'identity:projects.update': {
    project: {
      tags: ['t'],
      options: {},
      is_domain: false,
      parent_id: 'p',
      domain_id: 'd',
      own: [{}],
      id: 'p',
    },
  },
  'identity:users.create': { user: { password: 'p', federated: [], own: [{}] } },
  'identity:users.update': { user: { email: 'e', enabled: true, password: 'p', domain_id: 'd', id: 'u' } },
  'identity:groups.update': { group: { name: 'g', domain_id: 'd', own: [{}], id: 'g' } },
  'identity:roles.create': { role: { domain_id: 'd', own: [{}] } },
  'identity:roles.update': { role: { name: 'r', domain_id: 'd', own: [{}], id: 'r' } },
  'identity:services.update': { service: { type: 't', description: 'd', enabled: true, own: [{}], id: 's' } },
  'identity:endpoints.create': { endpoint: { region_id: 'r', own: [{}] } },
  'identity:endpoints.update': {
    endpoint: { service_id: 's', interface: 'public', region: 'r', enabled: true, own: [{}], id: 'e' },
  },
  'identity:regions.put': { region: { id: 'r', parent_region_id: 'p', own: [{}] } },
  'identity:regions.update': { region: { id: 'r', own: [{}] } },
  'identity:credentials.update': { credential: { user_id: 'u', own: [{}], id: 'c' } },
  'identity:policies.update': { policy: { type: 't', own: [{}], id: 'p' } },
  'identity:application_credentials.create': { application_credential: { project_id: 'p' } },
  'identity:trusts.create': { trust: { allow_redelegation: false, redelegation_count: 1 } },
  'image:images.create': { id: 'i', owner: 'o', description: 'd', checksum: 'c' },
  'image:images.import': { stores: ['file'], all_stores: true, all_stores_must_succeed: true },
}

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Yields copies of a body, each with one value replaced, and the replacement of the whole body. */
function* replaced(body: unknown, value: unknown): Generator<unknown> {
  yield value
  if (typeof body !== 'object' || body === null) return
  for (const [field, inner] of Object.entries(body))
    for (const changed of replaced(inner, value))
      yield Array.isArray(body) ? body.with(Number(field), changed) : { ...body, [field]: changed }
}

/** Yields these copies and, one at a time, copies with a field that the example lacks; several such fields at once would be refused together. */
function* bodies(operation: MountedOperation, { body }: Example, value: unknown): Generator<unknown> {
  yield* replaced(body, value)
  if (!isObject(body)) return
  for (const [name, added] of Object.entries(more[key(operation)] ?? {})) {
    const wrapper = body[name]
    if (!isObject(added)) for (const changed of replaced(added, value)) yield { ...body, [name]: changed }
    else
      for (const [field, inner] of Object.entries(added))
        for (const changed of replaced(inner, value))
          yield { ...body, [name]: { ...(isObject(wrapper) ? wrapper : {}), [field]: changed } }
  }
}

test.each(wanted.map((o) => [key(o), o] as const))('%s', async (name, operation) => {
  const token = tokenOfCaller(cloud, operation)
  let example = (await examples[name]?.make(cloud.owner)) ?? {}
  if (example.body === undefined && operation.action === undefined) return
  for (const kind of kinds)
    for (const body of bodies(operation, example, kind)) {
      const answer = await send(cloud, operation, { ...example, body }, token)
      const said = `${name} ${JSON.stringify(body).slice(0, 300)} → ${answer.statusCode} ${answer.body}`
      expect(answer.statusCode, said).toBeLessThan(500)
      if (answer.statusCode < 400) example = (await examples[name]?.make(cloud.owner)) ?? {}
    }
})
