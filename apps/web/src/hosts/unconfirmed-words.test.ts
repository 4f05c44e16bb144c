import { describe, expect, it } from 'vitest'
import {
  countText,
  nextTry,
  shownText,
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

describe('the words about an unconfirmed document', () => {
  it('say its kind, name, owner and wish', () => {
    expect(unconfirmedText(port)).toBe('Port of web, project demo: to be made or changed')
    const gone = { ...port, instance: null, project: null, wanted: false, isThere: false }
    expect(unconfirmedText(gone)).toBe('Port: to be gone')
    expect(unconfirmedText({ ...gone, isThere: true })).toBe('Port: to be gone')
    expect(unconfirmedText({ ...gone, kind: 'network', isThere: true })).toBe(
      'Network: not needed here any more',
    )
    expect(unconfirmedText({ ...port, kind: 'addressSet', instance: null })).toMatch(
      /^Members of the security group, /,
    )
    expect([unconfirmedName(port), unconfirmedName({ ...port, name: null })]).toEqual([
      '10.0.0.5',
      'abcdef01',
    ])
  })

  it('link to its page, or to the instance’s page, or nowhere when it is gone', () => {
    expect(unconfirmedPath(port)).toBe('/instances/i?tab=interfaces')
    expect(unconfirmedPath({ ...port, instance: null })).toBeNull()
    expect(unconfirmedPath({ ...port, kind: 'addressSet' })).toBe('/security-groups/abcdef01-2345')
    expect(unconfirmedPath({ ...port, kind: 'instance', isThere: false })).toBeNull()
  })

  it('say when it is told again: at a time, with the next delivery, or when the host answers', () => {
    const now = Date.parse('2026-11-29T10:00:00Z')
    const later = { wanted: true, nextTryAt: '2026-11-29T10:01:00Z' }
    const up = { state: 'up', answers: true } as const
    expect(nextTry(later, up, now)).toEqual({ at: later.nextTryAt })
    expect(nextTry(later, up, now + 61_000)).toEqual({ text: 'next delivery' })
    expect(nextTry({ wanted: true, nextTryAt: null }, up, null)).toEqual({ text: 'next delivery' })
    expect(nextTry(later, { state: 'suspect', answers: false }, now)).toEqual({ at: later.nextTryAt })
    expect(nextTry(later, { state: 'down', answers: false }, now)).toEqual({ text: 'when it answers' })
    expect(nextTry(later, { state: 'down', answers: true }, now)).toEqual({ at: later.nextTryAt })
  })

  it('say that a fenced host is told after the fencing, except of things that are to be gone', () => {
    const [wanted, gone] = [true, false].map((wish) => ({ wanted: wish, nextTryAt: null }))
    const answering = { state: 'fenced', answers: true } as const
    const silent = { state: 'fenced', answers: false } as const
    expect([wanted, gone].map((row) => row && nextTry(row, answering, 0))).toEqual([
      { text: 'when the fencing is taken back' },
      { text: 'next delivery' },
    ])
    expect([wanted, gone].map((row) => row && nextTry(row, silent, 0))).toEqual([
      { text: 'when the fencing is taken back' },
      { text: 'when it answers' },
    ])
  })

  it('count documents', () => {
    expect([waitingText(0), waitingText(1), waitingText(3), waitingText(1_999)]).toEqual([
      '',
      'One thing is not as it should be there yet.',
      '3 things are not as they should be there yet.',
      'At least 1,000 things are not as they should be there yet.',
    ])
    expect([countText(1), countText(3)]).toEqual(['1 change not confirmed', '3 changes not confirmed'])
    expect([shownText(1, 21), shownText(20, 30_000)]).toEqual(['1 of 21 is shown', '20 of 30,000 are shown'])
    expect([toldText('vm', 0), toldText('vm', 1), toldText('vm', 2)]).toEqual([
      'vm is being told already',
      'Telling vm again: 1 change',
      'Telling vm again: 2 changes',
    ])
  })
})
