import { expect, it } from 'vitest'
import { densityOf } from './density.ts'
import { preferenceKey } from './own-storage.ts'

const storeOf = (values: Record<string, string>) => ({ getItem: (key: string) => values[key] ?? null })

it('rows are compact until the signed-in person chooses otherwise', () => {
  const store = storeOf({
    [preferenceKey('ann', 'density')]: 'comfortable',
    [preferenceKey('bob', 'density')]: 'nonsense',
  })
  expect(densityOf(store, 'ann')).toBe('comfortable')
  expect(densityOf(store, 'bob')).toBe('compact')
  expect(densityOf(store, 'eve')).toBe('compact')
})
