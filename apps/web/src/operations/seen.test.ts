import { expect, test } from 'vitest'
import { preferenceKey } from '../kit/own-storage.ts'
import { isNews, isUnread, markSeen, seenAt } from './seen.ts'

test('failures and the ends of long operations are news', () => {
  expect(isNews({ action: 'instance.create', state: 'succeeded' })).toBe(true)
  expect(isNews({ action: 'instance.console', state: 'succeeded' })).toBe(false)
  expect(isNews({ action: 'instance.console', state: 'failed' })).toBe(true)
  expect(isNews({ action: 'instance.create', state: 'running' })).toBe(false)
})

test('an operation that ended after the last look is unread', () => {
  const ended = {
    action: 'instance.create',
    state: 'succeeded',
    finishedAt: '2026-11-28T16:00:00.000Z',
  } as const
  expect(isUnread(ended, '2026-11-28T15:59:59.000Z')).toBe(true)
  expect(isUnread(ended, '2026-11-28T16:00:00.000Z')).toBe(false)
  expect(isUnread(ended, null), 'somebody who comes for the first time').toBe(false)
  expect(isUnread({ ...ended, finishedAt: null }, '2026-11-28T15:59:59.000Z')).toBe(false)
})

test('a look at the operations of one project leaves those of another unread', () => {
  const kept = new Map<string, string>()
  const store = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as unknown as Storage
  markSeen(store, { userId: 'ann', at: 'one' }, '2026-11-28T15:00:00.000Z')
  markSeen(store, { userId: 'ann', at: 'two' }, '2026-11-28T16:00:00.000Z')
  expect(seenAt(store, { userId: 'ann', at: 'one' })).toBe('2026-11-28T15:00:00.000Z')
  expect(seenAt(store, { userId: 'ann', at: 'cloud' })).toBeNull()
  expect(seenAt(store, { userId: 'bob', at: 'one' })).toBeNull()
  expect([...kept.keys()].join(), 'names nobody').not.toMatch(/ann|one|two/)
  kept.set(preferenceKey('bob', 'operations.seen one'), '2026-11-28T14:00:00.000Z')
  expect(seenAt(store, { userId: 'bob', at: 'one' }), 'of an older version').toBe('2026-11-28T14:00:00.000Z')
  expect(kept.size).toBe(3)
  expect([...kept.keys()].join()).not.toContain('bob')
})
