import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FacadeWorld, facadeWorld } from '../../facade.testing.ts'

/**
 * Clients read the values that they have sent. A wish is carried out, or refused with a sentence, and never dropped.
 */
let cloud: FacadeWorld
beforeAll(async () => {
  cloud = await facadeWorld()
})
afterAll(() => cloud.close())

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH'
type Who = 'ownerMember' | 'stranger' | 'admin'
const send = (who: Who, method: Method, path: string, body?: object, headers: Record<string, string> = {}) =>
  cloud.app.inject({
    method,
    url: `/network/v2.0${path}`,
    headers: {
      'x-auth-token': cloud.tokens[who],
      ...headers,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { payload: JSON.stringify(body) } : {}),
  })
type View = { id: string } & Record<string, unknown>
async function made(name: string, wish: object, who: Who = 'ownerMember'): Promise<View> {
  const answer = await send(who, 'POST', `/${name.replaceAll('_', '-')}s`, { [name]: wish })
  expect(answer.statusCode, answer.body).toBe(201)
  const { id } = answer.json()[name]
  const read = await send(who, 'GET', `/${name.replaceAll('_', '-')}s/${id}`)
  expect(read.json()[name]).toEqual(answer.json()[name])
  return read.json()[name]
}
async function refused(
  name: string,
  wish: object,
  who: Who = 'ownerMember',
  method: Method = 'POST',
  id = '',
) {
  const path = `/${name.replaceAll('_', '-')}s${id && `/${id}`}`
  const answer = await send(who, method, path, { [name]: wish })
  expect(answer.statusCode, answer.body).toBeGreaterThanOrEqual(400)
  const { type, message } = answer.json().NeutronError
  return `${answer.statusCode} ${type} ${message}`
}
const aNetwork = (wish: object = {}, who: Who = 'ownerMember') => made('network', { name: 'n', ...wish }, who)
async function aSubnet(wish: object = {}) {
  const network = await aNetwork()
  return made('subnet', { network_id: network.id, cidr: '10.80.0.0/24', ip_version: 4, ...wish })
}

describe('a network', () => {
  it('says which port security its new ports have', async () => {
    const network = await aNetwork({ port_security_enabled: false })
    expect(network.port_security_enabled).toBe(false)
    const open = await made('port', { network_id: network.id })
    expect(open).toMatchObject({ port_security_enabled: false, security_groups: [] })
    const closed = await made('port', { network_id: network.id, port_security_enabled: true })
    expect(closed).toMatchObject({ port_security_enabled: true, security_groups: [expect.any(String)] })
    const update = { network: { port_security_enabled: true } }
    expect(
      (await send('ownerMember', 'PUT', `/networks/${network.id}`, update)).json().network,
    ).toMatchObject({
      port_security_enabled: true,
    })
    expect(await made('port', { network_id: network.id })).toMatchObject({ port_security_enabled: true })
  })

  it('and a router keep the zones that were asked for, when the cloud has these zones', async () => {
    const [zone] = (await send('admin', 'GET', '/availability_zones')).json().availability_zones
    const hints = { availability_zone_hints: [zone.name] }
    expect(await aNetwork(hints)).toMatchObject(hints)
    expect(await made('router', { name: 'r', ...hints })).toMatchObject(hints)
    for (const name of ['network', 'router'])
      expect(await refused(name, { name: 'x', availability_zone_hints: ['mars'] })).toMatch(
        /^404 AvailabilityZoneNotFound .*mars/,
      )
  })

  it('is of the kind that an administrator names, or the request is refused', async () => {
    const local = { 'provider:network_type': 'local' }
    expect(await aNetwork(local, 'admin')).toMatchObject(local)
    const flat = {
      'provider:network_type': 'flat',
      'provider:physical_network': 'public',
      'router:external': true,
    }
    expect(await aNetwork(flat, 'admin')).toMatchObject(flat)
    expect(await refused('network', { 'provider:network_type': 'vlan' }, 'admin')).toMatch(
      /^400 InvalidInput .*provider:network_type.*local/,
    )
    expect(await refused('network', { ...local, 'provider:segmentation_id': 7 }, 'admin')).toMatch(/^400 /)
    expect(await refused('network', local)).toMatch(/^403 /)
    const found = await send('admin', 'GET', '/networks?provider:network_type=flat&fields=router:external')
    expect(found.json().networks.length).toBeGreaterThan(0)
    for (const one of found.json().networks) expect(one).toEqual({ 'router:external': true })
    const none = await send('admin', 'GET', '/networks?provider:physical_network=physnet7')
    expect(none.json().networks).toEqual([])
  })

  it('is gone at once: for the quota, for readers, and for a second deletion', async () => {
    const used = async (name: string) =>
      (await send('ownerMember', 'GET', `/quotas/${cloud.owner.projectId}/details`)).json().quota[name].used
    const before = [await used('network'), await used('subnet'), await used('router')]
    const subnet = await aSubnet()
    const router = await made('router', { name: 'r' })
    const gone = [`/networks/${subnet.network_id}`, `/routers/${router.id}`]
    for (const path of gone) expect((await send('ownerMember', 'DELETE', path)).statusCode).toBe(204)
    expect([await used('network'), await used('subnet'), await used('router')]).toEqual(before)
    for (const path of [...gone, `/subnets/${subnet.id}`])
      for (const method of ['GET', 'DELETE'] as const)
        expect((await send('ownerMember', method, path)).statusCode, `${method} ${path}`).toBe(404)
  })
})

