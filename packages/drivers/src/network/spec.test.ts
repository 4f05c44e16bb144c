import { expect, it } from 'vitest'
import { bounds } from '../bounds.ts'
import type { NetworkSpec, PortSpec } from './interface.ts'
import { networkSpec, portSpec } from './spec.ts'
import { checkNetwork, checkPort } from './validate.ts'

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
const rule: PortSpec['rules'][number] = {
  direction: 'ingress',
  ethertype: 'IPv4',
  protocol: null,
  portMin: null,
  portMax: null,
  remote: null,
}
const portOf = (rules: readonly object[]) =>
  ({
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
    rules,
  }) as PortSpec

it('a network with too many subnets and a port with too many rules are refused', () => {
  const most = networkOf(bounds.subnetsOfNetwork)
  expect(checkNetwork(most)).toEqual(most)
  expect(() => checkNetwork(networkOf(bounds.subnetsOfNetwork + 1))).toThrow(/subnets/)
  const rules = Array.from({ length: bounds.rulesOfPort }, () => rule)
  expect(checkPort(portOf(rules)).rules).toHaveLength(5_000)
  expect(() => checkPort(portOf([...rules, rule]))).toThrow(/rules/)
})

it('an unknown field of a newer control plane is left out, but a rule with an unknown field is refused', () => {
  const network = networkOf(1)
  const newer = { ...network, colour: 'blue', subnets: [{ ...network.subnets[0], ipv6: null }] }
  expect(networkSpec.parse(newer)).toEqual(network)
  expect(portSpec.parse({ ...portOf([rule]), colour: 'blue' })).toEqual(portOf([rule]))
  expect(portSpec.safeParse(portOf([{ ...rule, onlyOnMondays: true }])).success).toBe(false)
  const remote = { cidr: '0.0.0.0/0', except: '10.0.0.0/8' }
  expect(portSpec.safeParse(portOf([{ ...rule, remote }])).success).toBe(false)
})
