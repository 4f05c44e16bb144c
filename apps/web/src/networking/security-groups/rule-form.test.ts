import { describe, expect, it } from 'vitest'
import { ownRange, presetKey, presetsOf, ruleInitial, ruleInput, ruleProblems } from './rule-form.ts'

const start = ruleInitial('ingress', 'g1')

describe('the rule form', () => {
  it('begins with SSH, and recognises each preset', () => {
    expect(presetKey(start, 'g1')).toBe('ssh')
    for (const preset of presetsOf('g1'))
      expect(presetKey({ ...start, ...preset.values }, 'g1')).toBe(preset.key)
    expect(presetKey({ ...start, ports: '2222' }, 'g1')).toBe('custom')
  })
  it('sends null for every field without a restriction', () => {
    expect(ruleInput(start)).toMatchObject({
      protocol: 'tcp',
      portMin: 22,
      portMax: 22,
      remoteCidr: null,
      remoteGroupId: null,
    })
    expect(ruleInput({ ...start, protocol: 'any', remote: 'group' })).toMatchObject({
      protocol: null,
      portMin: null,
      remoteGroupId: 'g1',
    })
  })
  it('drops ports and remotes that belong to another choice', () => {
    const values = {
      ...start,
      protocol: 'icmp',
      ports: 'nonsense',
      remote: 'anywhere' as const,
      remoteCidr: 'x',
    }
    expect(ruleProblems(values)).toEqual({})
    expect(ruleInput(values)).toMatchObject({ protocol: 'icmp', portMin: null, remoteCidr: null })
  })
  it('says at each field what is wrong', () => {
    expect(ruleProblems({ ...start, ports: '99999' }).ports).toMatch(/between 1 and 65535/)
    expect(ruleProblems({ ...start, remote: 'range' }).remoteCidr).toMatch(/Write a range/)
    expect(ruleProblems({ ...start, remote: 'range', remoteCidr: 'fd00::/8' }).remoteCidr).toMatch(/IPv6/)
    expect(ruleProblems({ ...start, protocol: 'number', protocolNumber: '256' }).protocolNumber).toMatch(
      /255/,
    )
    expect(ruleInput({ ...start, protocol: 'number', protocolNumber: '047' }).protocol).toBe('47')
  })
})

it('takes the browser’s own address as a range of one address', () => {
  expect(ownRange('203.0.113.7')).toEqual({
    ...{ remote: 'range', ethertype: 'IPv4', remoteCidr: '203.0.113.7/32' },
  })
  expect(ownRange('::ffff:203.0.113.7')?.remoteCidr).toBe('203.0.113.7/32')
  expect(ownRange('2001:db8::1')).toMatchObject({ ethertype: 'IPv6', remoteCidr: '2001:db8::1/128' })
  expect(ownRange('127.0.0.1')).toBeNull()
  expect(ownRange('::1')).toBeNull()
  expect(ownRange('unknown')).toBeNull()
})