describe('a subnet', () => {
  it('gets the network address of a range that is sent with host bits', async () => {
    expect(await aSubnet({ cidr: '10.20.0.7/24' })).toMatchObject({ cidr: '10.20.0.0/24' })
  })

  it('is refused when an attribute could not be carried out', async () => {
    const network = await aNetwork()
    const wish = (more: object) => ({ network_id: network.id, cidr: '10.81.0.0/24', ip_version: 4, ...more })
    const pool = (start: string, end: string) => ({ allocation_pools: [{ start, end }] })
    const conflict = /^409 GatewayConflictWithAllocationPools .*10\.81\.0\.1/
    expect(await refused('subnet', wish(pool('10.81.0.1', '10.81.0.20')))).toMatch(conflict)
    const named = { ...pool('10.81.0.10', '10.81.0.20'), gateway_ip: '10.81.0.15' }
    expect(await refused('subnet', wish(named))).toMatch(/^409 GatewayConflictWithAllocationPools/)
    for (const [field, value] of Object.entries({
      allocation_pools: [],
      host_routes: [{ destination: '10.0.0.0/8', nexthop: '10.81.0.9' }],
      service_types: ['compute:nova'],
      ipv6_ra_mode: 'slaac',
      subnetpool_id: crypto.randomUUID(),
      prefixlen: 26,
    }))
      expect(await refused('subnet', wish({ [field]: value }))).toMatch(
        new RegExp(`^400 HTTPBadRequest Invalid input for ${field}\\. Reason: `),
      )
    const nulls = { dns_nameservers: null, host_routes: null, service_types: [], subnetpool_id: null }
    expect(await made('subnet', wish(nulls))).toMatchObject({ dns_nameservers: [], host_routes: [] })
    expect(await refused('subnet', wish({ cidr: '10.81.0.128/25' }))).toMatch(
      /^400 InvalidInput .*overlaps with another subnet/,
    )
  })

  it('of an external network is not shown to every tenant', async () => {
    const { externalNetworkId: id } = cloud.owner
    const all = (await send('admin', 'GET', `/subnets?network_id=${id}`)).json().subnets
    expect(all.length).toBeGreaterThan(0)
    expect((await send('ownerMember', 'GET', `/subnets?network_id=${id}`)).json().subnets).toEqual([])
    for (const method of ['GET', 'DELETE'] as const)
      expect((await send('ownerMember', method, `/subnets/${all[0].id}`)).statusCode).toBe(404)
    expect((await send('ownerMember', 'GET', `/networks/${id}`)).json().network.subnets).toContain(all[0].id)
  })
})

