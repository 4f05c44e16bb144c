import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { shareOf } from '../../e2e/support/share.ts'
import { commitOrDay, heavy, routesShare, shares, turn } from './turns.ts'

const commits = Array.from({ length: 200 }, (_, i) => createHash('sha1').update(`${i}`).digest('hex'))

test('each commit runs one heavy part, all parts have their turn, and the long run has all', () => {
  const turns = commits.map((commit) => turn(commit, false))
  expect(turns.every((parts) => parts.length === 1)).toBe(true)
  expect(new Set(turns.flat())).toEqual(new Set(heavy))
  expect(turn(commitOrDay(), false)).toHaveLength(1)
  expect(turn(commitOrDay(), true)).toEqual(heavy)
})

test('each commit looks at a share of the routes, each route is in one share, and the long run has all routes', () => {
  const routes = Array.from({ length: 11 }, (_, i) => `/${i}`)
  const chosen = [...new Set(commits.map((commit) => routesShare(commit, false)))]
  expect(chosen).toHaveLength(shares)
  expect(chosen.flatMap((share) => shareOf(routes, share)).toSorted()).toEqual(routes.toSorted())
  expect(Math.max(...chosen.map((share) => shareOf(routes, share).length))).toBe(3)
  expect(shareOf(routes, routesShare(commitOrDay(), true))).toEqual(routes)
  for (const wrong of ['', '0/5', '6/5', 'all']) expect(() => shareOf(routes, wrong)).toThrow('is no share')
})
