import type { WaitingPart } from '@stratolith/api/compute/contract'
import { describe, expect, it } from 'vitest'
import { partsToShow, partText, whyText } from './waiting-words.ts'

const part = (patch: Partial<WaitingPart>): WaitingPart => ({
  ...{ kind: 'port', thing: 'p', name: '10.0.0.5', wanted: true },
  ...{ floatingIps: [], released: [], itself: true },
  ...{ since: '2026-11-29T10:00:00Z', why: 'telling', message: null, detail: null, nextTryAt: null },
  ...patch,
})

describe('a part of an instance that waits for its host', () => {
  it('is named in people’s words', () => {
    expect(partText(part({ kind: 'instance', name: 'web' }))).toBe('The description of its guest')
    expect(partText(part({ kind: 'instance', wanted: false }))).toBe('The removal of its guest')
    expect(partText(part({}))).toBe('Its port 10.0.0.5')
    expect(partText(part({ kind: 'network', name: 'net' }))).toBe('Its network “net”')
    expect(partText(part({ kind: 'addressSet', name: 'db' }))).toBe('The members of the security group “db”')
  })

  it('that is a router is named by what was done: its floating IPs, or the router itself', () => {
    const router = (patch: Partial<WaitingPart>) => partText(part({ kind: 'router', name: 'main', ...patch }))
    const [one, two] = ['172.24.4.7', '172.24.4.8']
    expect(router({})).toBe('The router “main”')
    expect(router({ floatingIps: [one] })).toBe('The router “main” and floating IP 172.24.4.7')
    expect(router({ floatingIps: [one], itself: false })).toBe('Floating IP 172.24.4.7')
    expect(router({ released: [one, two], itself: false })).toBe(
      'The removal of floating IPs 172.24.4.7, 172.24.4.8',
    )
    expect(router({ floatingIps: [one], released: [two], itself: false })).toBe(
      'Floating IP 172.24.4.7 and the removal of floating IP 172.24.4.8',
    )
  })

  it('of another project is shown without its name', () => {
    const texts = (['network', 'router', 'addressSet'] as const).map((kind) =>
      partText(part({ kind, name: null })),
    )
    expect(texts).toEqual([
      'A network of another project',
      'A router of another project',
      'The members of a security group of another project',
    ])
  })

  it('says why it waits', () => {
    expect(whyText({ why: 'silent', message: null })).toMatch(/does not answer/)
    expect(whyText({ why: 'missing', message: null })).toMatch(/does not answer/)
    expect(whyText({ why: 'fenced', message: null })).toMatch(/declared to be off.*taken back/)
    expect(whyText({ why: 'refused', message: 'The host has run out of space.' })).toBe(
      'The host has run out of space.',
    )
    expect(whyText({ why: 'working', message: 'the host to copy the image' })).toBe(
      'It waits for the host to copy the image.',
    )
    expect(whyText({ why: 'telling', message: null })).toMatch(/being told/)
  })

  it('is shown when it is older than some moments and no operation concerns it, or when the host has failed', () => {
    const now = Date.parse('2026-11-29T10:00:03Z')
    const idle = { taskState: null }
    expect(partsToShow([part({})], idle, now)).toEqual([])
    expect(partsToShow([part({ why: 'working' })], idle, now)).toEqual([])
    expect(partsToShow([part({}), part({ why: 'working' })], idle, now + 10_000)).toHaveLength(2)
    expect(partsToShow([part({})], { taskState: 'rebooting' }, now + 10_000)).toEqual([])
    expect(partsToShow([part({ why: 'silent' }), part({ why: 'refused' })], idle, now)).toHaveLength(2)
    expect(partsToShow([part({ why: 'fenced' })], { taskState: 'deleting' }, null)).toHaveLength(1)
    expect(partsToShow([part({})], idle, null)).toEqual([])
  })
})
