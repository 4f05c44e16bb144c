/**
 * The whole cloud as a newcomer gets it: npm start in a data folder of its own, selftest, a day of
 * OpenStack's own client beside a playbook of Ansible's, the browser tests, backup and restore, then
 * npm run destroy. A second run of start proves that it is idempotent.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { root } from '../cloud/paths.ts'
import { isFree } from '../postgres.ts'
import { tee } from './tee.ts'

const data = fs.mkdtempSync('/var/tmp/stratolith-e2e-')
fs.chmodSync(data, 0o755)
const port = await pickPort()
const env: NodeJS.ProcessEnv = {
  ...process.env,
  STRATOLITH_DATA: data,
  STRATOLITH_PORT: String(port),
  STRATOLITH_BIND: '127.0.0.1',
  STRATOLITH_EGRESS: 'off',
  // "Ready in" counts from here, not from the start of npm test.
  STRATOLITH_STARTED_AT: String(Date.now()),
}
const cloud = spawn(process.execPath, [path.join(root, 'tools/cloud.ts'), 'start'], {
  cwd: root,
  env,
  stdio: ['ignore', 'pipe', 'inherit'],
})
/** Name and end of the output of each part that failed. */
const failed: string[] = []
/** How long each part took. */
const times: string[] = []
try {
  await timed('start', () => ready(cloud))
  await part('selftest', ['tools/selftest.ts'])
  await part('identity', ['tools/test/identity.ts'])
  await part('durability', ['tools/durability.ts'])
  await part('soak', ['tools/soak.ts'])
  // Each is one program after the other, which wait for the cloud: the two share the processors.
  await Promise.all([
    part('client day', ['e2e/openstack-client/main.ts']),
    part('playbook', ['e2e/ansible/main.ts']),
  ])
  const playwright = ['node_modules/@playwright/test/cli.js', 'test', '--config', 'e2e/playwright.config.ts']
  await part('browser', playwright, { STRATOLITH_URL: `http://127.0.0.1:${port}` })
  // It ends with another data folder: what others have to say is said before.
  if (failed.length > 0) printLogs()
  await part('restore', ['tools/backup/drill.ts'])
} catch (error) {
  failed.push(`start: ${error instanceof Error ? error.message : error}`)
} finally {
  if (failed.length > 0) printLogs()
  await part('destroy', ['tools/cloud.ts', 'destroy', '--yes'])
  await new Promise<void>((resolve) =>
    cloud.exitCode === null ? cloud.once('exit', () => resolve()) : resolve(),
  )
}
console.log(`\n--- parts of e2e: ${times.join(', ')}`)
// Last, after the logs: the reader of a CI run sees the end of it.
for (const what of failed) console.error(`\n--- failed: ${what}`)
process.exit(failed.length === 0 ? 0 : 1)

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk)
      if (chunk.includes('Open http')) resolve()
    })
    child.on('exit', (code) => reject(new Error(`npm start ended with ${code}`)))
  })
}

async function part(name: string, args: string[], more: NodeJS.ProcessEnv = {}): Promise<void> {
  const { ok, tail } = await timed(name, () => tee([process.execPath, ...args], { ...env, ...more }))
  // Half of what a layer may show in the end, so that two failed parts are both seen.
  if (!ok) failed.push(`${name}\n${tail.slice(-3_000).trimEnd()}`)
}

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const started = Date.now()
  try {
    return await work()
  } finally {
    times.push(`${name} ${((Date.now() - started) / 1000).toFixed(1)} s`)
  }
}

/** A log line can hold a whole driver error; its beginning says which. */
function printLogs(): void {
  const dir = path.join(data, 'logs')
  if (!fs.existsSync(dir)) return
  for (const name of fs.readdirSync(dir)) {
    const lines = fs.readFileSync(path.join(dir, name), 'utf8').trim().split('\n')
    const loud = lines.filter((line) => /"level":[45]0/.test(line) || !line.startsWith('{'))
    console.error(
      `--- ${name}\n${loud
        .slice(-25)
        .map((line) => line.slice(0, 500))
        .join('\n')}`,
    )
  }
}

async function pickPort(): Promise<number> {
  for (let port = 18_080; port < 18_180; port++) if (await isFree(port)) return port
  throw new Error('no free port between 18080 and 18180')
}
