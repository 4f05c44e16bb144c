import { describe, expect, it } from 'vitest'
import {
  canonicalCidr,
  contains,
  isHostAddress,
  netmask,
  overlaps,
  parseCidr,
  toAddress,
  toBytes,
  toNumber,
} from './ipv4.ts'

/** Texts on which parsers of addresses (inet_aton, ipaddr.js, careless code) disagree. */
const doubtful = [
  '010.0.0.1',
  '0x0a.0.0.1',
  '10.1',
  '10.0.1',
  '167772161',
  '10.0.0.1\n',
  ' 10.0.0.1',
  '10.0.0.1.',
  '10.0.0.256',
  '10.0.0.-1',
  '10.0.0.1e1',
  '10.0.0.٣',
  '10..0.1',
  '::ffff:10.0.0.1',
  '',
]

describe('addresses', () => {
  it.each(doubtful)('do not include %j', (text) => {
    expect(() => toNumber(text)).toThrow('is not an IPv4 address')
    expect(() => toBytes(text)).toThrow('is not an IPv4 address')
    expect(parseCidr(`${text}/24`)).toBeNull()
    expect(canonicalCidr(`${text}/24`)).toBeNull()
    expect(isHostAddress(text)).toBe(false)
    expect(contains('0.0.0.0/0', text)).toBe(false)
    expect(overlaps('0.0.0.0/0', `${text}/24`)).toBe(false)
  })

  it('are converted to numbers, bytes and masks', () => {
    for (const text of ['0.0.0.0', '10.0.0.1', '128.0.0.0', '255.255.255.255'])
      expect(toAddress(toNumber(text))).toBe(text)
    expect(toNumber('10.0.0.1')).toBe(167_772_161)
    expect([...toBytes('192.0.2.255')]).toEqual([192, 0, 2, 255])
    expect([0, 1, 20, 32].map(netmask)).toEqual(['0.0.0.0', '128.0.0.0', '255.255.240.0', '255.255.255.255'])
  })

  it.each(['0.1.2.3', '127.0.0.1', '169.254.169.254', '224.0.0.1', '240.0.0.1', '255.255.255.255'])(
    'include %s, which no machine can have',
    (text) => expect(isHostAddress(text)).toBe(false),
  )
  it.each(['1.0.0.0', '10.0.0.1', '169.254.169.253', '223.255.255.255'])(
    'include %s, which a machine can have',
    (text) => expect(isHostAddress(text)).toBe(true),
  )
})

describe('ranges', () => {
  it.each(['', '/', '/x', '/-1', '/33', '/024', '/08', '/24.5', '/24 ', '/24/24', '/24\n', ' /24'])(
    'are not written with %j after the address',
    (length) => expect(parseCidr(`10.0.0.0${length}`)).toBeNull(),
  )

  it('have a first and a last address, also the largest and the smallest range', () => {
    expect(parseCidr('0.0.0.0/0')).toEqual({ first: 0, last: 2 ** 32 - 1, prefix: 0 })
    expect(parseCidr('255.255.255.255/32')).toEqual({ first: 2 ** 32 - 1, last: 2 ** 32 - 1, prefix: 32 })
    expect(canonicalCidr('200.0.0.129/25')).toBe('200.0.0.128/25')
  })

  it('contain addresses and overlap, whatever their host bits', () => {
    expect(contains('10.0.0.7/24', '10.0.0.255')).toBe(true)
    expect(contains('10.0.0.7/24', '10.0.1.0')).toBe(false)
    expect(overlaps('10.0.0.9/16', '10.0.255.1/24')).toBe(true)
    expect(overlaps('10.0.0.0/25', '10.0.0.128/25')).toBe(false)
    expect(overlaps('128.0.0.0/1', '0.0.0.0/1')).toBe(false)
  })
})
