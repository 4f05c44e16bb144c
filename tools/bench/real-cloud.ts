import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { type Cloud, findCloud } from '../../e2e/support/cloud.ts'
import { root } from '../cloud/paths.ts'
import { isFree } from '../postgres.ts'

/** A step that `npm start` printed: its title, what was done, seconds. */
export type Step = { title: string; note: string; seconds: number }
export type Started = { seconds: number; steps: Step[] }
export type RealCloud = {
  cloud(): Cloud
  start(): Promise<Started>
  stop(): Promise<void>
  destroy(): Promise<void>
}

/** Starts a cloud in a new data folder below /var/tmp, reachable from this machine alone. */
export async function realCloud(): Promise<RealCloud> {
  const data = fs.mkdtempSync('/var/tmp/stratolith-bench-')
  fs.chmodSync(data, 0o755)
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    STRATOLITH_DATA: data,
    STRATOLITH_PORT: String(await freePort()),
    STRATOLITH_BIND: '127.0.0.1',
    STRATOLITH_EGRESS: 'off',
  }
  let running: ChildProcess | null = null
  return {
    cloud: () => findCloud(data),
    async start() {
      const from = performance.now()
      running = npm(env, ['start'])
      const steps = await opened(running)
      return { seconds: (performance.now() - from) / 1000, steps }
    },
    async stop() {
      await done(npm(env, ['run', 'stop']))
      if (running) await done(running)
      running = null
    },
    async destroy() {
      await done(npm(env, ['run', 'destroy', '--', '--yes']))
      if (running) await done(running)
      fs.rmSync(data, { recursive: true, force: true })
    },
  }
}

function npm(env: NodeJS.ProcessEnv, args: string[]): ChildProcess {
  return spawn('npm', ['--silent', ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Resolves when `npm start` prints its address; rejects with its last output when it ends. */
function opened(child: ChildProcess): Promise<Step[]> {
  return new Promise((resolve, reject) => {
    let text = ''
    const read = (chunk: Buffer) => {
      text += chunk
      if (text.includes('\nOpen http')) resolve(stepsOf(text))
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('exit', (code) => reject(new Error(`npm start ended with ${code}: ${text.slice(-2000)}`)))
  })
}

function stepsOf(text: string): Step[] {
  return [...text.matchAll(/✓ ([^:\n]+): (.*) \(([\d.]+) s\)/g)].map(
    ([, title = '', note = '', seconds]) => ({
      title,
      note,
      seconds: Number(seconds),
    }),
  )
}

async function done(child: ChildProcess): Promise<void> {
  child.stdout?.resume()
  child.stderr?.resume()
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise((resolve) => child.once('exit', resolve))
}

async function freePort(): Promise<number> {
  for (let port = 18_200; port < 18_300; port++) if (await isFree(port)) return port
  throw new Error(`No free port between 18200 and 18300; see ${path.basename(import.meta.filename)}.`)
}
