import { describe, expect, it } from 'vitest'
import { ruleCreateInput } from '../contract.ts'
import { normaliseRule, protocolNumber } from './rules.ts'

const securityGroupId = crypto.randomUUID()
const parse = (patch: object) => ruleCreateInput.parse({ securityGroupId, direction: 'ingress', ...patch })
const normal = (patch: object) => normaliseRule(parse(patch))

describe('a protocol (A08.1)', () => {
  it.each<[unknown, string | null, number | null]>([
    ['tcp', 'tcp', 6],
    ['TCP', 'tcp', 6],
    ['6', 'tcp', 6],
    [6, 'tcp', 6],
    ['Udp', 'udp', 17],
    ['icmp', 'icmp', 1],
    ['1', 'icmp', 1],
    ['112', '112', 112],
    ['006', 'tcp', 6],
    [0, '0', 0],
    [255, '255', 255],
    ['any', null, null],
    [null, null, null],
    [undefined, null, null],
  ])('%j is %j, number %j', (protocol, word, number) => {
    const rule = normal({ protocol })
    expect([rule.protocol, protocolNumber(rule)]).toEqual([word, number])
  })

  it('icmp of IPv6 is another protocol', () => {
    expect(protocolNumber(normal({ protocol: 'icmp', ethertype: 'IPv6' }))).toBe(58)
    expect(protocolNumber(normal({ protocol: '58', ethertype: 'IPv6' }))).toBe(58)
  })

  it.each([256, -1, '256', '-1', 'tcp; drop', 'quic', '', '1e2', '0x6', 'tcp\n', {}])(
    '%j is no protocol',
    (protocol) => {
      expect(() => normal({ protocol })).toThrow()
    },
  )
})

describe('ports (A08.2)', () => {
  const tcp = (portMin: unknown, portMax?: unknown) => normal({ protocol: 'tcp', portMin, portMax })
  it('are a range, also when only one end is given', () => {
    expect(tcp(22)).toMatchObject({ portMin: 22, portMax: 22 })
    expect(tcp(null, 80)).toMatchObject({ portMin: 80, portMax: 80 })
    expect(tcp(1, 65_535)).toMatchObject({ portMin: 1, portMax: 65_535 })
    expect(tcp(null)).toMatchObject({ portMin: null, portMax: null })
  })
  it.each([
    [0, 10],
    [10, 9],
    [1, 65_536],
    [-1, 5],
    [1.5, 2],
    ['22', 22],
  ])('%j to %j are refused', (min, max) => {
    expect(() => tcp(min, max)).toThrow()
  })
  it.each([null, '112', 'any', 0])('need a protocol that has ports, unlike %j', (protocol) => {
    expect(() => normal({ protocol, portMin: 22 })).toThrow(/Ports belong to tcp, udp or sctp/)
  })
  it('are type and code for ICMP', () => {
    expect(normal({ protocol: 'icmp', portMin: 8, portMax: 0 })).toMatchObject({ portMin: 8, portMax: 0 })
    expect(() => normal({ protocol: 'icmp', portMax: 0 })).toThrow(/needs a type/)
    expect(() => normal({ protocol: 'icmp', portMin: 256 })).toThrow(/between 0 and 255/)
    expect(() => normal({ protocol: 'icmp', portMin: 8, portMax: 256 })).toThrow(/between 0 and 255/)
  })
})

describe('a range of addresses (A08.3)', () => {
  it.each<[string, 'IPv4' | 'IPv6', string | null]>([
    ['10.0.0.0/24', 'IPv4', '10.0.0.0/24'],
    ['10.0.0.7', 'IPv4', '10.0.0.7/32'],
    ['0.0.0.0/0', 'IPv4', null],
    ['::/0', 'IPv6', null],
    ['2001:DB8::/32', 'IPv6', '2001:db8::/32'],
    ['::1', 'IPv6', '::1/128'],
  ])('%s for %s is %j', (remoteCidr, ethertype, wanted) => {
    expect(normal({ remoteCidr, ethertype }).remoteCidr).toBe(wanted)
  })
  it.each<[string, 'IPv4' | 'IPv6']>([
    ['10.0.0.5/24', 'IPv4'],
    ['10.0.0.0/33', 'IPv4'],
    ['10.0.0/24', 'IPv4'],
    ['010.0.0.0/24', 'IPv4'],
    ['256.0.0.0/8', 'IPv4'],
    ['10.0.0.0/24', 'IPv6'],
    ['::/0', 'IPv4'],
    ['::ffff:10.0.0.1', 'IPv6'],
    ['::1::/64', 'IPv6'],
    ['2001:db8::1/64', 'IPv6'],
    ['1:2:3:4:5:6:7:8:9/128', 'IPv6'],
    ['10.0.0.0/24; accept', 'IPv4'],
    ['any', 'IPv4'],
  ])('%s is refused for %s', (remoteCidr, ethertype) => {
    expect(() => normal({ remoteCidr, ethertype })).toThrow()
  })
  it('and a group exclude each other', () => {
    expect(() => normal({ remoteCidr: '10.0.0.0/8', remoteGroupId: securityGroupId })).toThrow(/not both/)
  })
})
