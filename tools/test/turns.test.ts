import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { commitOrDay, heavy, turn } from './turns.ts'

test('each commit runs one heavy part, all parts have their turn, and the long run has all', () => {
  const commits = Array.from({ length: 200 }, (_, i) => createHash('sha1').update(`${i}`).digest('hex'))
  const turns = commits.map((commit) => turn(commit, false))
  expect(turns.every((parts) => parts.length === 1)).toBe(true)
  expect(new Set(turns.flat())).toEqual(new Set(heavy))
  expect(turn(commitOrDay(), false)).toHaveLength(1)
  expect(turn(commitOrDay(), true)).toEqual(heavy)
})
