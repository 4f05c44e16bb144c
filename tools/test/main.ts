/**
 * npm test: every layer in order, cheapest first, and in the end the proof that nothing is left.
 * `npm test -- check api` runs only the named layers. Ends with the slowest ten tests, what failed, and
 * "N passed, N failed".
 */
import path from 'node:path'
import { root } from '../cloud/paths.ts'
import { generateClient } from '../cloud/prepare.ts'
import { leftovers, snapshot } from './leftovers.ts'
import { slowest, timed } from './slowest.ts'
import { tee } from './tee.ts'

const bin = (name: string) => path.join(root, 'node_modules/.bin', name)
const vitest = (project: string) => [bin('vitest'), 'run', '--project', project, ...timed(project)]
const layers: Record<string, string[]> = {
  check: ['npm', 'run', '--silent', 'check'],
  drivers: vitest('drivers'),
  api: vitest('api'),
  web: vitest('web'),
  host: vitest('host'),
  e2e: [process.execPath, path.join(root, 'tools/test/e2e.ts')],
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in layers))
if (unknown.length > 0) {
  console.error(`There is no layer ${unknown.join(', ')}. Layers: ${Object.keys(layers).join(', ')}`)
  process.exit(2)
}

await generateClient()
const before = await snapshot()
const failed: { name: string; tail: string }[] = []
let passed = 0
for (const [name, argv] of Object.entries(layers)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  await layer(name, () => run(argv))
}
await layer('nothing is left over', async () => {
  const left = (await leftovers(before)).map((line) => `left over: ${line}\n`).join('')
  process.stderr.write(left)
  return { ok: left === '', tail: left }
})
const slow = slowest(10)
if (slow.length > 0) console.log(`\n=== the slowest tests\n${slow.join('\n')}`)
for (const { name, tail } of failed) console.error(`\n=== ${name} FAILED, the end of it:\n${tail.trimEnd()}`)
if (failed.length > 0) console.error(`\nFailed: ${failed.map(({ name }) => name).join(', ')}`)
console.log(`\n${passed} passed, ${failed.length} failed`)
process.exit(failed.length === 0 ? 0 : 1)

async function layer(name: string, work: () => Promise<{ ok: boolean; tail: string }>): Promise<void> {
  const started = Date.now()
  console.log(`\n=== ${name}`)
  const { ok, tail } = await work()
  console.log(`=== ${name}: ${ok ? 'passed' : 'FAILED'} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
  if (ok) passed++
  else failed.push({ name, tail })
}

function run(argv: string[]): Promise<{ ok: boolean; tail: string }> {
  return tee(argv, {
    ...process.env,
    CI: 'true',
    STRATOLITH_EGRESS: 'off',
    TURBO_TELEMETRY_DISABLED: '1',
    NEXT_TELEMETRY_DISABLED: '1',
  })
}
