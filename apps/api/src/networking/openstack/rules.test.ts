import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FacadeWorld, facadeWorld } from '../../facade.testing.ts'

let cloud: FacadeWorld
beforeAll(async () => {
  cloud = await facadeWorld()
})
afterAll(() => cloud.close())

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
type Who = 'ownerMember' | 'stranger' | 'admin'
const send = (who: Who, method: Method, path: string, body?: object) =>
  cloud.app.inject({
    method,
    url: `/network/v2.0${path}`,
    headers: {
      'x-auth-token': cloud.tokens[who],
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { payload: JSON.stringify(body) } : {}),
  })
async function made(path: string, body: object, who: Who = 'ownerMember') {
  const answer = await send(who, 'POST', path, body)
  expect(answer.statusCode, answer.body).toBe(201)
  return Object.values(answer.json())[0] as { id: string } & Record<string, unknown>
}
/** Returns the status and the exception name of a refusal. */
async function refusal(who: Who, method: Method, path: string, body?: object) {
  const answer = await send(who, method, path, body)
  expect(answer.statusCode, answer.body).toBeGreaterThanOrEqual(400)
  return `${answer.statusCode} ${answer.json().NeutronError.type}`
}
const mine = (method: Method, path: string, body?: object) => refusal('ownerMember', method, path, body)

async function aNetwork(cidr = '10.70.0.0/24') {
  const network = await made('/networks', { network: { name: 'n' } })
  const subnet = await made('/subnets', { subnet: { network_id: network.id, cidr, ip_version: 4 } })
  return { id: network.id, subnetId: subnet.id }
}
const aPort = (networkId: string, more: object = {}) =>
  made('/ports', { port: { network_id: networkId, ...more } })
const unknown = '00000000-0000-4000-8000-000000000000'

