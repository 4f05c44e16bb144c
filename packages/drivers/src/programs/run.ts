import { type ChildProcess, fork } from 'node:child_process'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import type { Detached, Ended, Program, Reply, Request } from './messages.ts'

/**
 * Programs of a driver are children of a small process, the runner, and not of the agent: to start a program, the
 * kernel copies the page tables of the parent. That takes 15 ms for the agent (100 MB), during which the agent does
 * nothing else, and 2 ms for the runner. A launch runs some ten programs one after the other.
 */
class Runner {
  #child: ChildProcess | null = null
  #last = 0
  /** The requests without a final reply; `of` is the runner that was asked. */
  readonly #waiting = new Map<number, { onReply: OnReply; of: ChildProcess | null }>()
  /** The requests for which this process must not end. */
  readonly #busy = new Set<number>()

  /**
   * Sends a request to the runner. `onReply` gets each reply, or null when no further reply will come: the runner
   * has ended, or has not replied within `withinMs`. Raises `unavailable` when no runner can be started.
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

  /** Gives the request up when it is not done within so long from now. */
  expect(id: number, withinMs: number): void {
    setTimeout(() => this.#overdue(id), withinMs).unref()
  }

  cancel(id: number): void {
    const child = this.#waiting.get(id)?.of
    // When that runner is not the present one, it has ended, and null is on its way to `onReply`.
    if (!child || child !== this.#child) return
    this.#send({ id, cancel: true })
    this.expect(id, graceMs)
  }

  /** Lets this process end although a later reply to the request may come. */
  rest(id: number): void {
    this.#busy.delete(id)
    if (this.#busy.size === 0) this.#child?.channel?.unref()
  }

  done(id: number): void {
    this.#waiting.delete(id)
    this.rest(id)
  }

  /** Gives a request up that took too long: the program survives its kill, or the runner hangs. A runner that does not answer a ping is replaced. */
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
    // While a request is busy, the channel keeps this process alive.
    if (this.#busy.size > 0) child.channel?.ref()
    const asked = this.#waiting.get(request.id)
    if (asked) asked.of = child
    child.send(request, (error) => error && this.#unsent(child, request, isAgain))
  }

  /** Sends a request to another runner when it did not reach the first, which had ended: so it was not begun there. */
  #unsent(child: ChildProcess, request: Request, isAgain: boolean): void {
    this.#giveUp(child)
    // The request to be cancelled has gone to another runner by now.
    if ('cancel' in request) this.cancel(request.id)
    if (isAgain || !('run' in request || 'detach' in request) || !this.#waiting.has(request.id)) return
    try {
      this.#send(request, true)
    } catch {
      // No other runner can be started: #giveUp answers the request with null.
    }
  }

  /** Makes the next request start another runner, and answers the requests of this runner with null. */
  #giveUp(child: ChildProcess): void {
    if (this.#child === child) this.#child = null
    // Deferred, because the end of a runner may be noticed before the failed requests, which must be sent again.
    setImmediate(() => {
      for (const [id, { of }] of this.#waiting) if (of === child) this.#answer(id, null)
    })
  }

  #start(): ChildProcess {
    const child = fork(path.join(import.meta.dirname, 'runner.mjs'), [String(process.pid)], {
      cwd: '/',
      env: {},
      execArgv: [],
      // The runner has a session of its own, so that Ctrl-C ends only this process.
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

/** How long after the deadline of a program the runner's reply must have come. */
const graceMs = 5_000
const runner = new Runner()

/** Runs one program by argv (never a shell). Raises `unavailable` when its end is not known. */
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

/** The time of a program that its caller's signal bounds: longer than any operation goes on. */
export const untilCancelledMs = 7 * 86_400_000

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
  /** How the process ended, by status or signal. Never resolves when the runner ends before the process. */
  exited: Promise<{ status: number | null; signal: string | null }>
}

/**
 * Starts a process that outlives this one. Raises `unsupported` when there is no such program, and `failed` when it
 * cannot be started for another reason.
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
    `The runner of '${file}' on this host has ended: the call will be tried again.`,
  )
