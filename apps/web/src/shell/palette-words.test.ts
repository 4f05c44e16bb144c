import { expect, test } from 'vitest'
import { isAddress, verbIn } from './palette-words.ts'

test.each([
  ['stop web', { verb: 'stop', rest: 'web' }],
  ['  Console   web 1 ', { verb: 'console', rest: 'web 1' }],
  ['ssh', { verb: 'ssh', rest: '' }],
  ['stopwatch', null],
  ['web stop', null],
  ['', null],
])('“%s” is read as a verb and a name, or as neither', (typed, found) => expect(verbIn(typed)).toEqual(found))

test('the beginning of an address is recognised', () => {
  expect(['172.24', '10.', '10.0.0.7'].map(isAddress)).toEqual([true, true, true])
  expect(['172', 'web.1', '10.0.0.7.8', '1.2.3.4 '].map(isAddress)).toEqual([false, false, false, true])
})
