import { expect, it } from 'vitest'
import { csv } from './csv.ts'

it('quotes what must be quoted, and makes formulas harmless', () => {
  expect(
    csv(
      ['a', 'b'],
      [
        ['x,"y"', 1],
        ['=1+1', null],
        ['two\nlines', -5],
      ],
    ),
  ).toBe('a,b\r\n"x,""y""",1\r\n\'=1+1,\r\n"two\nlines",-5\r\n')
})
