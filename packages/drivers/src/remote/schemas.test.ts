import { expect, it } from 'vitest'
import { bounds } from '../bounds.ts'
import type { NetworkSpec, PortSpec } from '../network/interface.ts'
import { checkNetwork, checkPort } from '../network/validate.ts'
import { networkSpec, portSpec } from './schemas.ts'

const networkOf = (subnets: number): NetworkSpec => ({
  id: 'net',
  tag: 1,
  mtu: 1450,
  external: false,
  subnets: Array.from({ length: subnets }, (_, n) => ({
    id: `s${n}`,
    cidr: `10.0.${n}.0/24`,
    gatewayIp: null,
    dhcp: false,
    dhcpIp: null,
    dns: [],
  })),
})
const portOf = (rules: number): PortSpec => ({
  id: 'port',
  tag: 1,
  networkId: 'net',
  mac: 'fa:16:3e:00:00:01',
  mtu: 1450,
  addresses: [],
  hostname: 'h',
  instanceId: 'i',
  projectId: 'p',
  portSecurity: true,
  adminUp: true,
  rules: Array.from({ length: rules }, () => ({
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: null,
    portMin: null,
    portMax: null,
    remote: null,
  })),
})

it('what passes the wire is not refused by the driver for its size, and the other way round', () => {
  const most = networkOf(bounds.subnetsOfNetwork)
  expect(checkNetwork(networkSpec.parse(most) as NetworkSpec)).toEqual(most)
  const more = networkOf(bounds.subnetsOfNetwork + 1)
  expect(networkSpec.safeParse(more).success).toBe(false)
  expect(() => checkNetwork(more)).toThrow(/subnets/)
  expect(checkPort(portSpec.parse(portOf(bounds.rulesOfPort)) as PortSpec).rules).toHaveLength(5_000)
  expect(portSpec.safeParse(portOf(bounds.rulesOfPort + 1)).success).toBe(false)
  expect(() => checkPort(portOf(bounds.rulesOfPort + 1))).toThrow(/rules/)
})