describe('a refusal has the name by which clients recognise the error', () => {
  it('for a thing that does not exist', async () => {
    const names = {
      networks: 'NetworkNotFound',
      subnets: 'SubnetNotFound',
      ports: 'PortNotFound',
      routers: 'RouterNotFound',
      floatingips: 'FloatingIPNotFound',
      'security-groups': 'SecurityGroupNotFound',
      'security-group-rules': 'SecurityGroupRuleNotFound',
      'rbac-policies': 'RbacPolicyNotFound',
    }
    for (const [path, type] of Object.entries(names))
      for (const id of [unknown, 'a-name', '..%2f..%2fetc'])
        for (const method of ['GET', 'DELETE'] as const)
          expect(await mine(method, `/${path}/${id}`), `${method} ${path} ${id}`).toBe(`404 ${type}`)
  })

  it('for a thing that is in use', async () => {
    const { id, subnetId } = await aNetwork()
    const port = await aPort(id, { fixed_ips: [{ ip_address: '10.70.0.9' }] })
    expect(await mine('DELETE', `/networks/${id}`)).toBe('409 NetworkInUse')
    expect(await mine('DELETE', `/subnets/${subnetId}`)).toBe('409 SubnetInUse')
    const same = { port: { network_id: id, fixed_ips: [{ ip_address: '10.70.0.9' }] } }
    expect(await mine('POST', '/ports', same)).toBe('409 IpAddressInUse')
    const mac = { port: { network_id: id, mac_address: String(port.mac_address).toUpperCase() } }
    expect(await mine('POST', '/ports', mac)).toBe('409 MacAddressInUse')
    const group = await made('/security-groups', { security_group: { name: 'g' } })
    await send('ownerMember', 'PUT', `/ports/${port.id}`, { port: { security_groups: [group.id] } })
    expect(await mine('DELETE', `/security-groups/${group.id}`)).toBe('409 SecurityGroupInUse')
    const router = await made('/routers', { router: {} })
    const place = `/routers/${router.id}/add_router_interface`
    const plugged = await send('ownerMember', 'PUT', place, { subnet_id: subnetId })
    expect(plugged.statusCode).toBe(200)
    expect(await mine('PUT', place, { subnet_id: subnetId })).toBe('400 BadRequest')
    expect(await mine('DELETE', `/routers/${router.id}`)).toBe('409 RouterInUse')
    expect(await mine('DELETE', `/ports/${plugged.json().port_id}`)).toBe('409 ServicePortInUse')
    const gateway = { subnet: { gateway_ip: '10.70.0.2' } }
    expect(await mine('PUT', `/subnets/${subnetId}`, gateway)).toBe('409 GatewayIpInUse')
    const remove = `/routers/${router.id}/remove_router_interface`
    expect(await mine('PUT', remove, { subnet_id: unknown })).toBe('404 RouterInterfaceNotFoundForSubnet')
    expect((await send('ownerMember', 'PUT', remove, { subnet_id: subnetId })).statusCode).toBe(200)
    expect((await send('ownerMember', 'DELETE', `/routers/${router.id}`)).statusCode).toBe(204)
  })

  it('for an impossible request', async () => {
    const { id, subnetId } = await aNetwork()
    const subnet = (more: object) => ({ subnet: { network_id: id, ip_version: 4, ...more } })
    expect(await mine('POST', '/subnets', subnet({ cidr: '10.70.0.128/25' }))).toBe('400 InvalidInput')
    expect(await mine('POST', '/subnets', subnet({ cidr: 'nonsense' }))).toBe('400 HTTPBadRequest')
    expect(await mine('POST', '/subnets', subnet({ cidr: 'fd00::/64', ip_version: 6 }))).toBe(
      '400 InvalidInput',
    )
    const pool = { allocation_pools: [{ start: '10.71.0.5', end: '10.71.0.9' }] }
    expect(await mine('PUT', `/subnets/${subnetId}`, { subnet: pool })).toBe('409 OutOfBoundsAllocationPool')
    const at = (ip: string, more: object = {}) => ({
      port: { network_id: id, fixed_ips: [{ ip_address: ip, ...more }] },
    })
    expect(await mine('POST', '/ports', at('10.99.0.5'))).toBe('400 InvalidIpForNetwork')
    expect(await mine('POST', '/ports', at('10.99.0.5', { subnet_id: subnetId }))).toBe(
      '400 InvalidIpForSubnet',
    )
    expect(await mine('PUT', `/networks/${id}`, { network: { status: 'DOWN' } })).toBe('400 HTTPBadRequest')
    expect(await mine('POST', '/networks', { network: { id } })).toBe('400 HTTPBadRequest')
    expect(await mine('POST', '/ports', { port: { name: 'x' } })).toBe('400 HTTPBadRequest')
    expect(await mine('POST', '/networks', { nothing: {} })).toBe('400 HTTPBadRequest')
    const port = await aPort(id)
    const floatingip = { floating_network_id: cloud.owner.externalNetworkId, port_id: port.id }
    expect(await mine('POST', '/floatingips', { floatingip })).toBe(
      '404 ExternalGatewayForFloatingIPNotFound',
    )
    const group = await made('/security-groups', { security_group: { name: 'g' } })
    const ports = { port_range_min: 80, port_range_max: 80 }
    const rule = { security_group_id: group.id, direction: 'ingress', protocol: 'TCP', ...ports }
    await made('/security-group-rules', { security_group_rule: rule })
    const again = { ...rule, protocol: '6', remote_ip_prefix: '0.0.0.0/0' }
    expect(await mine('POST', '/security-group-rules', { security_group_rule: again })).toBe(
      '409 SecurityGroupRuleExists',
    )
    expect(await mine('POST', '/security-groups', { security_group: { name: 'default' } })).toBe(
      '409 SecurityGroupDefaultAlreadyExists',
    )
  })

  it('for an action that only an administrator may do', async () => {
    for (const more of [{ shared: true }, { 'router:external': true }, { 'provider:network_type': 'local' }])
      expect(await mine('POST', '/networks', { network: { name: 'x', ...more } })).toBe(
        '403 PolicyNotAuthorized',
      )
    const external = { port: { network_id: cloud.owner.externalNetworkId } }
    expect(await mine('POST', '/ports', external)).toBe('403 PolicyNotAuthorized')
  })
})

describe('a quota', () => {
  it('limits a project: a request is granted whole or not at all, and concurrent requests cannot exceed it (A21)', async () => {
    const { projectId } = cloud.stranger
    const quota = `/quotas/${projectId}`
    const used = async () =>
      (await send('stranger', 'GET', `${quota}/details.json`)).json().quota.network.used as number
    const limit = (await used()) + 3
    expect((await send('admin', 'PUT', quota, { quota: { network: limit } })).json().quota.network).toBe(
      limit,
    )
    const four = { networks: Array.from({ length: 4 }, () => ({ name: 'bulk' })) }
    expect(await refusal('stranger', 'POST', '/networks', four)).toBe('409 OverQuota')
    expect((await send('stranger', 'GET', '/networks?name=bulk')).json().networks).toEqual([])
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => send('stranger', 'POST', '/networks', { network: { name: 'race' } })),
    )
    expect(answers.filter((a) => a.statusCode === 201)).toHaveLength(3)
    expect(answers.filter((a) => a.statusCode === 409)).toHaveLength(9)
    expect(await used()).toBe(limit)
    expect((await send('admin', 'GET', '/quotas')).json().quotas).toContainEqual(
      expect.objectContaining({ project_id: projectId, network: limit }),
    )
    expect((await send('admin', 'DELETE', quota)).statusCode).toBe(204)
    const defaults = (await send('stranger', 'GET', `${quota}/default`)).json()
    expect((await send('stranger', 'GET', quota)).json()).toEqual(defaults)
  })
})

