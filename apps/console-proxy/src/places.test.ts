import { expect, test } from 'vitest'
import { most, Places } from './places.ts'

test('the consoles of an instance and of a user are limited, each independently of others', () => {
  const places = new Places()
  const mine = Array.from({ length: most.user }, (_, i) => places.take(`i${Math.floor(i / 16)}`, 'me'))
  expect(mine.every((place) => typeof place === 'function')).toBe(true)
  expect(places.take('another', 'me')).toMatch(/^You have 64 open consoles/)
  expect(places.take('i0', 'colleague')).toMatch(/^This instance has 16 open consoles/)
  expect(places.take('another', 'colleague')).toBeTypeOf('function')
  const [first] = mine
  if (typeof first === 'function') first()
  expect(places.take('i0', 'me')).toBeTypeOf('function')
  for (const text of [places.take('i0', 'x'), places.take('b', 'me')])
    expect(Buffer.byteLength(String(text))).toBeLessThanOrEqual(120)
})
