import { expect, it } from 'vitest'
import { freeName } from './free-name.ts'

it('finds a name that nobody has', () => {
  expect(freeName('web', [])).toBe('web')
  expect(freeName('web', ['web', 'web-2', 'web-4'])).toBe('web-3')
  expect(freeName('web', ['web-1'])).toBe('web')
})
