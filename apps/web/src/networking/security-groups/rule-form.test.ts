import { describe, expect, it } from 'vitest'
import { presetKey, presetsOf, ruleInitial, ruleInput, ruleProblems } from './rule-form.ts'

const start = ruleInitial('ingress', 'g1')

describe('the rule form', () => {
  it('begins as SSH and recognises each preset as itself', () => {
    expect(presetKey(start, 'g1')).toBe('ssh')
    for (const preset of presetsOf('g1'))
      expect(presetKey({ ...start, ...preset.values }, 'g1')).toBe(preset.key)
    expect(presetKey({ ...start, ports: '2222' }, 'g1')).toBe('custom')
  })
  it('sends null where nothing restricts', () => {
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
  it('forgets ports and remotes that belong to another choice', () => {
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
  it('says what is wrong on its field', () => {
    expect(ruleProblems({ ...start, ports: '99999' }).ports).toMatch(/between 1 and 65535/)
    expect(ruleProblems({ ...start, remote: 'range' }).remoteCidr).toMatch(/Write a range/)
    expect(ruleProblems({ ...start, remote: 'range', remoteCidr: 'fd00::/8' }).remoteCidr).toMatch(/IPv6/)
    expect(ruleProblems({ ...start, protocol: 'number', protocolNumber: '256' }).protocolNumber).toMatch(
      /255/,
    )
    expect(ruleInput({ ...start, protocol: 'number', protocolNumber: '047' }).protocol).toBe('47')
  })
})
