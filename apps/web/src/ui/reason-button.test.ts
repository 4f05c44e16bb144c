import { expect, test } from 'vitest'
import { hintText } from './ReasonButton.tsx'

test('the hint of a bare icon is its word, that of a disabled button its reason, and that of a disabled bare icon both', () => {
  expect(hintText(undefined, null)).toBeNull()
  expect(hintText('Stop', null)).toBe('Stop')
  expect(hintText(undefined, 'It is stopped.')).toBe('It is stopped.')
  expect(hintText('Stop', 'It is stopped.')).toBe('Stop: It is stopped.')
})
