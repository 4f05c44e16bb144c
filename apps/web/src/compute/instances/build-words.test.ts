import { expect, it } from 'vitest'
import { noBuildText } from './build-words.ts'

it('an adopted instance has no record of a build, and is said to be adopted', () => {
  expect(noBuildText({ createdAt: '2026-11-28T10:00:00Z', actorName: 'admin' })).toMatch(
    /^It was not built here: admin adopted it from its host on .*2026/,
  )
  expect(noBuildText(null)).toBe('The record of the build is no longer kept.')
})
