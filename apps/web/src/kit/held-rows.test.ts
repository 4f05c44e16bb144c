import { expect, it } from 'vitest'
import { splitHeld } from './held-rows.ts'

const rows = (...ids: string[]) => ids.map((id) => ({ id }))

it('rows stay where they are, and new rows above them are counted', () => {
  const held = rows('c', 'b', 'a')
  expect(splitHeld(held, rows('e', 'd', 'c', 'b'))).toEqual({ rows: held, fresh: 2 })
  expect(splitHeld(held, held)).toEqual({ rows: held, fresh: 0 })
  expect(splitHeld(held, rows('h', 'g', 'f', 'e')), 'a whole page later').toEqual({ rows: held, fresh: 4 })
})
it('the first rows of an empty list are shown at once', () => {
  expect(splitHeld([], rows('a'))).toEqual({ rows: rows('a'), fresh: 0 })
})
