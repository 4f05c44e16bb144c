import { expect, test } from 'vitest'
import { awaitEnd, isAwaited, takeAwaited } from './awaited.ts'

test('the end of what was begun here is told once, and of many things not at all', () => {
  awaitEnd(['a', 'b'], 'toast')
  expect(isAwaited('a')).toBe(true)
  expect(takeAwaited('a')).toBe('toast')
  expect(takeAwaited('a')).toBeNull()
  awaitEnd(['1', '2', '3', '4'], 'many')
  expect(['1', '2', '3', '4'].some(isAwaited)).toBe(false)
})
