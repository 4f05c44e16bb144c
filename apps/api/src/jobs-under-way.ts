import type { Deps } from './kernel/context.ts'

/** How late, in ms, the beginning of a job may reach this process, and its end may reach the database. */
const defaultGraceMs = 30_000

/**
 * graphile-worker tells the database only once that a job has ended, and asks only once for the next.
 * When the database restarts at that moment, a job and its whole queue stay locked by a living worker that
 * does not know of the lock. Therefore this class knows the jobs that run, and from time to time unlocks jobs of
 * this worker that do not run.
 */
export class JobsUnderWay {
  readonly #deps: Deps
  readonly #graceMs: number
  readonly #pools: string[] = []
  /** When each job ended, by its id; infinity while it runs. */
  readonly #jobs = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(deps: Deps, graceMs = defaultGraceMs) {
    this.#deps = deps
    this.#graceMs = graceMs
    this.#again()
  }

  /** Adds a name under which graphile-worker locks jobs. */
  addPool(pool: string): void {
    this.#pools.push(pool)
  }

  async run<T>(jobId: string, work: () => Promise<T>): Promise<T> {
    this.#jobs.set(jobId, Number.POSITIVE_INFINITY)
    try {
      return await work()
    } finally {
      this.#jobs.set(jobId, performance.now())
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#round
  }

  #again(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#round = this.#unlock()
        .catch((error) => this.#deps.log.warn({ err: error }, 'lost jobs were not looked for, trying again'))
        .finally(() => this.#again())
    }, this.#graceMs / 3)
  }

  async #unlock(): Promise<void> {
    const now = performance.now()
    for (const [id, ended] of this.#jobs) if (ended < now - this.#graceMs) this.#jobs.delete(id)
    const ids = [...this.#jobs.keys()]
    const rows = await this.#deps.root.$queryRaw<{ id: string }[]>`
      WITH jobs AS (
        UPDATE graphile_worker._private_jobs SET "locked_at" = NULL, "locked_by" = NULL
        WHERE "locked_by" = ANY(${this.#pools}::text[]) AND "id" <> ALL(${ids}::bigint[])
        AND "locked_at" < now() - ${this.#graceMs}::int * interval '1 millisecond' RETURNING "id"
      ), queues AS (
        UPDATE graphile_worker._private_job_queues q SET "locked_at" = NULL, "locked_by" = NULL
        WHERE "locked_by" = ANY(${this.#pools}::text[]) AND NOT EXISTS (
          SELECT 1 FROM graphile_worker._private_jobs j WHERE j."job_queue_id" = q."id" AND j."id" = ANY(${ids}::bigint[]))
        AND "locked_at" < now() - ${this.#graceMs}::int * interval '1 millisecond'
      ) SELECT "id"::text FROM jobs`
    if (rows.length > 0)
      this.#deps.log.warn({ jobs: rows.map((row) => row.id) }, 'unlocked jobs that the queue had lost')
  }
}
