import path from 'node:path'
import { root } from '../cloud/paths.ts'

export type Timed = { ms: number; what: string }
/** The fields of vitest's JSON report that are read here. */
type VitestReport = {
  testResults: { name: string; assertionResults: { fullName: string; duration?: number | null }[] }[]
}
/** The fields of Playwright's JSON report that are read here. */
type Suite = {
  suites?: Suite[]
  specs: { title: string; file: string; tests: { results: { duration: number }[] }[] }[]
}

export function ofVitest(report: unknown): Timed[] {
  return (report as VitestReport).testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map((test) => ({
      ms: test.duration ?? 0,
      what: `${path.relative(root, name)}: ${test.fullName}`,
    })),
  )
}

export function ofBrowser(report: unknown): Timed[] {
  const { suites = [], specs = [] } = report as Partial<Suite>
  const own = specs.map(({ title, file, tests }) => ({
    ms: tests.flatMap(({ results }) => results).reduce((sum, { duration }) => sum + duration, 0),
    what: `e2e/${file}: ${title}`,
  }))
  return [...own, ...suites.flatMap(ofBrowser)]
}
