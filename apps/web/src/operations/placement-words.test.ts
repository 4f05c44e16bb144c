import { expect, test } from 'vitest'
import { placementWords } from './placement-words.ts'

test('hosts are counted in words, with the reasons', () => {
  const refused = [
    { check: 'Memory', hosts: 500 },
    { check: 'Answers', hosts: 1 },
  ]
  expect(placementWords({ total: 600, fit: 99, refused, verdicts: [] })).toBe(
    'It fits on 99 of 600 hosts: 500 have too little memory left, 1 does not answer. 0 of them are shown.',
  )
  expect(placementWords({ total: 0, fit: 0, refused: [], verdicts: [] })).toBe('It fits on 0 of 0 hosts.')
})
