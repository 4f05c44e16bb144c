import path from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../cloud/paths.ts'
import { failuresOfBrowser, ofBrowser, ofVitest } from './report.ts'

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

test('each failed browser test is told with the beginning of its reason', () => {
  const spec = (title: string, ...results: object[]) => ({
    title,
    file: 'lists.e2e.ts',
    tests: [{ results }],
  })
  const failed = {
    duration: 60_000,
    error: { message: `\u001b[31mnot visible\u001b[39m ${'x'.repeat(2_000)}` },
  }
  const report = { suites: [{ specs: [spec('passes', { duration: 1 }), spec('fails', failed)] }] }
  const [told, ...others] = failuresOfBrowser(report)
  expect(others).toEqual([])
  expect(told).toMatch(/^e2e\/lists\.e2e\.ts: fails\nnot visible x+$/)
  expect(told?.length).toBeLessThan(800)
})
