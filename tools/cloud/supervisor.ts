import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { type Ask, healthy, type Pace, watchHealth } from './health.ts'
import { keepRotating, openLog, tailOf } from './logs.ts'
import { type Places, root, writeAtomically } from './paths.ts'

export type ServiceSpec = {
  name: string
  /** The program and its arguments, run in the checkout. */
  command: readonly string[]
  env: NodeJS.ProcessEnv
  ask: Ask
}
type Options = {
  /** The pace of the watch over hung processes; null: no watch (for debugging). */
  watch?: Pace | null
}

/**
 * Keeps our processes running: starts them in sessions of their own (Ctrl-C reaches only the supervisor),
 * restarts those that die or hang, rotates their logs, and records pids so that the next start finds
 * processes that a kill -9 of the supervisor left.
 */
export class Supervisor {
  readonly #where: Places
  readonly #watch: Pace | null | undefined
  readonly #children = new Map<string, ChildProcess>()
  readonly #restarts = new Map<string, number>()
  readonly #stopRotating: () => void
  #stopping = false

  constructor(where: Places, { watch }: Options = {}) {
    this.#where = where
    this.#watch = watch
    this.#stopRotating = keepRotating(where.logs)
  }

  start(spec: ServiceSpec): void {
    const logFile = path.join(this.#where.logs, `${spec.name}.log`)
    const log = openLog(logFile)
    const [program = '', ...args] = spec.command
    const child = spawn(program, args, {
      cwd: root,
      env: spec.env,
      detached: true,
      stdio: ['ignore', log, log],
    })
    fs.closeSync(log)
    this.#children.set(spec.name, child)
    this.#record()
    const unwatch = this.#watchOver(spec, child)
    const startedAt = Date.now()
    let over = false
    const again = (code: number | string | null, signal: NodeJS.Signals | null) => {
      unwatch()
      if (this.#stopping || over) return
      over = true
      const quick = Date.now() - startedAt < 10_000
      const count = quick ? (this.#restarts.get(spec.name) ?? 0) + 1 : 0
      this.#restarts.set(spec.name, count)
      console.error(`${spec.name} ended (${signal ?? code}); starting it again. See ${logFile}`)
      setTimeout(() => !this.#stopping && this.start(spec), Math.min(100 * 2 ** count, 10_000))
    }
    child.once('exit', again)
    // Node itself could not be started, for example while `npm ci` replaces it.
    child.once('error', (error) => again(error.message, null))
  }

  /** Ends a process that hangs, after which it is started again. */
  #watchOver(spec: ServiceSpec, child: ChildProcess): () => void {
    if (this.#watch === null) return () => undefined
    const hung = (why: string) => {
      if (this.#stopping) return
      console.error(`${spec.name} (pid ${child.pid}) hangs: ${why}. Ending it.`)
      child.kill('SIGKILL')
    }
    return watchHealth(spec.ask, hung, this.#watch)
  }

  /** Waits until every service answers; fails with the end of the log of a service that does not. */
  async ready(specs: readonly ServiceSpec[], timeoutMs = 90_000): Promise<void> {
    await Promise.all(
      specs.map(async (spec) => {
        const until = Date.now() + timeoutMs
        for (;;) {
          const why = await healthy(spec.ask).then(
            () => null,
            (error: unknown) => error,
          )
          if (why === null) return
          if (Date.now() > until || (this.#restarts.get(spec.name) ?? 0) > 4)
            throw new Error(
              `${spec.name} does not come up: ${String(why)}\n${tailOf(path.join(this.#where.logs, `${spec.name}.log`))}`,
            )
          await new Promise((resolve) => setTimeout(resolve, 60))
        }
      }),
    )
  }

  /** Sends SIGTERM to all, and SIGKILL to those that still run after 10 s. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#stopRotating()
    await Promise.all(
      [...this.#children.values()].map(
        (child) =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) return resolve()
            const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
            child.once('exit', () => {
              clearTimeout(timer)
              resolve()
            })
            child.kill('SIGTERM')
          }),
      ),
    )
    fs.rmSync(path.join(this.#where.run, 'services.json'), { force: true })
  }

  #record(): void {
    const pids = Object.fromEntries(
      [...this.#children].map(([name, child]) => [
        name,
        { pid: child.pid, startTime: startTime(child.pid ?? 0) },
      ]),
    )
    // The api shows the processes to administrators.
    writeAtomically(path.join(this.#where.run, 'services.json'), JSON.stringify(pids), 0o644)
  }
}

export type Recorded = Record<string, { pid: number; startTime: string | null }>

/** The services that a killed supervisor left running, recognised by pid and start time. */
export function leftServices(where: Places): Recorded {
  const file = path.join(where.run, 'services.json')
  if (!fs.existsSync(file)) return {}
  const all = JSON.parse(fs.readFileSync(file, 'utf8')) as Recorded
  return Object.fromEntries(
    Object.entries(all).filter(([, p]) => p.startTime !== null && startTime(p.pid) === p.startTime),
  )
}

export async function stopLeftServices(where: Places): Promise<number> {
  const left = Object.values(leftServices(where))
  for (const { pid } of left) process.kill(pid, 'SIGTERM')
  const until = Date.now() + 10_000
  while (Object.keys(leftServices(where)).length > 0 && Date.now() < until)
    await new Promise((r) => setTimeout(r, 50))
  for (const { pid } of Object.values(leftServices(where))) process.kill(pid, 'SIGKILL')
  return left.length
}

/** The start time of a process (field 22 of /proc/PID/stat), which tells it from a later one with the same pid; null when it is gone. */
export function startTime(pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}
