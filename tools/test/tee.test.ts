import { expect, test } from 'vitest'
import { wholeLines } from './tee.ts'

test('each line of a stream is shown complete and after the name, however the stream is split', () => {
  const lines = wholeLines('api | ')
  expect(lines.take('one\ntw')).toBe('api | one\n')
  expect(lines.take('o\n')).toBe('api | two\n')
  expect(lines.take('\nend')).toBe('api | \n')
  expect(lines.rest()).toBe('api | end\n')
  expect(lines.rest()).toBe('')
})
