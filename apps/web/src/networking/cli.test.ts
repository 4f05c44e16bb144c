import { describe, expect, it } from 'vitest'
import {
  networkCreateCli,
  networkShareCli,
  portAddressesCli,
  portCreateCli,
  portSetCli,
  routerCreateCli,
  routerGatewayCli,
  ruleCreateCli,
  subnetCreateCli,
  subnetSetCli,
} from './cli.ts'

const subnet = {
  ...{ cidr: '10.0.3.0/24', gateway: '', noGateway: false, dhcp: true, dns: [] },
  pool: { start: '', end: '' },
}
const rule = {
  direction: 'ingress' as const,
  ethertype: 'IPv4' as const,
  protocol: 'tcp',
  portMin: 8000 as number | null,
  portMax: 8080 as number | null,
  remoteCidr: null,
  remoteGroup: null,
  description: '',
}
const flat = (text: string) => text.replaceAll(/ \\\n\s+/g, ' ')

describe('forms of networking as commands', () => {
  it('create a network and its subnet', () => {
    const text = networkCreateCli(
      { name: 'my net', description: '', external: false, shared: false, mtu: 1500 },
      { ...subnet, noGateway: true, dns: ['9.9.9.9', '1.1.1.1'] },
    )
    expect(flat(text).split('\n')).toEqual([
      "openstack network create 'my net'",
      "openstack subnet create --network 'my net' --subnet-range 10.0.3.0/24 --gateway none --dhcp --dns-nameserver 9.9.9.9 --dns-nameserver 1.1.1.1 'my net-subnet'",
    ])
  })
  it('call a network without a name by the same word everywhere', () => {
    const text = networkCreateCli(
      { name: ' ', description: '', external: false, shared: false, mtu: 1500 },
      subnet,
    )
    expect(text).not.toContain('NETWORK')
    expect(flat(text)).toContain('--network NAME --subnet-range 10.0.3.0/24 --dhcp NAME-subnet')
  })
  it('name the gateway when it is not the first address', () => {
    expect(flat(subnetCreateCli('n', 's', { ...subnet, gateway: '10.0.3.254', dhcp: false }))).toContain(
      '--gateway 10.0.3.254 --no-dhcp',
    )
  })
  it('write rules', () => {
    expect(flat(ruleCreateCli('web', rule))).toBe(
      'openstack security group rule create --ingress --protocol tcp --dst-port 8000:8080 web',
    )
    expect(
      flat(
        ruleCreateCli('web', { ...rule, protocol: 'icmp', portMin: 8, portMax: 0, remoteCidr: '10.0.0.0/8' }),
      ),
    ).toContain('--protocol icmp --icmp-type 8 --icmp-code 0 --remote-ip 10.0.0.0/8')
    expect(
      flat(
        ruleCreateCli('web', { ...rule, protocol: 'icmp', ethertype: 'IPv6', portMin: null, portMax: null }),
      ),
    ).toContain('--ethertype IPv6 --protocol ipv6-icmp web')
  })
  it('replace the groups of a port and clear gateways', () => {
    const filter = { groups: ['a'], adminUp: true, portSecurity: true }
    expect(flat(portSetCli('p1', { name: '', description: 'd', filter }))).toBe(
      "openstack port set --name '' --description d --enable --no-security-group --enable-port-security --security-group a p1",
    )
    const off = { ...filter, adminUp: false, portSecurity: false }
    expect(flat(portSetCli('p1', { name: 'p', description: '', filter: off }))).toBe(
      "openstack port set --name p --description '' --disable --no-security-group --disable-port-security p1",
    )
    expect(portSetCli('p1', { name: 'p', description: '', filter: null })).not.toContain('--enable')
    expect(routerGatewayCli('r1', null)).toBe('openstack router unset --external-gateway r1')
  })
  it('create a port with addresses, with groups, and without port security', () => {
    const port = {
      ...{ name: 'p', description: '', adminUp: true, portSecurity: true, groups: null },
      fixedIps: [
        { subnetId: 's', address: '10.0.0.9' },
        { subnetId: 't', address: '' },
      ],
    }
    expect(flat(portCreateCli('net', port))).toBe(
      'openstack port create --network net --fixed-ip subnet=s,ip-address=10.0.0.9 --fixed-ip subnet=t p',
    )
    const open = { ...port, fixedIps: [], portSecurity: false, adminUp: false }
    expect(flat(portCreateCli('net', open))).toBe(
      'openstack port create --network net --no-security-group --disable-port-security --disable p',
    )
    expect(portCreateCli('net', { ...port, groups: [] })).toContain('--no-security-group')
    expect(flat(portAddressesCli('p1', port.fixedIps))).toBe(
      'openstack port set --no-fixed-ip --fixed-ip subnet=s,ip-address=10.0.0.9 --fixed-ip subnet=t p1',
    )
  })
  it('change a subnet: lists are replaced, and a range only when it was changed', () => {
    const values = { ...subnet, name: 's', description: '', gateway: '10.0.3.1', dns: ['9.9.9.9'] }
    expect(flat(subnetSetCli('s1', values))).toBe(
      "openstack subnet set --name s --description '' --gateway 10.0.3.1 --dhcp --no-dns-nameservers --dns-nameserver 9.9.9.9 s1",
    )
    const pool = { start: '10.0.3.9', end: '10.0.3.20' }
    expect(flat(subnetSetCli('s1', { ...values, pool, noGateway: true }))).toContain(
      '--no-allocation-pool --allocation-pool start=10.0.3.9,end=10.0.3.20',
    )
    expect(flat(subnetCreateCli('n', 's', { ...subnet, pool }))).toContain(
      '--allocation-pool start=10.0.3.9,end=10.0.3.20 s',
    )
  })
  it('share a network with one project or with all', () => {
    const start = 'openstack network rbac create --type network --action access_as_shared'
    expect(flat(networkShareCli('n1', 'p1'))).toBe(`${start} --target-project p1 n1`)
    expect(flat(networkShareCli('n1', '*'))).toBe(`${start} --target-all-projects n1`)
  })
  it('make a router of another project in that project', () => {
    const values = { name: 'r', description: '', projectId: 'p1' }
    expect(routerCreateCli(values, null)).toBe('openstack router create --project p1 r')
  })
})
