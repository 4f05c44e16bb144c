import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from './errors.ts'
import type { Op } from './op.ts'

export type BackgroundOptions = {
  /** How long a call waits for its result before it returns null, in ms. */
  answerMs?: number
  /** Work that nobody has asked for during so long is given up; a result is kept as long. In ms. */
  forgetMs?: number
}
type Job = { done: Promise<unknown>; stop: AbortController; forget: NodeJS.Timeout; tell: Op['progress'] }

export type BackgroundJobs = {
  /** The result of the work with that key, which the first call begins; null while the work goes on. */
  ask<T>(op: Op, key: string, work: (op: Op) => Promise<T | null>): Promise<T | null>
  /** Ends the work with that key, and waits until it has ended. */
  end(key: string): Promise<void>
  /** Ends all work with such a key, and waits until it has ended. */
  endAll(isIts: (key: string) => boolean): Promise<void>
}

/**
 * Long work (converting an image, making a backup) that goes on while nobody waits: the call returns null until the work is
 * done, and the caller asks again. Two calls with the same key share one piece of work.
 */
export function createBackgroundJobs(options: BackgroundOptions = {}): BackgroundJobs {
  const { answerMs = 2_000, forgetMs = 60_000 } = options
  const jobs = new Map<string, Job>()

  function begin(key: string, asked: Op, work: (op: Op) => Promise<unknown>): Job {
    const stop = new AbortController()
    const forget = setTimeout(() => {
      void giveUp(key, job)
    }, forgetMs).unref()
    const job: Job = { done: Promise.resolve(), stop, forget, tell: asked.progress }
    job.done = work({ id: asked.id, log: asked.log, signal: stop.signal, progress: (text) => job.tell(text) })
    // The next caller gets the failure; the log has it in case nobody asks.
    job.done.catch((err: unknown) => asked.log.warn({ err, key }, 'background work failed'))
    jobs.set(key, job)
    return job
  }
  /** Ends work. Its key stays taken until the work has ended, so that the same work does not begin beside it. */
  async function giveUp(key: string, job: Job): Promise<void> {
    clearTimeout(job.forget)
    job.stop.abort()
    await job.done.catch(() => undefined)
    if (jobs.get(key) === job) jobs.delete(key)
  }
  return {
    async ask<T>(op: Op, key: string, work: (op: Op) => Promise<T | null>): Promise<T | null> {
      if (op.signal.aborted)
        throw new DriverError('unavailable', 'The call was cancelled before it was done.')
      const enough = new AbortController()
      const signal = AbortSignal.any([enough.signal, op.signal])
      const notYet = sleep(answerMs, null, { signal }).catch(() => null)
      for (let old = jobs.get(key); old?.stop.signal.aborted; old = jobs.get(key)) {
        const ended = giveUp(key, old).then(() => true)
        if (!(await Promise.race([ended, notYet]))) return null
      }
      const job = jobs.get(key) ?? begin(key, op, work)
      job.forget.refresh()
      job.tell = (text) => op.progress(text)
      // Whoever gets the result ends the job. Work that ends while nobody waits keeps its result for the next caller.
      const over = () => {
        clearTimeout(job.forget)
        if (jobs.get(key) === job) jobs.delete(key)
      }
      try {
        const answer = await Promise.race([job.done.then((result) => ({ result })), notYet])
        if (answer === null) return null
        over()
        return answer.result as T | null
      } catch (error) {
        over()
        throw error
      } finally {
        enough.abort()
      }
    },
    async end(key) {
      const job = jobs.get(key)
      if (!job) return
      await giveUp(key, job)
    },
    async endAll(isIts) {
      await Promise.all([...jobs].map(async ([key, job]) => isIts(key) && giveUp(key, job)))
    },
  }
}
