import { describe, expect, it } from 'vitest'
import { networkCreateCli, portSetCli, routerGatewayCli, ruleCreateCli, subnetCreateCli } from './cli.ts'

const subnet = { cidr: '10.0.3.0/24', gateway: '', noGateway: false, dhcp: true, dns: [] }
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

describe('the same as CLI', () => {
  it('creates a network and its subnet', () => {
    const text = networkCreateCli(
      { name: 'my net', description: '', external: false, shared: false, mtu: 1500 },
      { ...subnet, noGateway: true, dns: ['9.9.9.9', '1.1.1.1'] },
    )
    expect(flat(text).split('\n')).toEqual([
      "openstack network create 'my net'",
      "openstack subnet create --network 'my net' --subnet-range 10.0.3.0/24 --gateway none --dhcp --dns-nameserver 9.9.9.9 --dns-nameserver 1.1.1.1 'my net-subnet'",
    ])
  })
  it('calls a network that has no name yet by one word everywhere', () => {
    const text = networkCreateCli(
      { name: ' ', description: '', external: false, shared: false, mtu: 1500 },
      subnet,
    )
    expect(text).not.toContain('NETWORK')
    expect(flat(text)).toContain('--network NAME --subnet-range 10.0.3.0/24 --dhcp NAME-subnet')
  })
  it('says the gateway when it is not the first address', () => {
    expect(flat(subnetCreateCli('n', 's', { ...subnet, gateway: '10.0.3.254', dhcp: false }))).toContain(
      '--gateway 10.0.3.254 --no-dhcp',
    )
  })
  it('writes rules', () => {
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
  it('replaces groups of a port and clears gateways', () => {
    expect(flat(portSetCli('p1', { name: '', groups: ['a'] }))).toBe(
      "openstack port set --name '' --no-security-group --security-group a p1",
    )
    expect(routerGatewayCli('r1', null)).toBe('openstack router unset --external-gateway r1')
  })
})
