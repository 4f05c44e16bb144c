import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { withoutDefaults } from '../defaults.ts'
import { digestBy, digestsOf, wishDigest } from './digest.ts'
import { filterRule, portSpec } from './spec.ts'

const rule = {
  direction: 'ingress' as const,
  ethertype: 'IPv4' as const,
  protocol: null,
  portMin: null,
  portMax: null,
  remote: { cidr: '10.0.0.0/8' },
}
const port = {
  id: 'port',
  tag: 1,
  networkId: 'net',
  mac: 'fa:16:3e:00:00:01',
  mtu: 1450,
  addresses: [{ subnetId: 's', ip: '10.0.0.2', prefix: 24 }],
  hostname: 'h',
  instanceId: 'i',
  projectId: 'p',
  portSecurity: true,
  adminUp: true,
  rules: [rule],
}
/** A port's schema as a later version might have it: with new fields at the top and in nested objects. */
const later = z.object({
  ...portSpec.shape,
  pace: z.int().nullable().default(null),
  hints: z.array(z.string()).default([]),
  note: z.string().optional(),
  addresses: z.array(
    z.object({ subnetId: z.string(), ip: z.string(), prefix: z.int(), primary: z.boolean().default(false) }),
  ),
  rules: z.array(
    z.strictObject({
      ...filterRule.shape,
      log: z.boolean().default(false),
      remote: z
        .union([z.strictObject({ cidr: z.string(), not: z.boolean().default(false) }), z.strictObject({})])
        .nullable(),
    }),
  ),
})
const parsed = (said: object) => later.parse({ ...port, ...said })

describe('a digest', () => {
  it('is the same whether or not a host knows a field, as long as the field has its default', () => {
    const wish = parsed({ note: undefined })
    expect(wish).toMatchObject({ pace: null, rules: [{ log: false, remote: { not: false } }] })
    expect(digestBy(later, wish)).toBe(wishDigest.port(port))
    expect(digestBy(later, port), 'recorded before the field existed').toBe(wishDigest.port(port))
  })

  it.each([
    ['null by default', { pace: 7 }],
    ['empty by default', { hints: ['x'] }],
    ['absent', { note: '' }],
    ['in a list', { addresses: [{ ...port.addresses[0], primary: true }] }],
    ['in a rule', { rules: [{ ...rule, log: true }] }],
    ['in one of several shapes', { rules: [{ ...rule, remote: { cidr: '10.0.0.0/8', not: true } }] }],
  ])('changes when a field that was %s is used', (_what, said) => {
    expect(digestBy(later, parsed(said))).not.toBe(wishDigest.port(port))
  })

  it('is the same as in records of earlier versions', () => {
    expect(wishDigest.port(port)).toBe('07955f127ff67dda54034223fcb840fc')
    const none = new Map<string, { id: string }>()
    const recorded = { networks: none, ports: new Map([['port', port]]), routers: none, sets: none }
    expect(digestsOf(recorded, () => true)).toEqual({ port: '07955f127ff67dda54034223fcb840fc' })
    expect(digestsOf(recorded, () => false)).toEqual({})
  })
})

it('withoutDefaults leaves out only fields that the schema gives a default', () => {
  const schema = z.tuple([z.object({ a: z.int().nullable(), b: z.int().default(1) }), z.string()])
  const odd = [{ a: null, b: 1, unknown: 1 }, 'x'] as const
  expect(withoutDefaults(schema, odd)).toEqual([{ a: null, unknown: 1 }, 'x'])
  expect(withoutDefaults(schema, null)).toBeNull()
  expect(withoutDefaults(schema, ['no object', 1])).toEqual(['no object', 1])
})
