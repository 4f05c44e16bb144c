import { expect, test } from 'vitest'
import { whole } from './whole.ts'

const vcpus = whole(1, 256, 'A whole number')

test.each([1, 256, '7', ' 7 '])('%j may be sent', (value) => expect(vcpus(value)).toBeNull())
test.each([0, -5, 257, 1.5, '', ' ', 'x', '1e400', Number.NaN])('%j is refused in words', (value) =>
  expect(vcpus(value)).toBe('A whole number from 1 to 256.'),
)
