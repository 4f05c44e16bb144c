import { expect, test } from 'vitest'
import { endOf } from '../operations/words.ts'
import { endsOf } from './ends-of.ts'

test('the end of an action is awaited at the thing whose operation it begins', () => {
  const volumes = [{ id: 'v', instanceId: 'i' }]
  expect(endsOf({}, volumes)).toEqual(['v'])
  expect(endsOf({ endsAt: ({ instanceId }) => instanceId }, volumes)).toEqual(['i'])
  expect(endsOf({ endsAt: () => undefined }, volumes)).toEqual(['v'])
})

test.each(['attach', 'detach', 'attach_volume', 'detach_volume'])('instance.%s says how it ended', (verb) => {
  expect(endOf(`instance.${verb}`)).toMatch(/^has /)
})