describe('an RBAC policy', () => {
  it('opens a network to one project, for reading and for ports, and is deleted only when the project has no port there', async () => {
    const { id, subnetId } = await aNetwork('10.72.0.0/24')
    const port = { port: { network_id: id } }
    expect(await refusal('stranger', 'GET', `/networks/${id}`)).toBe('404 NetworkNotFound')
    expect(await refusal('stranger', 'POST', '/ports', port)).toBe('404 NetworkNotFound')
    const policy = await made('/rbac-policies', {
      rbac_policy: {
        object_type: 'network',
        object_id: id,
        action: 'access_as_shared',
        target_tenant: cloud.stranger.projectId,
      },
    })
    expect((await send('stranger', 'GET', `/networks/${id}`)).json().network.shared).toBe(true)
    expect((await send('ownerMember', 'GET', `/networks/${id}`)).json().network.shared).toBe(false)
    const subnets = (await send('stranger', 'GET', `/subnets?network_id=${id}`)).json().subnets
    expect(subnets.map((s: { id: string }) => s.id)).toEqual([subnetId])
    expect(await refusal('stranger', 'PUT', `/networks/${id}`, { network: { name: 'x' } })).toBe(
      '403 PolicyNotAuthorized',
    )
    expect(await refusal('stranger', 'GET', `/rbac-policies/${policy.id}`)).toBe('404 RbacPolicyNotFound')
    // A guest on another project's network must take what it is given: it may not choose an address, a MAC address or
    // to be unfiltered.
    for (const wish of [
      { fixed_ips: [{ ip_address: '10.72.0.1' }] },
      { mac_address: 'fa:16:3e:00:00:01' },
      { port_security_enabled: false, security_groups: [] },
    ])
      expect(await refusal('stranger', 'POST', '/ports', { port: { network_id: id, ...wish } })).toBe(
        '403 PolicyNotAuthorized',
      )
    const guest = await made('/ports', port, 'stranger')
    expect((await send('ownerMember', 'GET', `/ports/${guest.id}`)).statusCode).toBe(404)
    expect(await mine('DELETE', `/rbac-policies/${policy.id}`)).toBe('409 InvalidSharedSetting')
    expect((await send('stranger', 'DELETE', `/ports/${guest.id}`)).statusCode).toBe(204)
    expect((await send('ownerMember', 'DELETE', `/rbac-policies/${policy.id}`)).statusCode).toBe(204)
    expect((await send('stranger', 'GET', `/networks/${id}`)).statusCode).toBe(404)
  })

  it('for all projects is the same as “shared”', async () => {
    const { id } = await made('/networks', { network: { name: 'all', shared: true } }, 'admin')
    const policies = async () =>
      (await send('admin', 'GET', `/rbac-policies?object_id=${id}`)).json().rbac_policies
    expect(await policies()).toMatchObject([{ target_tenant: '*' }])
    expect((await send('stranger', 'GET', `/networks/${id}`)).statusCode).toBe(200)
    await send('admin', 'PUT', `/networks/${id}`, { network: { shared: false } })
    expect(await policies()).toEqual([])
    expect((await send('stranger', 'GET', `/networks/${id}`)).statusCode).toBe(404)
  })
})

describe('standard attributes', () => {
  it('count every change and tell its time', async () => {
    const { id } = await made('/networks', { network: { name: 'a' } })
    const one = async () => (await send('ownerMember', 'GET', `/networks/${id}`)).json().network
    const before = await one()
    expect(before).toMatchObject({ revision_number: 1, tags: [], description: '' })
    await send('ownerMember', 'PUT', `/networks/${id}`, { network: { name: 'b', description: 'd' } })
    await send('ownerMember', 'PUT', `/networks/${id}/tags`, { tags: ['x'] })
    expect(await one()).toMatchObject({ revision_number: 3, tags: ['x'], name: 'b', description: 'd' })
  })
})
