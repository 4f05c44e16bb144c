import { describe, expect, it } from 'vitest'
import {
  isWorld,
  opensText,
  parsePorts,
  portsText,
  remoteProblem,
  remoteText,
  ruleSentence,
  ruleWarning,
} from './rules.ts'

const rule = {
  direction: 'ingress' as const,
  ethertype: 'IPv4' as const,
  protocol: 'tcp' as string | null,
  portMin: 22 as number | null,
  portMax: 22 as number | null,
  remoteCidr: null as string | null,
  remoteGroup: null as { id: string; name: string } | null,
}

describe('security rules in words', () => {
  it('never shows a group as a range', () => {
    expect(remoteText({ ...rule, remoteGroup: { id: 'g', name: 'web' } })).toBe('Members of “web”')
    expect(remoteText(rule)).toBe('Anywhere (0.0.0.0/0)')
    expect(remoteText({ ...rule, ethertype: 'IPv6' })).toBe('Anywhere (::/0)')
    expect(remoteText({ ...rule, remoteCidr: '10.0.0.0/8' })).toBe('10.0.0.0/8')
  })
  it('names ports', () => {
    expect(portsText(rule)).toBe('22 (SSH)')
    expect(portsText({ ...rule, portMin: 8000, portMax: 8080 })).toBe('8000–8080')
    expect(portsText({ ...rule, portMin: null, portMax: null })).toBe('all')
    expect(portsText({ ...rule, protocol: 'icmp', portMin: 8, portMax: 0 })).toBe('type 8, code 0')
  })
  it('says in a few words what is open', () => {
    expect(opensText(rule)).toBe('SSH from anywhere')
    expect(opensText({ ...rule, portMin: 8000, portMax: 8080, remoteCidr: '10.0.0.0/8' })).toBe(
      'TCP 8000–8080 from 10.0.0.0/8',
    )
    expect(opensText({ ...rule, protocol: null, portMin: null, remoteGroup: { id: 'g', name: 'web' } })).toBe(
      'all from “web”',
    )
    expect(opensText({ ...rule, protocol: 'icmp', portMin: null, portMax: null })).toBe('ping from anywhere')
  })
  it('makes a sentence', () => {
    expect(ruleSentence(rule)).toBe('Lets TCP 22 (SSH) in from anywhere (0.0.0.0/0).')
    expect(ruleSentence({ ...rule, direction: 'egress', protocol: null, portMin: null })).toBe(
      'Lets all IPv4 traffic out to anywhere (0.0.0.0/0).',
    )
  })
  it('warns of sensitive ports that are open to everybody, and of no others', () => {
    expect(ruleWarning(rule)).toMatch(/try SSH/)
    expect(ruleWarning({ ...rule, remoteCidr: '0.0.0.0/0' })).toMatch(/try SSH/)
    expect(ruleWarning({ ...rule, remoteCidr: '203.0.113.4/32' })).toBeNull()
    expect(ruleWarning({ ...rule, remoteGroup: { id: 'g', name: 'web' } })).toBeNull()
    expect(ruleWarning({ ...rule, direction: 'egress' })).toBeNull()
    expect(ruleWarning({ ...rule, portMin: 443, portMax: 443 })).toBeNull()
    expect(ruleWarning({ ...rule, portMin: 3000, portMax: 6000 })).toMatch(/MySQL \(3306\).*VNC \(5900\)/)
    expect(ruleWarning({ ...rule, protocol: null })).toMatch(/every port/)
    expect(ruleWarning({ ...rule, portMin: null, portMax: null })).toMatch(/every TCP port/)
    expect(ruleWarning({ ...rule, protocol: 'icmp', portMin: null })).toBeNull()
  })
  it('reads ports', () => {
    expect(parsePorts('22')).toEqual({ portMin: 22, portMax: 22 })
    expect(parsePorts(' 8000 - 8080 ')).toEqual({ portMin: 8000, portMax: 8080 })
    expect(parsePorts('')).toEqual({ portMin: null, portMax: null })
    for (const wrong of ['0', '65536', '9-8', 'ssh', '22,80']) expect(typeof parsePorts(wrong)).toBe('string')
  })
  it('checks the other end', () => {
    expect(isWorld(' 0.0.0.0/0')).toBe(true)
    expect(isWorld('10.0.0.0/10')).toBe(false)
    expect(remoteProblem('203.0.113.9', 'IPv4')).toBeNull()
    expect(remoteProblem('fd00::/8', 'IPv4')).toMatch(/IPv6/)
    expect(remoteProblem('everyone', 'IPv4')).toMatch(/Write a range/)
  })
})
