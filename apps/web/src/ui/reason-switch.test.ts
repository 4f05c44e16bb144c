import { expect, test } from 'vitest'
import { reasonProps } from './ReasonSwitch.tsx'

test('a switch that cannot be used still takes the focus, and says why', () => {
  expect(reasonProps(true)).toEqual({})
  expect(reasonProps('It is locked.')).toMatchObject({
    'aria-disabled': true,
    'aria-description': 'It is locked.',
  })
  expect(reasonProps('It is locked.')).not.toHaveProperty('disabled')
})
