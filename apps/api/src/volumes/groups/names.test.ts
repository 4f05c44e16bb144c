import { expect, test } from 'vitest'
import { copyNames } from './names.ts'

const namesOf = (group: string, ...names: string[]) => [
  ...copyNames(
    group,
    names.map((name) => ({ name })),
  ).values(),
]

test('the volumes of a group that is made of another one are told apart from those of which they are made', () => {
  expect(namesOf('copy', 'data', 'log')).toEqual(['copy-data', 'copy-log'])
  expect(namesOf('', 'data')).toEqual(['data-copy'])
  expect(namesOf('copy', '', '')).toEqual(['copy-volume-1', 'copy-volume-2'])
})

test('two long names make one that is not too long, and keeps a part of both', () => {
  const [name = ''] = namesOf('g'.repeat(255), 'v'.repeat(255))
  expect(name.length).toBeLessThanOrEqual(255)
  expect(name).toMatch(/^g+-v+$/)
})
