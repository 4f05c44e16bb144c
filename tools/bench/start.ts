import type { RealCloud, Started } from './real-cloud.ts'
import type { Report } from './report.ts'

/** Measures a cold start (`npm start` in an empty data folder) and a warm start (again after `npm run stop`). */
export async function start(cloud: RealCloud, first: Started, report: Report): Promise<void> {
  const image = step(first, 'Test image')
  const portal = step(first, 'Portal')
  report({
    metric: 'cold npm start',
    value: first.seconds,
    unit: 's',
    floor: image?.seconds,
    note: `empty data folder; Node packages there, portal ${portal?.note} (${portal?.seconds ?? 0} s); floor: its longest part, the test image`,
  })
  report({
    metric: 'cold npm start without test image',
    value: first.seconds - (image?.seconds ?? 0),
    unit: 's',
  })
  await cloud.stop()
  const warm = await cloud.start()
  const services = step(warm, 'Services')
  report({
    metric: 'warm npm start',
    value: warm.seconds,
    unit: 's',
    floor: (services?.seconds ?? 0) + (step(warm, 'PostgreSQL')?.seconds ?? 0),
    target: '≤ 10',
    note: `everything built; floor: PostgreSQL, then the slowest of the processes until it answers. ${warm.steps.map((s) => `${s.title} ${s.seconds}`).join(', ')}`,
  })
}

const step = (started: Started, title: string) => started.steps.find((one) => one.title === title)
