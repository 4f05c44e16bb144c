import { describe, expect, it } from 'vitest'
import {
  nextTry,
  toldText,
  unconfirmedName,
  unconfirmedPath,
  unconfirmedText,
  waitingText,
} from './unconfirmed-words.ts'

const project = { id: 'p', name: 'demo' }
const port = {
  kind: 'port',
  thing: 'abcdef01-2345',
  name: '10.0.0.5',
  project,
  instance: { id: 'i', name: 'web' },
  isThere: true,
  wanted: true,
} as const

describe('what a host has not confirmed', () => {
  it('is said by kind, name, owner and wish', () => {
    expect(unconfirmedText(port)).toBe('Port of web, project demo: to be made or changed')
    expect(unconfirmedText({ ...port, instance: null, project: null, wanted: false })).toBe(
      'Port: to be gone',
    )
    expect(unconfirmedText({ ...port, kind: 'addressSet', instance: null })).toMatch(
      /^Members of the security group, /,
    )
    expect([unconfirmedName(port), unconfirmedName({ ...port, name: null })]).toEqual([
      '10.0.0.5',
      'abcdef01',
    ])
  })

  it('leads to its page, or to the instance’s, or nowhere when it is gone', () => {
    expect(unconfirmedPath(port)).toBe('/instances/i?tab=interfaces')
    expect(unconfirmedPath({ ...port, instance: null })).toBeNull()
    expect(unconfirmedPath({ ...port, kind: 'addressSet' })).toBe('/security-groups/abcdef01-2345')
    expect(unconfirmedPath({ ...port, kind: 'instance', isThere: false })).toBeNull()
  })

  it('is told again at a moment, with the next delivery, or when the host answers', () => {
    const now = Date.parse('2026-11-29T10:00:00Z')
    const later = { nextTryAt: '2026-11-29T10:01:00Z' }
    expect(nextTry(later, { state: 'up' }, now)).toEqual({ at: later.nextTryAt })
    expect(nextTry(later, { state: 'up' }, now + 61_000)).toEqual({ text: 'next delivery' })
    expect(nextTry({ nextTryAt: null }, { state: 'up' }, null)).toEqual({ text: 'next delivery' })
    expect(nextTry(later, { state: 'down' }, now)).toEqual({ text: 'when it answers' })
    expect(nextTry(later, { state: 'fenced' }, now)).toEqual({ text: 'when the fencing is taken back' })
  })

  it('is counted in words', () => {
    expect([waitingText(1), waitingText(3)]).toEqual([
      'One thing is not as it should be there yet.',
      '3 things are not as they should be there yet.',
    ])
    expect([toldText('vm', 0), toldText('vm', 1), toldText('vm', 2)]).toEqual([
      'vm is being told already',
      'Telling vm again: 1 thing',
      'Telling vm again: 2 things',
    ])
  })
})
