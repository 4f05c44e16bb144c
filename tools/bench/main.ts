/**
 * npm run bench [-- PART …] [--write]: what this machine's cloud costs, beside what the machine
 * itself needs for the same. TSV on stdout, progress on stderr.
 */
import { fake } from './fake.ts'
import { type Figure, header, type Report, tsv } from './report.ts'

const parts: Record<string, (report: Report) => Promise<void>> = { fake }
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const figures: Figure[] = []
const report: Report = (figure) => {
  figures.push(figure)
  console.log(tsv(figure))
}
console.log(header)
for (const name of wanted) await parts[name]?.(report)
