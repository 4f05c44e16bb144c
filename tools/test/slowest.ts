import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { root } from '../cloud/paths.ts'

/** What vitest's JSON reporter writes, as far as it is read here. */
type Report = {
  testResults: { name: string; assertionResults: { fullName: string; duration?: number | null }[] }[]
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-reports-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))

/** Arguments by which a vitest run writes down how long each test took, beside what it prints. */
export const timed = (project: string): string[] => [
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${path.join(folder, `${project}.json`)}`,
]

/** The slowest tests of all runs so far, one line each. */
export function slowest(count: number): string[] {
  const tests = fs.readdirSync(folder).flatMap((file) => {
    const { testResults } = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8')) as Report
    return testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.map((test) => ({
        ms: test.duration ?? 0,
        what: `${path.relative(root, name)}: ${test.fullName}`,
      })),
    )
  })
  return tests
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, count)
    .map(({ ms, what }) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${what}`)
}
