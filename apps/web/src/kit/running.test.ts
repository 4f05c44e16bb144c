import { expect, test } from 'vitest'
import { begin, end, runningKey } from './running.ts'

test('what runs on a thing is not begun a second time, and is again when it has ended', () => {
  const keys = ['a', 'b'].map((id) => runningKey('instance', id))
  expect(begin(keys.slice(0, 1))).toEqual(['instance a'])
  expect(begin(keys), 'a double click, and one more thing').toEqual(['instance b'])
  expect(begin(keys)).toEqual([])
  end(['instance a'])
  expect(begin(keys)).toEqual(['instance a'])
  end(keys)
})
