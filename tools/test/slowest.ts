import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ofBrowser, ofVitest, type Timed } from './report.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-reports-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))

/** The arguments that make a vitest run also write a report with the time of each test. */
export const timed = (project: string): string[] => [
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${path.join(folder, `${project}.vitest.json`)}`,
]

/** The variable that tells `e2e` where to write the times of its parts and of the browser tests. */
export const reports = { TEST_REPORTS: folder }

/** Lines with the slowest tests of each kind, from all reports so far, below the name of the kind. */
export function slowest(count: number): string[] {
  const kinds: [string, Timed[]][] = [
    ['the slowest tests', timesIn('.vitest.json', ofVitest)],
    ['the slowest browser tests', timesIn('.browser.json', ofBrowser)],
    ['the slowest parts of e2e', timesIn('.parts.json', (report) => report as Timed[])],
  ]
  return kinds.flatMap(([kind, times]) => (times.length === 0 ? [] : [`=== ${kind}`, ...top(times, count)]))
}

function top(times: Timed[], count: number): string[] {
  return times
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, count)
    .map(({ ms, what }) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${what}`)
}

function timesIn(end: string, read: (report: unknown) => Timed[]): Timed[] {
  return fs
    .readdirSync(folder)
    .filter((file) => file.endsWith(end))
    .flatMap((file) => read(JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'))))
}
