/**
 * The whole cloud as a newcomer gets it: npm start in a data folder of its own, selftest, a day of
 * OpenStack's own client, the browser tests, then npm run destroy. A second run of start proves that it is idempotent.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { root } from '../cloud/paths.ts'
import { isFree } from '../postgres.ts'

const data = fs.mkdtempSync('/var/tmp/stratolith-e2e-')
fs.chmodSync(data, 0o755)
const port = await pickPort()
const env: NodeJS.ProcessEnv = {
  ...process.env,
  STRATOLITH_DATA: data,
  STRATOLITH_PORT: String(port),
  STRATOLITH_BIND: '127.0.0.1',
  STRATOLITH_EGRESS: 'off',
  STRATOLITH_URL: `http://127.0.0.1:${port}`,
  // "Ready in" counts from here, not from the start of npm test.
  STRATOLITH_STARTED_AT: String(Date.now()),
}
const cloud = spawn(process.execPath, [path.join(root, 'tools/cloud.ts'), 'start'], {
  cwd: root,
  env,
  stdio: ['ignore', 'pipe', 'inherit'],
})
let failed = false
try {
  await ready(cloud)
  failed = !(await run(['tools/selftest.ts'])) || failed
  failed = !(await run(['tools/durability.ts'])) || failed
  failed = !(await run(['tools/soak.ts'])) || failed
  failed = !(await run(['e2e/openstack-client/main.ts'])) || failed
  failed =
    !(await run(['node_modules/@playwright/test/cli.js', 'test', '--config', 'e2e/playwright.config.ts'])) ||
    failed
  if (failed) printLogs()
} catch (error) {
  failed = true
  console.error(error instanceof Error ? error.message : error)
  printLogs()
} finally {
  failed = !(await run(['tools/cloud.ts', 'destroy', '--yes'])) || failed
  await new Promise<void>((resolve) =>
    cloud.exitCode === null ? cloud.once('exit', () => resolve()) : resolve(),
  )
}
process.exit(failed ? 1 : 0)

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk)
      if (chunk.includes('Open http')) resolve()
    })
    child.on('exit', (code) => reject(new Error(`npm start ended with ${code}`)))
  })
}

function run(args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('exit', (code) => resolve(code === 0))
  })
}

function printLogs(): void {
  const dir = path.join(data, 'logs')
  if (!fs.existsSync(dir)) return
  for (const name of fs.readdirSync(dir)) {
    const lines = fs.readFileSync(path.join(dir, name), 'utf8').trim().split('\n')
    const loud = lines.filter((line) => /"level":[45]0/.test(line) || !line.startsWith('{'))
    console.error(`--- ${name}\n${loud.slice(-25).join('\n')}`)
  }
}

async function pickPort(): Promise<number> {
  for (let port = 18_080; port < 18_180; port++) if (await isFree(port)) return port
  throw new Error('no free port between 18080 and 18180')
}
