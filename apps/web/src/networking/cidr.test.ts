import { describe, expect, it } from 'vitest'
import {
  addressProblem,
  cidrHint,
  cidrProblem,
  cidrWarning,
  dnsProblem,
  poolProblem,
  suggestCidr,
} from './cidr.ts'
import { poolsText } from './pools.ts'

describe('ranges', () => {
  it('suggests the first range that overlaps with no other', () => {
    expect(suggestCidr([])).toBe('10.0.0.0/24')
    expect(suggestCidr(['10.0.0.0/24', '10.0.2.0/24'])).toBe('10.0.1.0/24')
    expect(suggestCidr(['10.0.0.0/22', 'nonsense'])).toBe('10.0.4.0/24')
    expect(suggestCidr(['10.0.0.0/16'])).toBe('10.1.0.0/24')
    expect(suggestCidr(['10.0.0.0/8'])).toBe('192.168.0.0/24')
    expect(suggestCidr(['10.0.0.0/8', '192.168.0.0/16'])).toBe('')
  })
  it.each([
    ['', /Write it as/],
    ['10.0.0.0', /Write it as/],
    ['10.0.0.256/24', /Write it as/],
    ['010.0.0.0/24', /Write it as/],
    ['0x0a.0.0.0/24', /Write it as/],
    ['10.0.0/24', /Write it as/],
    ['167772160/24', /Write it as/],
    ['10.0.0.0/33', /between \/8 and \/30/],
    ['fd00::/64', /IPv4 alone/],
    ['10.0.0.0/24/8', /Write it as/],
    ['10.0.0.0/31', /between \/8 and \/30/],
    ['10.0.0.5/24', /Did you mean 10\.0\.0\.0\/24\?/],
    ['127.0.0.0/24', /reserved/],
    ['169.254.10.0/24', /reserved/],
    ['240.0.0.0/8', /reserved/],
  ])('says what is wrong with %j', (text, sentence) => {
    expect(cidrProblem(text)).toMatch(sentence)
  })
  it('takes the ranges that the server takes', () => {
    for (const text of ['10.0.0.0/24', '192.168.4.0/30', '11.0.0.0/8', '172.16.0.0/12'])
      expect(cidrProblem(text)).toBeNull()
  })
  it('tells overlaps inside of a network from those with other networks', () => {
    expect(cidrProblem('10.0.0.128/25', ['10.0.0.0/24'])).toMatch(/overlaps with 10\.0\.0\.0\/24/)
    expect(cidrProblem('10.0.1.0/24', ['10.0.0.0/24'])).toBeNull()
    expect(cidrWarning('10.0.0.0/16', ['10.0.7.0/24'])).toMatch(/10\.0\.7\.0\/24/)
    expect(cidrWarning('10.1.0.0/16', ['10.0.7.0/24'])).toBeNull()
  })
  it('explains a range', () => {
    expect(cidrHint('10.0.0.0/24', undefined)).toBe('254 addresses, 10.0.0.1 – 10.0.0.254; gateway 10.0.0.1')
    expect(cidrHint('10.0.0.0/24', null)).toMatch(/no gateway/)
    expect(cidrHint('10.0.0/24', null)).toBeNull()
  })
  it('checks gateways and name servers', () => {
    expect(addressProblem('10.0.0.0/24', '')).toBeNull()
    expect(addressProblem('10.0.0.0/24', '10.0.0.254')).toBeNull()
    expect(addressProblem('10.0.0.0/24', '10.0.1.1')).toMatch(/not a usable/)
    expect(addressProblem('10.0.0.0/24', '10.0.0.255')).toMatch(/not a usable/)
    expect(dnsProblem(['9.9.9.9', 'dns.example'])).toMatch(/dns\.example is no address/)
    expect(dnsProblem(['1.1.1.1'])).toBeNull()
  })
})

it('checks the pool', () => {
  const problem = (start: string, end: string) => poolProblem('10.0.0.0/24', { start, end })
  expect(problem('', '')).toBeNull()
  expect(problem('10.0.0.9', '10.0.0.10')).toBeNull()
  expect(problem('10.0.0.10', '10.0.0.9')).toBe('10.0.0.10 comes after 10.0.0.9.')
  expect(problem('10.0.0.10', '')).toMatch(/both ends/)
  expect(problem('10.0.0.10', '10.0.1.9')).toMatch(/not a usable/)
})

it('says which addresses are given out; the gateway’s is not among them', () => {
  expect(poolsText([{ start: '10.0.0.2', end: '10.0.0.254' }])).toBe('10.0.0.2 – 10.0.0.254')
  const around = [
    { start: '10.0.0.2', end: '10.0.0.2' },
    { start: '10.0.0.4', end: '10.0.0.9' },
  ]
  expect(poolsText(around)).toBe('10.0.0.2, 10.0.0.4 – 10.0.0.9')
  expect(poolsText([])).toBe('None')
})
