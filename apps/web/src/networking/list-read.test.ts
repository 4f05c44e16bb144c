import { expect, test } from 'vitest'
import { isListWaited, listRead } from './list-read.ts'

test.each([
  [{ ready: false, failed: false }, /being read/, true],
  [{ ready: false, failed: true }, /could not be read/, false],
])('a list that has not been read gives the reason: %o', (list, why, waited) => {
  expect(listRead(list)).toMatch(why)
  expect(isListWaited(list), 'nobody waits for ever').toBe(waited)
})

test('an older list counts as read when the newer one could not be read', () =>
  expect(listRead({ ready: true, failed: true })).toBe(true))
