import path from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { root } from '../cloud/paths.ts'

export type Timed = { ms: number; what: string }
/** The fields of vitest's JSON report that are read here. */
type VitestReport = {
  testResults: { name: string; assertionResults: { fullName: string; duration?: number | null }[] }[]
}
/** The fields of Playwright's JSON report that are read here. */
type Suite = {
  suites?: Suite[]
  specs: { title: string; file: string; tests: { results: Result[] }[] }[]
}
type Result = { duration: number; error?: { message?: string } }

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

/** How much of the reason of one failure is kept: the expectation, without the whole text that it was compared with. */
const reasonLength = 700

/** The failed browser tests, each with the beginning of its reason and without colours. */
export function failuresOfBrowser(report: unknown): string[] {
  const { suites = [], specs = [] } = report as Partial<Suite>
  const own = specs.flatMap(({ title, file, tests }) =>
    tests
      .flatMap(({ results }) => results)
      .flatMap(({ error }) => {
        if (error === undefined) return []
        const reason = stripVTControlCharacters(error.message ?? '').slice(0, reasonLength)
        return [`e2e/${file}: ${title}\n${reason}`]
      }),
  )
  return [...own, ...suites.flatMap(failuresOfBrowser)]
}
