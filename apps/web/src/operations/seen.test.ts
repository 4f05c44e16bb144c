import { expect, test } from 'vitest'
import { isNews, isUnread } from './seen.ts'

test('failures and the ends of what takes its time are news', () => {
  expect(isNews({ action: 'instance.create', state: 'succeeded' })).toBe(true)
  expect(isNews({ action: 'instance.console', state: 'succeeded' })).toBe(false)
  expect(isNews({ action: 'instance.console', state: 'failed' })).toBe(true)
  expect(isNews({ action: 'instance.create', state: 'running' })).toBe(false)
})

test('what ended after the last look is unread', () => {
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
