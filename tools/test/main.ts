/**
 * npm test runs every layer and in the end checks that nothing is left on the machine. The layers of a lane run one after
 * the other, and the lanes side by side: `host` and `e2e` wait most of the time (for packets that must not arrive, for
 * guests that boot, for processes after a kill), so the other layers have the processors meanwhile.
 * `npm test -- check api` runs only the named layers; `--long` (npm run test:long) runs all heavy parts, of which
 * other runs do one by turn (turns.ts). It ends with the slowest ten tests, the failures, and
 * "N passed, N failed".
 */
import path from 'node:path'
import { root } from '../cloud/paths.ts'
import { generateClient } from '../cloud/prepare.ts'
import { leftovers, snapshot } from './leftovers.ts'
import { reports, slowest, timed } from './slowest.ts'
import { tee } from './tee.ts'

const long = process.argv.includes('--long')
const wanted = process.argv.slice(2).filter((word) => word !== '--long')
const bin = (name: string) => path.join(root, 'node_modules/.bin', name)
const vitest = (project: string) => [bin('vitest'), 'run', '--project', project, ...timed(project)]
const lanes: Record<string, string[]>[] = [
  // The longest lane begins first.
  { e2e: [process.execPath, path.join(root, 'tools/test/e2e.ts')] },
  {
    check: ['npm', 'run', '--silent', 'check'],
    drivers: vitest('drivers'),
    web: vitest('web'),
    // The files share a process (vitest.config.ts), so the long run shuffles them to find dependencies on their order.
    api: [...vitest('api'), ...(long ? ['--sequence.shuffle.files'] : [])],
  },
  { host: vitest('host') },
]

const known = lanes.flatMap((lane) => Object.keys(lane))
const unknown = wanted.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`There is no layer ${unknown.join(', ')}. Layers: ${known.join(', ')}`)
  process.exit(2)
}

await generateClient()
const before = await snapshot()
const failed: { name: string; tail: string }[] = []
let passed = 0
const begun = Date.now()
const chosen = lanes
  .map((lane) => Object.entries(lane).filter(([name]) => wanted.length === 0 || wanted.includes(name)))
  .filter((lane) => lane.length > 0)
await Promise.all(
  chosen.map(async (lane) => {
    for (const [name, argv] of lane) await layer(name, () => run(argv, chosen.length > 1 ? name : undefined))
  }),
)
await layer('nothing is left over', async () => {
  const left = (await leftovers(before)).map((line) => `left over: ${line}\n`).join('')
  process.stderr.write(left)
  return { ok: left === '', tail: left }
})
const slow = slowest(10)
if (slow.length > 0) console.log(`\n${slow.join('\n')}`)
for (const { name, tail } of failed) console.error(`\n=== ${name} FAILED, the end of it:\n${tail.trimEnd()}`)
if (failed.length > 0) console.error(`\nFailed: ${failed.map(({ name }) => name).join(', ')}`)
console.log(`\n${passed} passed, ${failed.length} failed (${seconds(begun)} s)`)
process.exit(failed.length === 0 ? 0 : 1)

async function layer(name: string, work: () => Promise<{ ok: boolean; tail: string }>): Promise<void> {
  const started = Date.now()
  console.log(`\n=== ${name}`)
  const { ok, tail } = await work()
  console.log(`=== ${name}: ${ok ? 'passed' : 'FAILED'} (${seconds(started)} s)`)
  if (ok) passed++
  else failed.push({ name, tail })
}

function seconds(since: number): string {
  return ((Date.now() - since) / 1000).toFixed(1)
}

function run(argv: string[], name?: string): Promise<{ ok: boolean; tail: string }> {
  const env = {
    ...process.env,
    ...reports,
    ...(long ? { TEST_LONG: '1', SOAK_CYCLES: '500' } : {}),
    CI: 'true',
    STRATOLITH_EGRESS: 'off',
    TURBO_TELEMETRY_DISABLED: '1',
    NEXT_TELEMETRY_DISABLED: '1',
  }
  return tee(argv, env, name)
}