describe('a rule of a security group', () => {
  const aGroup = () => made('security_group', { name: 'g' })
  const rule = async (wish: object) =>
    made('security_group_rule', { security_group_id: (await aGroup()).id, direction: 'ingress', ...wish })
  const no = async (wish: object) =>
    refused('security_group_rule', { security_group_id: (await aGroup()).id, direction: 'ingress', ...wish })

  it.each([
    ['tcp', {}],
    ['6', {}],
    ['ipv6-icmp', { ethertype: 'IPv6' }],
    ['icmpv6', { ethertype: 'IPv6' }],
    ['icmp', { ethertype: 'IPv6' }],
    ['58', { ethertype: 'IPv6' }],
    ['vrrp', {}],
    ['112', {}],
    ['0', {}],
    ['any', {}],
  ])('keeps the protocol %s as it was sent', async (protocol, more) => {
    const kept = await rule({ protocol, ...more })
    expect(kept.protocol).toBe(protocol)
    const query = `/security-group-rules?security_group_id=${kept.security_group_id}&protocol=${protocol}`
    expect((await send('ownerMember', 'GET', query)).json().security_group_rules).toContainEqual(kept)
  })

  it('is enforced, found and compared by what its protocol means', async () => {
    const kept = await rule({ protocol: 'icmpv6', ethertype: 'IPv6' })
    const row = await cloud.world.deps.root.securityGroupRule.findUniqueOrThrow({ where: { id: kept.id } })
    expect(row).toMatchObject({ protocol: 'icmp', ethertype: 'IPv6' })
    const again = {
      ...{ security_group_id: kept.security_group_id, direction: 'ingress', ethertype: 'IPv6' },
    }
    for (const protocol of ['ipv6-icmp', 58, 'icmp'])
      expect(await refused('security_group_rule', { ...again, protocol })).toMatch(
        /^409 SecurityGroupRuleExists/,
      )
    const other = `/security-group-rules?id=${kept.id}&protocol=`
    expect((await send('ownerMember', 'GET', `${other}58`)).json().security_group_rules).toEqual([kept])
    expect((await send('ownerMember', 'GET', `${other}tcp`)).json().security_group_rules).toEqual([])
  })

  it.each(['icmpv6', 'ipv6-icmp', '58', 'ipv6-frag'])('%s with IPv4 is refused', async (protocol) => {
    expect(await no({ protocol })).toMatch(/^400 SecurityGroupEthertypeConflictWithProtocol .*IPv4/)
  })

  it.each([
    ['10.0.0.7/24', 'IPv4', '10.0.0.7/24', '10.0.0.0/24'],
    ['10.0.0.7', 'IPv4', '10.0.0.7/32', '10.0.0.7/32'],
    ['2001:DB8:0:0::1', 'IPv6', '2001:db8::1/128', '2001:db8::1/128'],
    ['2001:0db8:0000::/48', 'IPv6', '2001:db8::/48', '2001:db8::/48'],
    ['0.0.0.0/0', 'IPv4', '0.0.0.0/0', '0.0.0.0/0'],
    ['::/0', 'IPv6', '::/0', '::/0'],
  ])('keeps the prefix %s as Neutron does', async (remote_ip_prefix, ethertype, text, network) => {
    const kept = await rule({ remote_ip_prefix, ethertype })
    expect(kept).toMatchObject({ remote_ip_prefix: text, normalized_cidr: network })
    const query = `/security-group-rules?id=${kept.id}&remote_ip_prefix=${encodeURIComponent(remote_ip_prefix)}`
    expect((await send('ownerMember', 'GET', query)).json().security_group_rules).toEqual([kept])
  })

  it.each([
    [{ protocol: 'tcp', port_range_max: 80 }, /^400 SecurityGroupInvalidPortRange .*port_range_min/],
    [{ protocol: 'tcp', port_range_min: 80 }, /^400 SecurityGroupInvalidPortRange .*port_range_max/],
    [
      { protocol: 'tcp', port_range_min: 9, port_range_max: 8 },
      /^400 SecurityGroupInvalidPortRange .*port_range/,
    ],
    [{ protocol: 'tcp', port_range_min: 1, port_range_max: 70_000 }, /^400 \S+ Invalid value for port 70000/],
    [
      { protocol: 'tcp', port_range_min: 'x', port_range_max: 8 },
      /^400 SecurityGroupInvalidPortValue .*port x/,
    ],
    [{ protocol: 'icmp', port_range_max: 0 }, /^400 SecurityGroupMissingIcmpType .*port_range_min/],
    [
      { port_range_min: 8, port_range_max: 8 },
      /^400 SecurityGroupProtocolRequiredWithPorts .*port_range_min/,
    ],
    [{ protocol: 'constructor' }, /^400 SecurityGroupRuleInvalidProtocol .*constructor/],
    [{ protocol: '256' }, /^400 SecurityGroupRuleInvalidProtocol/],
    [{ remote_ip_prefix: 'fe80::/10' }, /^400 SecurityGroupRuleParameterConflict .*IPv4/],
    [{ remote_ip_prefix: 'mars' }, /^400 InvalidCIDR .*mars/],
    [{ remote_group_id: 'not-a-uuid' }, /^404 SecurityGroupNotFound .*not-a-uuid/],
  ])('%j is refused with Neutron’s name of the error', async (wish, words) => {
    expect(await no(wish)).toMatch(words)
  })

  it('takes empty values as no values', async () => {
    const kept = await rule({
      remote_group_id: '',
      remote_ip_prefix: '',
      protocol: null,
      port_range_min: null,
    })
    expect(kept).toMatchObject({ remote_group_id: null, remote_ip_prefix: null, protocol: null })
  })

  it('and its group: nobody may rename a group to “default”', async () => {
    const { id } = await aGroup()
    for (const name of ['default', 'Default'])
      for (const who of ['ownerMember', 'admin'] as const)
        expect(await refused('security_group', { name }, who, 'PUT', id)).toMatch(
          /^409 SecurityGroupDefaultAlreadyExists/,
        )
  })
})

