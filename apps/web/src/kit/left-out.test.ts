import { expect, test } from 'vitest'
import { leftOut } from './left-out.ts'

test('the question says which of the chosen things an action leaves out, and why', () => {
  const allowed = ({ isProtected }: { isProtected: boolean }) => !isProtected || 'It is protected.'
  const views = [
    { name: 'data', isProtected: false },
    { name: 'log', isProtected: true },
  ]
  expect(leftOut({ allowed }, views, ({ name }) => name)).toEqual(['log: It is protected.'])
})
