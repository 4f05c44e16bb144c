/**
 * node tools/test/new-room.ts adds a room to a copy of this tree by `npm run new-room -- toy`, which may touch only the
 * room's own folders and one line of each list of rooms. Rules, types and matrices must hold with the room, the cloud
 * must start, and a toy must appear in the portal and at OpenStack's door. It is part of `npm test`, by turn.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { findCloud } from '../../e2e/support/cloud.ts'
import { steps } from '../../e2e/support/steps.ts'
import { root } from '../cloud/paths.ts'
import { ensureDatabase, isFree, startPostgres, throwAwayDir } from '../postgres.ts'

// The copy is on the file system of node_modules, of which it has hard links.
const tree = path.join(root, 'test-results', 'new-room')
const data = fs.mkdtempSync('/var/tmp/stratolith-toy-')
fs.chmodSync(data, 0o755)
const { step, end } = steps()
const bin = (name: string) => path.join(tree, 'node_modules/.bin', name)
/** Runs a program and returns its output; shows the whole output when the program fails. */
function run(program: string, args: string[], env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout } = spawnSync(program, args, {
    cwd: tree,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 ** 2,
  })
  if (status === 0) return stdout
  console.log(stdout)
  throw new Error(`${path.basename(program)} ${args.join(' ')} ended with ${status}`)
}
const node = (args: string[], env: NodeJS.ProcessEnv = {}) => run(process.execPath, args, env)

await step(
  'npm run new-room -- toy touches its own folders and a line of each list of rooms and pages',
  async () => {
    fs.rmSync(tree, { recursive: true, force: true })
    execFileSync('git', ['clone', '-q', '--local', root, tree])
    execFileSync('cp', ['-al', path.join(root, 'node_modules'), tree])
    node(['tools/new-room/main.ts', 'toy'])
    const changed = run('git', ['status', '--porcelain']).trimEnd().split('\n')
    const own =
      /^\?\? "?(apps\/(api|web)\/src\/(toy|app\/\[place\]\/toys)\/|e2e\/toy\.e2e\.ts|docs\/guide\/toy\.md|prisma\/schema\/toy\.prisma)/
    const others = changed.filter((line) => !own.test(line))
    const lists = [' M apps/api/src/rooms.ts', ' M apps/web/src/rooms.ts', ' M docs/guide/README.md']
    if (others.join() !== lists.join()) throw new Error(`It also touched:\n${others.join('\n')}`)
  },
)
await step('its migration is written from its Prisma file', async () => {
  const dir = throwAwayDir('stratolith-toy-schema-')
  const server = await startPostgres(dir, { durable: false })
  try {
    node(['tools/migrate.ts', 'generate'])
    node(['tools/migrate.ts', 'create', 'toys'], { DATABASE_URL: await ensureDatabase(server.url, 'shadow') })
  } finally {
    await server.stop()
    fs.rmSync(dir, { recursive: true, force: true })
  }
  node(['tools/compat.ts'])
  run(bin('biome'), ['check', '--write', '.'])
})
await step('lint, types, boundaries, dead code, rules and schema hold', async () => {
  run('npm', ['run', '--silent', 'check'])
})
await step('its tests and its rows of the matrices are green', async () => {
  run(bin('vitest'), ['run', '--project', 'api', 'apps/api/src/toy'])
  const matrices = ['authorization', 'facade-matrix', 'quota/limits/service'].map(
    (name) => `apps/api/src/${name}.test.ts`,
  )
  run(bin('vitest'), [
    'run',
    '--project',
    'api',
    ...matrices,
    '-t',
    'toy|every procedure|every operation has|of everything',
  ])
})
await step('its cloud starts; the toy is made in the portal and listed at OpenStack’s door', async () => {
  const port = await freePort()
  const env = {
    STRATOLITH_DATA: data,
    STRATOLITH_PORT: String(port),
    STRATOLITH_BIND: '127.0.0.1',
    STRATOLITH_EGRESS: 'off',
  }
  const cloud = spawn(process.execPath, ['tools/cloud.ts', 'start'], {
    cwd: tree,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const over = new Promise<void>((resolve) => cloud.once('exit', () => resolve()))
  try {
    await new Promise<void>((resolve, reject) => {
      cloud.stdout.on('data', (chunk: Buffer) => chunk.includes('Open http') && resolve())
      cloud.once('exit', (code) => reject(new Error(`npm start ended with ${code}`)))
    })
    const url = `http://127.0.0.1:${port}`
    const playwright = [
      'node_modules/@playwright/test/cli.js',
      'test',
      '--config',
      'e2e/playwright.config.ts',
    ]
    console.log(node([...playwright, '--project=together', 'toy'], { ...env, STRATOLITH_URL: url }))
    await atTheDoor(url)
  } finally {
    node(['tools/cloud.ts', 'destroy', '--yes'], env)
    await over
  }
})
fs.rmSync(tree, { recursive: true, force: true })
fs.rmSync(data, { recursive: true, force: true })
end()

/** Makes a toy at OpenStack's door and finds it in the list there. */
async function atTheDoor(url: string): Promise<void> {
  const password = findCloud(data).password('demo')
  const domain = { id: 'default' }
  const auth = {
    identity: { methods: ['password'], password: { user: { name: 'demo', domain, password } } },
    scope: { project: { name: 'demo', domain } },
  }
  const json = { 'content-type': 'application/json' }
  const signIn = { method: 'POST', headers: json, body: JSON.stringify({ auth }) }
  const token = (await fetch(`${url}/identity/v3/auth/tokens`, signIn)).headers.get('x-subject-token') ?? ''
  const headers = { ...json, 'x-auth-token': token }
  const toys = `${url}/toy/v1/toys`
  const made = await fetch(toys, { method: 'POST', headers, body: JSON.stringify({ toy: { name: 'door' } }) })
  const list = await (await fetch(toys, { headers })).text()
  if (made.status !== 201 || !list.includes('"door"'))
    throw new Error(`OpenStack's door answered ${made.status}, and then ${list}`)
}

async function freePort(): Promise<number> {
  for (let port = 18_200; port < 18_300; port++) if (await isFree(port)) return port
  throw new Error('no free port between 18200 and 18300')
}
