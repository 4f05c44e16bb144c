import { expect, test } from 'vitest'
import { joined } from './room.ts'

test('two rooms that define the same name are an error', () => {
  expect(joined('kind', [{ a: 1 }, undefined, { b: 2 }])).toEqual({ a: 1, b: 2 })
  expect(() => joined('kind', [{ a: 1 }, { b: 2, a: 3 }])).toThrow(
    'Two rooms of the portal say the kind “a”.',
  )
  expect(joined('quota', [{ toString: 1 }])).toEqual({ toString: 1 })
})
