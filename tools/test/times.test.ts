import path from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../cloud/paths.ts'
import { ofBrowser, ofVitest } from './times.ts'

test('times are read from the reports of vitest and Playwright', () => {
  const name = path.join(root, 'apps/api/src/a.test.ts')
  const assertionResults = [
    { fullName: 'lists holds', duration: 20 },
    { fullName: 'is skipped', duration: null },
  ]
  expect(ofVitest({ testResults: [{ name, assertionResults }] })).toEqual([
    { ms: 20, what: 'apps/api/src/a.test.ts: lists holds' },
    { ms: 0, what: 'apps/api/src/a.test.ts: is skipped' },
  ])
  const spec = (title: string, ...durations: number[]) => ({
    title,
    file: 'compute.e2e.ts',
    tests: [{ results: durations.map((duration) => ({ duration })) }],
  })
  const inner = { specs: [spec('stops', 5)] }
  expect(ofBrowser({ suites: [{ specs: [spec('launches', 30, 40)], suites: [inner] }] })).toEqual([
    { ms: 70, what: 'e2e/compute.e2e.ts: launches' },
    { ms: 5, what: 'e2e/compute.e2e.ts: stops' },
  ])
})
