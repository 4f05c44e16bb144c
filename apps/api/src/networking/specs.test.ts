import { wishDigest } from '@stratolith/drivers/network/digest'
import { describe, expect, it } from 'vitest'
import { filterRule, networkSpec, type PortForSpec, portSpec } from './specs.ts'

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const at = new Date(0)
const standard = { tags: [], revision: 1, updatedAt: at }
const subnet = (n: number, cidr: string) => ({
  id: id(n),
  networkId: id(1),
  projectId: 'p',
  name: '',
  cidr,
  gatewayIp: cidr.replace('.0/24', '.1'),
  dhcp: true,
  dhcpIp: cidr.replace('.0/24', '.2'),
  dns: ['9.9.9.9'],
  poolStart: '',
  poolEnd: '',
  createdAt: at,
  description: '',
  ...standard,
})
const network = {
  id: id(1),
  tag: 7,
  projectId: 'p',
  name: 'x; drop',
  description: '$(reboot)',
  external: false,
  shared: false,
  adminUp: true,
  mtu: 1450,
  portSecurity: true,
  zoneHints: [],
  state: 'active',
  createdAt: at,
  ...standard,
  subnets: [subnet(3, '10.0.1.0/24'), subnet(2, '10.0.0.0/24')],
}
const rule = (patch: object = {}) => ({
  id: id(20),
  groupId: id(10),
  projectId: 'p',
  direction: 'ingress' as const,
  ethertype: 'IPv4' as const,
  protocol: 'tcp' as string | null,
  portMin: 22 as number | null,
  portMax: 22 as number | null,
  remoteCidr: null as string | null,
  remoteGroupId: null as string | null,
  description: 'x; drop',
  createdAt: at,
  ...patch,
})
const port: PortForSpec = {
  id: id(5),
  tag: 9,
  projectId: 'p',
  networkId: id(1),
  mac: 'fa:16:3e:00:00:01',
  mtu: 1450,
  adminUp: true,
  instanceId: id(6),
  hostname: 'web',
  portSecurity: true,
  addresses: [{ subnetId: id(2), address: '10.0.0.7', cidr: '10.0.0.0/24' }],
  groupIds: [id(10), id(11)],
}
const rulesOf = new Map([
  [id(10), [rule(), rule({ remoteCidr: '10.0.0.0/8' })]],
  [id(11), [rule({ direction: 'egress', protocol: null, portMin: null, portMax: null })]],
])

describe('what a host is told', () => {
  it('of a network: no text of a tenant, and subnets in one order, whatever the database’s order', () => {
    const spec = networkSpec(network)
    expect(spec).toMatchObject({ id: id(1), tag: 7, mtu: 1450, external: false })
    expect(spec.subnets.map((s) => s.cidr)).toEqual(['10.0.0.0/24', '10.0.1.0/24'])
    expect(networkSpec({ ...network, subnets: [...network.subnets].reverse() })).toEqual(spec)
    expect(JSON.stringify(spec)).not.toMatch(/drop|reboot/)
    // The digest throws for a spec that a driver would refuse.
    expect(wishDigest.network(spec)).toMatch(/^[0-9a-f]{32}$/)
  })

  it('of a port: addresses, and the rules of all its groups together', () => {
    const spec = portSpec(port, rulesOf)
    expect(spec).toMatchObject({
      id: id(5),
      tag: 9,
      mtu: 1450,
      hostname: 'web',
      instanceId: id(6),
      addresses: [{ subnetId: id(2), ip: '10.0.0.7', prefix: 24 }],
    })
    expect(spec.rules).toEqual([
      { direction: 'ingress', ethertype: 'IPv4', protocol: 6, portMin: 22, portMax: 22, remote: null },
      {
        direction: 'ingress',
        ethertype: 'IPv4',
        protocol: 6,
        portMin: 22,
        portMax: 22,
        remote: { cidr: '10.0.0.0/8' },
      },
      { direction: 'egress', ethertype: 'IPv4', protocol: null, portMin: null, portMax: null, remote: null },
    ])
    expect(JSON.stringify(spec)).not.toMatch(/drop/)
    expect(wishDigest.port(spec)).toMatch(/^[0-9a-f]{32}$/)
  })

  it('of a port without groups: rules that let nothing through', () => {
    expect(portSpec({ ...port, groupIds: [] }, rulesOf).rules).toEqual([])
    expect(portSpec({ ...port, hostname: null }, rulesOf).hostname).toMatch(/^port-[0-9a-f]{8}$/)
  })

  it('of a rule that names a group: the set of its members', () => {
    expect(filterRule(rule({ remoteGroupId: id(10) })).remote).toEqual({ addressSet: id(10) })
    expect(filterRule(rule({ protocol: 'icmp', ethertype: 'IPv6', portMin: 128, portMax: 0 }))).toMatchObject(
      {
        protocol: 58,
        portMin: 128,
      },
    )
    expect(filterRule(rule({ protocol: '112', portMin: null, portMax: null })).protocol).toBe(112)
  })
})