describe('wishes that could be dropped', () => {
  it('are refused: an address without a port, a MAC address of no card, attributes that a tap does not have', async () => {
    const fip = { floating_network_id: cloud.owner.externalNetworkId }
    expect(await refused('floatingip', { ...fip, fixed_ip_address: '10.0.0.3' })).toMatch(
      /^400 BadRequest .*fixed_ip_address cannot be specified without a port_id/,
    )
    const { id } = await made('floatingip', fip)
    for (const more of [{}, { port_id: null }])
      expect(
        await refused('floatingip', { fixed_ip_address: '10.0.0.3', ...more }, 'ownerMember', 'PUT', id),
      ).toMatch(/^400 BadRequest/)
    const { id: network_id } = await aNetwork()
    for (const mac_address of ['00:00:00:00:00:00', '01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:ff', ''])
      expect(await refused('port', { network_id, mac_address })).toMatch(
        /^400 HTTPBadRequest Invalid input for mac_address/,
      )
    expect(await made('port', { network_id, mac_address: 'FA-16-3E-00-00-07' })).toMatchObject({
      mac_address: 'fa:16:3e:00:00:07',
    })
    for (const [field, value] of Object.entries({
      'binding:host_id': 'a',
      'binding:profile': { a: 1 },
      'binding:vnic_type': 'direct',
      allowed_address_pairs: [{ ip_address: '10.0.0.9' }],
      extra_dhcp_opts: [{ opt_name: 'mtu', opt_value: '9000' }],
    }))
      expect(await refused('port', { network_id, [field]: value }, 'admin')).toMatch(
        new RegExp(`^400 HTTPBadRequest Invalid input for ${field}\\. Reason: `),
      )
    const empty = {
      'binding:host_id': '',
      'binding:profile': {},
      allowed_address_pairs: [],
      extra_dhcp_opts: null,
    }
    expect(await made('port', { network_id, ...empty }, 'admin')).toMatchObject({ network_id })
  })

  it('a quota that is used up has Neutron’s name in the refusal', async () => {
    const project = cloud.stranger.projectId
    const limit = { projectId: project, resource: 'networks' }
    const where = { projectId_resource: limit }
    await cloud.world.deps.root.quotaLimit.update({ where, data: { limit: 0 } })
    expect(await refused('network', { name: 'n' }, 'stranger')).toMatch(
      /^409 OverQuota Quota exceeded for resources: \['network'\]/,
    )
    await cloud.world.deps.root.quotaLimit.update({ where, data: { limit: -1 } })
  })
})

