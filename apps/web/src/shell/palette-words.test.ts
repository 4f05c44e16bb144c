import { expect, test } from 'vitest'
import { idIn, isAddress, verbIn } from './palette-words.ts'

test.each([
  ['stop web', { verb: 'stop', rest: 'web' }],
  ['  Console   web 1 ', { verb: 'console', rest: 'web 1' }],
  ['ssh', { verb: 'ssh', rest: '' }],
  ['stopwatch', null],
  ['web stop', null],
  ['', null],
])('“%s” is read as a verb and a name, or as neither', (typed, found) => expect(verbIn(typed)).toEqual(found))

test('an ID is recognised with and without dashes', () => {
  expect(idIn(' 0B7F1E6A-2c9d-4e1b-9a51-3f0d2c4b5a69 ')).toBe('0b7f1e6a-2c9d-4e1b-9a51-3f0d2c4b5a69')
  expect(idIn('a87a663c0f5d4ce38a1f0a4bd1f642c8')).toBe('a87a663c0f5d4ce38a1f0a4bd1f642c8')
  expect(idIn('a87a663c')).toBeNull()
})

test('the beginning of an address is recognised', () => {
  expect(['172.24', '10.', '10.0.0.7'].map(isAddress)).toEqual([true, true, true])
  expect(['172', 'web.1', '10.0.0.7.8', '1.2.3.4 '].map(isAddress)).toEqual([false, false, false, true])
})
