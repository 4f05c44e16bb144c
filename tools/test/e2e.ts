/**
 * Tests the whole cloud as a newcomer gets it: npm start in a new data folder, selftest, a day of
 * OpenStack's own client and an Ansible playbook beside the browser tests, backup and restore, then
 * npm run destroy. A second start proves that start is idempotent.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { root } from '../cloud/paths.ts'
import { isFree } from '../postgres.ts'
import { failuresOfBrowser } from './report.ts'
import { tee } from './tee.ts'
import { commitOrDay, type Heavy, heavy, routesShare, turn } from './turns.ts'

const data = fs.mkdtempSync('/var/tmp/stratolith-e2e-')
fs.chmodSync(data, 0o755)
const port = await pickPort()
const env: NodeJS.ProcessEnv = {
  ...process.env,
  STRATOLITH_DATA: data,
  STRATOLITH_PORT: String(port),
  STRATOLITH_BIND: '127.0.0.1',
  STRATOLITH_EGRESS: 'off',
  // "Ready in" is measured from here, not from the start of npm test.
  STRATOLITH_STARTED_AT: String(Date.now()),
}
const cloud = spawn(process.execPath, [path.join(root, 'tools/cloud.ts'), 'start'], {
  cwd: root,
  env,
  stdio: ['ignore', 'pipe', 'inherit'],
})
/** The name of each failed part with the end of its output. */
const failed: string[] = []
/** How long each part took. */
const times: { what: string; ms: number }[] = []
const long = process.env.TEST_LONG === '1'
const due = turn(commitOrDay(), long)
const routes = routesShare(commitOrDay(), long)
console.log(
  `By turn: ${due.join(', ')} (of ${heavy.join(', ')}), and share ${routes} of the routes for axe; npm run test:long does all.`,
)
/** The folder for reports of times (tools/test/slowest.ts); undefined: no reports are wanted. */
const reports = process.env.TEST_REPORTS
try {
  await timed('start', () => ready(cloud))
  await part('selftest', ['tools/selftest.ts'])
  await part('identity', ['tools/test/identity.ts'])
  // These two parts need the cloud for themselves: one kills its processes, the other counts its resources.
  await part('durability', ['tools/durability.ts'])
  await part('soak', ['tools/soak.ts', ...(long ? ['50'] : [])])
  // The client's day runs alone, because its administrator closes the only host for a moment.
  await part('client day', ['e2e/openstack-client/main.ts'])
  await Promise.all([byTurn('playbook', ['e2e/ansible/main.ts']), browser('together')])
  await browser('alone')
  // The restore drill replaces the data folder, so the logs of failed parts are printed before.
  if (failed.length > 0) printLogs()
  await byTurn('restore', ['tools/backup/drill.ts'])
  await byTurn('new room', ['tools/test/new-room.ts'])
} catch (error) {
  failed.push(`start: ${error instanceof Error ? error.message : error}`)
} finally {
  if (failed.length > 0) printLogs()
  await part('destroy', ['tools/cloud.ts', 'destroy', '--yes'])
  await new Promise<void>((resolve) =>
    cloud.exitCode === null ? cloud.once('exit', () => resolve()) : resolve(),
  )
}
const said = times.map(({ what, ms }) => `${what} ${(ms / 1000).toFixed(1)} s`)
console.log(`\n--- parts of e2e: ${said.join(', ')}`)
if (reports !== undefined) fs.writeFileSync(path.join(reports, 'e2e.parts.json'), JSON.stringify(times))
// The failures come last, after the logs, because readers of a CI run see its end.
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

/** Runs the specs of one of Playwright's projects (e2e/playwright.config.ts). */
function browser(project: 'together' | 'alone'): Promise<void> {
  const cli = ['node_modules/@playwright/test/cli.js', 'test', '--config', 'e2e/playwright.config.ts']
  const report = reports === undefined ? null : path.join(reports, `${project}.browser.json`)
  // The specs of `together` do not disturb each other, so two browsers share them.
  const workers = project === 'together' ? '2' : '1'
  const more = {
    STRATOLITH_URL: `http://127.0.0.1:${port}`,
    TEST_ROUTES: routes,
    ...(report === null ? {} : { TEST_REPORT: report }),
  }
  return part(`browser, ${project}`, [...cli, '--project', project, '--workers', workers], more, () =>
    report === null || !fs.existsSync(report)
      ? ''
      : failuresOfBrowser(JSON.parse(fs.readFileSync(report, 'utf8'))).join('\n\n'),
  )
}

async function byTurn(name: Heavy, args: string[]): Promise<void> {
  if (due.includes(name)) await part(name, args)
}

/** `told`: what a part that failed says of its failures; without it, the end of its output is shown. */
async function part(
  name: string,
  args: string[],
  more: NodeJS.ProcessEnv = {},
  told: () => string = () => '',
): Promise<void> {
  const { ok, tail } = await timed(name, () => tee([process.execPath, ...args], { ...env, ...more }, name))
  // Half of the output that a layer may show in the end, so that two failed parts fit.
  if (!ok) failed.push(`${name}\n${(told().slice(0, 3_000) || tail.slice(-3_000)).trimEnd()}`)
}

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const started = Date.now()
  try {
    return await work()
  } finally {
    times.push({ what: name, ms: Date.now() - started })
  }
}

/** Prints the ends of the logs, with only the beginning of each line, because a line can contain a whole driver error. */
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
