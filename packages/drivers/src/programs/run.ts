import { type ChildProcess, fork } from 'node:child_process'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import type { Detached, Ended, Program, Reply, Request } from './messages.ts'

/**
 * Programs of a driver are children of a small process, the runner, and not of the agent: to start one, the
 * kernel copies the page tables of whoever starts it, which takes 15 ms for the agent (100 MB) and stops
 * all else that it does, and 2 ms for the runner. A launch runs some ten programs one after the other.
 */
class Runner {
  #child: ChildProcess | null = null
  #last = 0
  readonly #waiting = new Map<number, (reply: Reply | null) => void>()
  /** Those that this process has to stay for. */
  readonly #busy = new Set<number>()

  /** `onReply` hears null when the runner has ended before it said the last of it. */
  ask(request: { run: Program } | { detach: Detached }, onReply: (reply: Reply | null) => void): number {
    this.#last += 1
    const id = this.#last
    this.#waiting.set(id, onReply)
    this.#busy.add(id)
    this.#send({ id, ...request })
    return id
  }

  cancel(id: number): void {
    if (this.#waiting.has(id)) this.#send({ id, cancel: true })
  }

  /** What is said of it later, nobody waits for. */
  rest(id: number): void {
    this.#busy.delete(id)
    if (this.#busy.size === 0) this.#child?.channel?.unref()
  }

  done(id: number): void {
    this.#waiting.delete(id)
    this.rest(id)
  }

  #send(request: Request): void {
    const child = this.#child ?? this.#start()
    // While it has something to do, this process does not end by itself.
    child.channel?.ref()
    child.send(request, (error) => error && this.#answer({ id: request.id, reply: null }))
  }

  #start(): ChildProcess {
    const child = fork(path.join(import.meta.dirname, 'runner.mjs'), [], {
      cwd: '/',
      env: {},
      execArgv: [],
      // In a session of its own: a Ctrl-C is meant for us.
      detached: true,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child.unref()
    this.#child = child
    child.on('message', (reply: Reply) => this.#answer({ id: reply.id, reply }))
    const over = () => {
      if (this.#child !== child) return
      this.#child = null
      for (const id of [...this.#waiting.keys()]) this.#answer({ id, reply: null })
    }
    child.once('error', over)
    child.once('exit', over)
    return child
  }

  #answer({ id, reply }: { id: number; reply: Reply | null }): void {
    this.#waiting.get(id)?.(reply)
  }
}

const runner = new Runner()

/** Runs one program by argv (never a shell). `unavailable` when nobody knows how it ended. */
export async function runProgram(signal: AbortSignal, program: Program): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const stop = () => runner.cancel(id)
    const id = runner.ask({ run: program }, (reply) => {
      runner.done(id)
      signal.removeEventListener('abort', stop)
      if (reply && 'ended' in reply) resolve(reply.ended)
      else reject(lost(program.file, reply))
    })
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

export type Spawned = {
  pid: number
  /** How it has ended, by status or signal; waits for ever when the runner has ended before it. */
  exited: Promise<{ status: number | null; signal: string | null }>
}

/** Starts a process that outlives us; raises `unsupported` when there is no such program. */
export function spawnDetached(what: Detached): Promise<Spawned> {
  return new Promise((resolve, reject) => {
    const end = Promise.withResolvers<Awaited<Spawned['exited']>>()
    const id = runner.ask({ detach: what }, (reply) => {
      if (reply && 'pid' in reply) {
        runner.rest(id)
        return resolve({ pid: reply.pid, exited: end.promise })
      }
      runner.done(id)
      if (reply && 'exit' in reply) end.resolve(reply.exit)
      else reject(lost(what.file, reply))
    })
  })
}

function lost(file: string, reply: Reply | null): DriverError {
  if (!reply || !('refused' in reply))
    return new DriverError(
      'unavailable',
      `The process that runs '${file}' for this host was ended: it is tried again.`,
    )
  const { message, code } = reply.refused
  return new DriverError(code === 'ENOENT' ? 'unsupported' : 'failed', `'${file}' cannot be run: ${message}`)
}
