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
  /** `of`: the runner that was asked. */
  readonly #waiting = new Map<number, { onReply: OnReply; of: ChildProcess | null }>()
  /** Those that this process has to stay for. */
  readonly #busy = new Set<number>()

  /**
   * `onReply` hears null when nobody will say the last of it: the runner has ended, or it should have said so
   * within `withinMs`. Raises `unavailable` when there can be no runner.
   */
  ask(request: { run: Program } | { detach: Detached }, withinMs: number, onReply: OnReply): number {
    const id = this.#next()
    this.#waiting.set(id, { onReply, of: null })
    this.#busy.add(id)
    try {
      this.#send({ id, ...request })
    } catch (cause) {
      this.done(id)
      const why = `No program can be started on this host: ${(cause as Error).message}.`
      throw new DriverError('unavailable', why, { cause })
    }
    this.expect(id, withinMs)
    return id
  }

  /** From now on it may take so long. */
  expect(id: number, withinMs: number): void {
    setTimeout(() => this.#overdue(id), withinMs).unref()
  }

  cancel(id: number): void {
    const child = this.#waiting.get(id)?.of
    // With another runner than that it has ended, and its answer is on its way.
    if (!child || child !== this.#child) return
    this.#send({ id, cancel: true })
    this.expect(id, graceMs)
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

  /** It has not ended although it was killed, or the runner hangs: then there has to be another one. */
  #overdue(id: number): void {
    const child = this.#child
    if (!this.#busy.has(id) || !child) return
    this.#answer(id, null)
    const ping = this.#next()
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      this.#giveUp(child)
    }, graceMs)
    const onReply = () => {
      clearTimeout(timer)
      this.#waiting.delete(ping)
    }
    this.#waiting.set(ping, { onReply, of: child })
    this.#send({ id: ping, ping: true })
  }

  #next(): number {
    this.#last += 1
    return this.#last
  }

  #send(request: Request, isAgain = false): void {
    const child = this.#child ?? this.#start()
    // While it has something to do, this process does not end by itself.
    if (this.#busy.size > 0) child.channel?.ref()
    const asked = this.#waiting.get(request.id)
    if (asked) asked.of = child
    child.send(request, (error) => error && this.#unsent(child, request, isAgain))
  }

  /** What did not reach a runner, because that one has ended, has not been begun: another one is asked. */
  #unsent(child: ChildProcess, request: Request, isAgain: boolean): void {
    this.#giveUp(child)
    // What it was to cancel has been asked of another one by now.
    if ('cancel' in request) this.cancel(request.id)
    if (isAgain || !('run' in request || 'detach' in request) || !this.#waiting.has(request.id)) return
    try {
      this.#send(request, true)
    } catch {
      // There can be no other one either: giving up answers.
    }
  }

  /** Whoever asks from now on asks another one. */
  #giveUp(child: ChildProcess): void {
    if (this.#child === child) this.#child = null
    // Not at once: the end of a runner may be known before each request that did not reach it.
    setImmediate(() => {
      for (const [id, { of }] of this.#waiting) if (of === child) this.#answer(id, null)
    })
  }

  #start(): ChildProcess {
    const child = fork(path.join(import.meta.dirname, 'runner.mjs'), [String(process.pid)], {
      cwd: '/',
      env: {},
      execArgv: [],
      // In a session of its own: a Ctrl-C is meant for us.
      detached: true,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child.unref()
    for (const end of ['error', 'disconnect', 'exit']) child.on(end, () => this.#giveUp(child))
    child.on('message', (reply: Reply) => this.#answer(reply.id, reply))
    this.#child = child
    return child
  }

  #answer(id: number, reply: Reply | null): void {
    this.#waiting.get(id)?.onReply(reply, id)
  }
}
type OnReply = (reply: Reply | null, id: number) => void

/** The runner ends a program in time; this is how much later it has to have said so. */
const graceMs = 5_000
const runner = new Runner()

/** Runs one program by argv (never a shell). `unavailable` when nobody knows how it ended. */
export async function runProgram(signal: AbortSignal, program: Program): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const stop = () => runner.cancel(id)
    const id = runner.ask({ run: program }, program.timeoutMs + graceMs, (reply, its) => {
      runner.done(its)
      signal.removeEventListener('abort', stop)
      if (reply && 'ended' in reply) resolve(reply.ended)
      else if (reply && 'refused' in reply) resolve(notStarted(reply.refused.message))
      else reject(lost(program.file))
    })
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

const notStarted = (stderr: string): Ended => ({
  failed: true,
  stdout: '',
  stderr,
  isCanceled: false,
  timedOut: false,
  isMaxBuffer: false,
})

export type Spawned = {
  pid: number
  /** How it has ended, by status or signal; waits for ever when the runner has ended before it. */
  exited: Promise<{ status: number | null; signal: string | null }>
}

/**
 * Starts a process that outlives us; raises `unsupported` when there is no such program, `failed` when something
 * else is in the way.
 */
export function spawnDetached(what: Detached): Promise<Spawned> {
  return new Promise((resolve, reject) => {
    const end = Promise.withResolvers<Awaited<Spawned['exited']>>()
    runner.ask({ detach: what }, 2 * graceMs, (reply, id) => {
      if (reply && 'pid' in reply) {
        runner.rest(id)
        return resolve({ pid: reply.pid, exited: end.promise })
      }
      runner.done(id)
      if (reply && 'exit' in reply) return end.resolve(reply.exit)
      if (!reply || !('refused' in reply)) return reject(lost(what.file))
      const { message, isMissing } = reply.refused
      const code = isMissing ? 'unsupported' : 'failed'
      reject(new DriverError(code, `'${what.file}' cannot be run: ${message}`))
    })
  })
}

const lost = (file: string) =>
  new DriverError(
    'unavailable',
    `The process that runs '${file}' for this host was ended: it is tried again.`,
  )