describe('paths as clients write them', () => {
  it('every path works with .json or a slash at its end', async () => {
    const network = await aNetwork()
    for (const path of [
      '/networks.json',
      '/networks/',
      `/networks/${network.id}.json`,
      `/networks/${network.id}/`,
    ]) {
      const answer = await send('ownerMember', 'GET', `${path}?fields=id`)
      expect(answer.statusCode, path).toBe(200)
      expect(JSON.stringify(answer.json()), path).toContain(network.id)
    }
    expect((await send('ownerMember', 'PUT', `/networks/${network.id}/tags/a.json`)).statusCode).toBe(201)
    expect((await send('ownerMember', 'GET', `/networks/${network.id}/tags.json`)).json()).toEqual({
      tags: ['a.json'],
    })
    const gone = await send('ownerMember', 'DELETE', `/networks/${network.id}.json`)
    expect(gone.statusCode).toBe(204)
    expect((await send('ownerMember', 'GET', '/nonsense.json')).statusCode).toBe(404)
  })

  it('quotas are found at every path', async () => {
    const { projectId } = cloud.owner
    const get = async (path: string) => (await send('ownerMember', 'GET', `/quotas${path}`)).json()
    expect(await get('/tenant')).toEqual({ tenant: { tenant_id: projectId } })
    expect(await get('/project.json')).toEqual({ project: { project_id: projectId } })
    const details = await get(`/${projectId}/details`)
    expect(details.quota).toMatchObject({ network: { reserved: 0 }, rbac_policy: { limit: -1, used: 0 } })
    expect(await get(`/${projectId}/details.json`)).toEqual(details)
    expect((await get(`/${projectId}`)).quota).toMatchObject({ rbac_policy: -1, subnetpool: -1 })
  })

  it('an unknown method is answered with Neutron’s 405', async () => {
    const answer = await send('ownerMember', 'PATCH', '/networks', { network: {} })
    expect([answer.statusCode, answer.json().NeutronError.type]).toEqual([405, 'HTTPMethodNotAllowed'])
  })

  it('agents are shown to administrators only: a member gets an empty list', async () => {
    const answer = await send('ownerMember', 'GET', '/agents')
    expect([answer.statusCode, answer.json()]).toEqual([200, { agents: [] }])
  })
})

