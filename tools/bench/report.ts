/** One line of the table. `unit` is the unit of the values; `floor` is what the machine itself needs for the same work. */
export type Figure = {
  metric: string
  value: number | string
  unit: string
  floor?: number | string
  target?: string
  note?: string
}
export type Report = (figure: Figure) => void

const columns = ['metric', 'value', 'unit', 'floor', 'target', 'note'] as const

export const header = columns.join('\t')
export const tsv = (figure: Figure): string => columns.map((column) => cell(figure[column])).join('\t')

/** The same lines as a table of docs/benchmarks.md. */
export function markdown(figures: readonly Figure[]): string {
  const rows = figures.map(
    (figure) => `| ${columns.map((column) => cell(figure[column]).replaceAll('|', '\\|')).join(' | ')} |`,
  )
  return [`| ${columns.join(' | ')} |`, `|${columns.map(() => ' --- ').join('|')}|`, ...rows].join('\n')
}

function cell(value: number | string | undefined): string {
  if (value === undefined) return ''
  return typeof value === 'number' ? String(rounded(value)) : value.replaceAll(/[\t\n]/g, ' ')
}

/** Rounds to three digits, because no measurement here is more precise. */
const rounded = (value: number): number =>
  Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))

/** The value below which `share` of the samples are. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
export const median = (samples: readonly number[]): number => percentile(samples, 0.5)

/** Runs `work`; returns its time in ms and its result. */
export async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const from = performance.now()
  const value = await work()
  return { ms: performance.now() - from, value }
}

/** Runs `work` for 0 … count-1, `width` at a time; returns the times in ms, and the time for all. */
export async function measure(
  count: number,
  width: number,
  work: (index: number) => Promise<unknown>,
): Promise<{ samples: number[]; seconds: number }> {
  const samples: number[] = []
  let next = 0
  const from = performance.now()
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let index = next++; index < count; index = next++) {
        const { ms } = await timed(() => work(index))
        samples.push(ms)
      }
    }),
  )
  return { samples, seconds: (performance.now() - from) / 1000 }
}
