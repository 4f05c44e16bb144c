import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FacadeWorld, facadeWorld } from '../../facade.testing.ts'
import { documented } from './samples.data.ts'

let cloud: FacadeWorld
beforeAll(async () => {
  cloud = await facadeWorld()
})
afterAll(() => cloud.close())

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
const call = (method: Method, path: string, body?: object, token = cloud.tokens.admin) =>
  cloud.app.inject({
    method,
    url: `/network${path}`,
    headers: {
      ...(token === '' ? {} : { 'x-auth-token': token }),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { payload: JSON.stringify(body) } : {}),
  })
async function made(path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await call('POST', path, body)
  expect(answer.statusCode, answer.body).toBe(201)
  return Object.values(answer.json())[0] as Record<string, unknown>
}

/** By resource the keys that Neutron has through extensions which this cloud does not offer. */
const leftOut: Record<string, string[]> = {
  network: ['dns_domain', 'is_default', 'l2_adjacency', 'pvlan', 'qinq', 'qos_policy_id', 'vlan_transparent'],
  subnet: ['dns_publish_fixed_ip', 'segment_id'],
  port: [
    'data_plane_status',
    'dns_assignment',
    'dns_domain',
    'dns_name',
    'hardware_offload_type',
    'ip_allocation',
    'propagate_uplink_status',
    'pvlan_community',
    'pvlan_type',
    'qos_network_policy_id',
    'qos_policy_id',
  ],
  router: ['conntrack_helpers', 'service_type_id'],
  floatingip: ['dns_domain', 'dns_name', 'port_forwardings', 'qos_network_policy_id', 'qos_policy_id'],
  security_group_rule: ['belongs_to_default_sg', 'standard_attr_id'],
  network_ip_availability: ['ip_availability_details'],
}

describe('the views have the documented keys and no others', () => {
  const expectKeys = (name: string, view: unknown) => {
    const { sample = [], real = [] } = documented[name] ?? {}
    const known = new Set([...sample, ...real])
    const keys = Object.keys(view as object)
    expect(
      keys.filter((key) => !known.has(key)),
      `${name}: keys that nobody documents`,
    ).toEqual([])
    expect([...known].filter((key) => !keys.includes(key)).sort(), `${name}: keys that are missing`).toEqual(
      leftOut[name] ?? [],
    )
  }

  it('of everything that can be made', async () => {
    const network = await made('/v2.0/networks', { network: { name: 'n' } })
    expectKeys('network', network)
    const subnet = await made('/v2.0/subnets', {
      subnet: { network_id: network.id, cidr: '10.9.0.0/24', ip_version: 4 },
    })
    expectKeys('subnet', subnet)
    const port = await made('/v2.0/ports', { port: { network_id: network.id } })
    expectKeys('port', port)
    const router = await made('/v2.0/routers', {
      router: { name: 'r', external_gateway_info: { network_id: cloud.owner.externalNetworkId } },
    })
    expectKeys('router', router)
    expect(Object.keys(router.external_gateway_info as object)).toEqual([
      'network_id',
      'external_fixed_ips',
      'enable_snat',
    ])
    const plugged = await call('PUT', `/v2.0/routers/${router.id}/add_router_interface`, {
      subnet_id: subnet.id,
    })
    expect(plugged.statusCode).toBe(200)
    expectKeys('router_interface', plugged.json())
    const floating = await made('/v2.0/floatingips', {
      floatingip: { floating_network_id: cloud.owner.externalNetworkId, port_id: port.id },
    })
    expectKeys('floatingip', floating)
    expect(floating).toMatchObject({ port_id: port.id, router_id: router.id })
    const group = await made('/v2.0/security-groups', { security_group: { name: 'g' } })
    expectKeys('security_group', group)
    const rule = await made('/v2.0/security-group-rules', {
      security_group_rule: {
        security_group_id: group.id,
        direction: 'ingress',
        protocol: 'tcp',
        port_range_min: '22',
        port_range_max: '22',
        remote_ip_prefix: '0.0.0.0/0',
      },
    })
    expectKeys('security_group_rule', rule)
    expect(rule).toMatchObject({ port_range_min: 22, remote_ip_prefix: '0.0.0.0/0', ethertype: 'IPv4' })
    const policy = await made('/v2.0/rbac-policies', {
      rbac_policy: {
        object_type: 'network',
        object_id: network.id,
        action: 'access_as_shared',
        target_tenant: cloud.stranger.projectId,
      },
    })
    expectKeys('rbac_policy', policy)
    expectKeys('agent', (await call('GET', '/v2.0/agents')).json().agents[0])
    const availability = await call('GET', `/v2.0/network-ip-availabilities/${network.id}`)
    expectKeys('network_ip_availability', availability.json().network_ip_availability)
    expectKeys('extension', (await call('GET', '/v2.0/extensions/router')).json().extension)
  })

  it('without the administrators’ keys for a member', async () => {
    const token = cloud.tokens.ownerMember
    const [port] = (await call('GET', '/v2.0/ports?limit=1', undefined, token)).json().ports
    const [network] = (await call('GET', '/v2.0/networks?limit=1', undefined, token)).json().networks
    const keys = [...Object.keys(port), ...Object.keys(network)]
    expect(keys.filter((key) => /^(binding|provider):/.test(key))).toEqual(['binding:vnic_type'])
  })
})

describe('answers equal those of a real cloud, byte for byte', () => {
  it.each([
    [
      'GET',
      '/v2.0/networks/nope',
      undefined,
      404,
      '{"NeutronError":{"type":"NetworkNotFound","message":"Network nope could not be found.","detail":""}}',
    ],
    [
      'POST',
      '/v2.0/networks',
      { network: { bogus: 1 } },
      400,
      `{"NeutronError":{"type":"HTTPBadRequest","message":"Unrecognized attribute(s) 'bogus'","detail":""}}`,
    ],
    [
      'GET',
      '/v2.0/floatingips?id=00000000-0000-4000-8000-000000000000',
      undefined,
      200,
      '{"floatingips":[]}',
    ],
    [
      'GET',
      '/',
      undefined,
      200,
      '{"versions":[{"id":"v2.0","status":"CURRENT","links":[{"rel":"self","href":"http://cloud.test/network/v2.0/"}]}]}',
    ],
  ] as const)('%s %s', async (method, path, body, status, text) => {
    const answer = await call(method, path, body)
    expect(answer.statusCode).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^application\/json(; charset=utf-8)?$/)
    expect(answer.headers['x-openstack-request-id']).toMatch(/^req-/)
    expect(answer.body).toBe(text)
  })

  it('to a request without a token', async () => {
    const answer = await call('GET', '/v2.0/networks', undefined, '')
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Keystone uri="/)
    expect(answer.json()).toEqual({
      error: {
        code: 401,
        title: 'Unauthorized',
        message: 'The request you have made requires authentication.',
      },
    })
  })

  it('of the discovery at every address that clients ask', async () => {
    for (const path of ['', '/', '/v2.0', '/v2.0/']) {
      const answer = await call('GET', path, undefined, '')
      expect(answer.statusCode, path).toBe(200)
    }
    const named = (await call('GET', '/v2.0/')).json().resources
    expect(named.map((r: { collection: string }) => r.collection)).toEqual(['networks', 'subnets', 'ports'])
  })

  it('to a deletion, which has no body', async () => {
    const { id } = await made('/v2.0/networks', { network: {} })
    const answer = await call('DELETE', `/v2.0/networks/${id}`)
    expect([answer.statusCode, answer.body]).toEqual([204, ''])
    expect((await call('GET', `/v2.0/networks/${id}`)).statusCode).toBe(404)
  })
})
