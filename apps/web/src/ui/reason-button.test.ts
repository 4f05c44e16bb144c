import { expect, test } from 'vitest'
import { hintText } from './ReasonButton.tsx'

test('a bare icon says its word, a closed button its reason, and a closed bare icon both', () => {
  expect(hintText(undefined, null)).toBeNull()
  expect(hintText('Stop', null)).toBe('Stop')
  expect(hintText(undefined, 'It is stopped.')).toBe('It is stopped.')
  expect(hintText('Stop', 'It is stopped.')).toBe('Stop: It is stopped.')
})