it('an administrator may delete the default group of another project, and the group comes back at its next use', async () => {
  const defaultGroup = async () => {
    const { security_groups } = (await send('ownerMember', 'GET', '/security-groups?name=default')).json()
    expect(security_groups).toHaveLength(1)
    return String(security_groups[0].id)
  }
  const first = await defaultGroup()
  const path = `/security-groups/${first}`
  expect((await send('ownerMember', 'DELETE', path)).json().NeutronError.type).toBe(
    'SecurityGroupCannotRemoveDefault',
  )
  await made('port', { network_id: (await aSubnet()).network_id, security_groups: [first] })
  const used = await send('admin', 'DELETE', path)
  expect([used.statusCode, used.json().NeutronError.type]).toEqual([409, 'SecurityGroupInUse'])
  const { ports } = (await send('ownerMember', 'GET', `/ports?security_groups=${first}`)).json()
  for (const port of ports)
    await send('ownerMember', 'PUT', `/ports/${port.id}`, { port: { security_groups: [] } })
  const gone = await send('admin', 'DELETE', path)
  expect(gone.statusCode, gone.body).toBe(204)
  expect(await defaultGroup()).not.toBe(first)
})

describe('If-Match', () => {
  const revision = (n: unknown) => ({ 'if-match': `revision_number=${n}` })

  it('is checked for changes of tags and interfaces, too', async () => {
    const subnet = await aSubnet()
    const router = await made('router', { name: 'r' })
    const subnet_id = subnet.id
    const changes = [
      ['PUT', 'tags', { tags: ['a'] }],
      ['POST', 'tags', { tags: ['b'] }],
      ['PUT', 'tags/c', undefined],
      ['DELETE', 'tags/c', undefined],
      ['DELETE', 'tags', undefined],
      ['PUT', 'add_router_interface', { subnet_id }],
      ['PUT', 'remove_router_interface', { subnet_id }],
    ] as const
    const path = `/routers/${router.id}`
    for (const [method, what, body] of changes) {
      const { revision_number } = (await send('ownerMember', 'GET', path)).json().router
      const change = (n: unknown) => send('ownerMember', method, `${path}/${what}`, body, revision(n))
      expect((await change(Number(revision_number) + 7)).statusCode, what).toBe(412)
      const done = await change(revision_number)
      expect(done.statusCode, `${what} ${done.body}`).toBeLessThan(300)
    }
  })

  it('changes and deletes only the revision that it names, for every resource that has revisions', async () => {
    const subnet = await aSubnet()
    const group = await made('security_group', { name: 'g' })
    const network = await aNetwork()
    const things = {
      network,
      subnet,
      port: await made('port', { network_id: subnet.network_id }),
      router: await made('router', { name: 'r' }),
      floatingip: await made('floatingip', { floating_network_id: cloud.owner.externalNetworkId }),
      security_group: group,
    }
    for (const [name, { id, revision_number }] of Object.entries(things)) {
      const path = `/${name.replaceAll('_', '-')}s/${id}`
      const change = (n: unknown) =>
        send('ownerMember', 'PUT', path, { [name]: { description: `${n}` } }, revision(n))
      const stale = await change(Number(revision_number) + 7)
      expect([stale.statusCode, stale.json().NeutronError.type], name).toEqual([
        412,
        'RevisionNumberConstraintFailed',
      ])
      const done = await change(revision_number)
      expect(done.statusCode, done.body).toBe(200)
      expect((await change(revision_number)).statusCode, name).toBe(412)
      const last = done.json()[name].revision_number
      const remove = (n: unknown) => send('ownerMember', 'DELETE', path, undefined, revision(n))
      if (name !== 'port') expect((await remove(revision_number)).statusCode, name).toBe(412)
      if (name !== 'subnet' && name !== 'port') expect((await remove(last)).statusCode, name).toBe(204)
    }
    const wrong = await send('ownerMember', 'DELETE', `/subnets/${subnet.id}`, undefined, {
      'if-match': '"x"',
    })
    expect(wrong.statusCode).toBe(400)
  })

  it('lets one of two concurrent changes win', async () => {
    const { id, revision_number } = await aNetwork()
    const change = (name: string) =>
      send('ownerMember', 'PUT', `/networks/${id}`, { network: { name } }, revision(revision_number))
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map(change))
    expect(answers.map((answer) => answer.statusCode).sort()).toEqual([200, 412, 412, 412])
  })
})
