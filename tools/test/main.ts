/**
 * npm test: every layer in order, cheapest first, and in the end the proof that nothing is left.
 * `npm test -- check api` runs only the named layers. Ends in "N passed, N failed".
 */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { root } from '../cloud/paths.ts'
import { generateClient } from '../cloud/prepare.ts'
import { leftovers, snapshot } from './leftovers.ts'

const bin = (name: string) => path.join(root, 'node_modules/.bin', name)
const vitest = (project: string) => [bin('vitest'), 'run', '--project', project]
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
const failed: string[] = []
let passed = 0
for (const [name, argv] of Object.entries(layers)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  await layer(name, () => run(argv))
}
await layer('nothing is left over', async () => {
  const left = await leftovers(before)
  for (const line of left) console.error(`left over: ${line}`)
  return left.length === 0
})
if (failed.length > 0) console.error(`\nFailed: ${failed.join(', ')}`)
console.log(`\n${passed} passed, ${failed.length} failed`)
process.exit(failed.length === 0 ? 0 : 1)

async function layer(name: string, work: () => Promise<boolean>): Promise<void> {
  const started = Date.now()
  console.log(`\n=== ${name}`)
  const ok = await work()
  console.log(`=== ${name}: ${ok ? 'passed' : 'FAILED'} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
  if (ok) passed++
  else failed.push(name)
}

function run(argv: string[]): Promise<boolean> {
  const [file, ...args] = argv
  return new Promise((resolve) => {
    const child = spawn(file ?? '', args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        CI: 'true',
        STRATOLITH_EGRESS: 'off',
        TURBO_TELEMETRY_DISABLED: '1',
        NEXT_TELEMETRY_DISABLED: '1',
      },
    })
    child.on('error', (error) => {
      console.error(error.message)
      resolve(false)
    })
    child.on('close', (code) => resolve(code === 0))
  })
}
