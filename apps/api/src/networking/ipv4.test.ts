import { toAddress, toNumber } from '@stratolith/drivers/network/ipv4'
import { describe, expect, it } from 'vitest'
import { contains, guestAddresses, overlaps, parseCidr } from './ipv4.ts'

describe('addresses as numbers', () => {
  it.each<[string, number]>([
    ['0.0.0.0', 0],
    ['0.0.0.255', 255],
    ['10.0.0.1', 167_772_161],
    ['128.0.0.0', 2_147_483_648],
    ['255.255.255.255', 4_294_967_295],
  ])('%s is %d, there and back', (text, number) => {
    expect(toNumber(text)).toBe(number)
    expect(toAddress(number)).toBe(text)
  })
})

describe('a CIDR', () => {
  it.each<[string, number, string, string]>([
    ['10.0.0.0/24', 256, '10.0.0.1', '10.0.0.254'],
    ['192.168.4.4/30', 4, '192.168.4.5', '192.168.4.6'],
    ['10.0.0.0/8', 16_777_216, '10.0.0.1', '10.255.255.254'],
    ['223.255.255.0/24', 256, '223.255.255.1', '223.255.255.254'],
  ])('%s has %d addresses, %s to %s', (text, size, first, last) => {
    const cidr = parseCidr(text)
    expect([cidr.size, toAddress(cidr.first), toAddress(cidr.last), cidr.text]).toEqual([
      size,
      first,
      last,
      text,
    ])
  })

  it.each<[string, RegExp]>([
    ['10.0.0.0/7', /between \/8 and \/30/],
    ['10.0.0.0/31', /between \/8 and \/30/],
    ['10.0.0.0/x', /between \/8 and \/30/],
    ['10.0.0.0/24.5', /between \/8 and \/30/],
    ['200.0.0.129/25', /Did you mean 200\.0\.0\.128\/25/],
    ['0.0.0.0/8', /reserved/],
    ['127.0.0.0/8', /reserved/],
    ['169.254.169.0/24', /reserved/],
    ['224.0.0.0/8', /reserved/],
    ['240.0.0.0/8', /reserved/],
  ])('%s is refused', (text, why) => {
    expect(() => parseCidr(text, 'cidr')).toThrow(
      expect.objectContaining({ code: 'invalid_input', field: 'cidr' }),
    )
    expect(() => parseCidr(text)).toThrow(why)
  })

  it('contains its usable addresses, without the first and the last', () => {
    const cidr = parseCidr('10.0.1.0/24')
    const inside = ['10.0.1.0', '10.0.1.1', '10.0.1.254', '10.0.1.255', '10.0.0.255', '10.0.2.0']
    expect(inside.map((ip) => contains(cidr, ip))).toEqual([false, true, true, false, false, false])
  })

  it.each<[string, string, boolean]>([
    ['10.0.0.0/24', '10.0.0.0/24', true],
    ['10.0.0.0/16', '10.0.255.0/24', true],
    ['10.0.0.0/24', '10.0.1.0/24', false],
    ['10.0.0.0/25', '10.0.0.128/25', false],
    ['128.0.0.0/8', '10.0.0.0/8', false],
  ])('%s and %s overlap: %s', (a, b, wanted) => {
    expect(overlaps(parseCidr(a), parseCidr(b))).toBe(wanted)
    expect(overlaps(parseCidr(b), parseCidr(a))).toBe(wanted)
  })
})

describe('room for guests', () => {
  const pool = { poolStart: '10.0.0.1', poolEnd: '10.0.0.6', gatewayIp: '10.0.0.1', dhcpIp: '10.0.0.2' }
  it.each<[object, number]>([
    [{}, 4],
    [{ gatewayIp: null, dhcpIp: null }, 6],
    [{ poolStart: '10.0.0.2' }, 4],
    [{ poolStart: '10.0.0.3', poolEnd: '10.0.0.3' }, 1],
  ])('a subnet with %j has room for %d guests', (patch, wanted) => {
    expect(guestAddresses({ ...pool, ...patch })).toBe(wanted)
  })
})
