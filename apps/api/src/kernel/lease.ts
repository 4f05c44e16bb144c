import fs from 'node:fs'
import os from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Deps } from './context.ts'
import { longSession } from './session.ts'

/** Raised in a run that belongs to another worker by now, or whose worker may have lost its lease: the run writes nothing more. */
export class LeaseLost extends Error {
  constructor() {
    super('this worker has lost its lease')
    this.name = 'LeaseLost'
  }
}

/** The worker to which a run belongs. */
export type Holder = {
  /** The id of the worker's row in "Worker". */
  readonly id: string
  /** Throws LeaseLost when the lease has expired by this machine's own clock. It makes no query. */
  check(): void
  /** Aborts the run when the lease is lost, until the returned function is called. */
  attach(run: AbortController): () => void
}

export type LeaseOptions = {
  id: string
  /** How long a worker counts as alive after its last renewal, in ms. */
  leaseMs?: number
  /** Called when others have taken over this worker's operations: the process must end. */
  onLost(): void
}
/** The name of every connection of a worker, by which the connections of a dead worker are found and ended. */
export const sessionName = (workerId: string) => `stratolith-worker ${workerId}`
/** The database URL with that name for its connections. */
export function named(databaseUrl: string, session: string): string {
  const url = new URL(databaseUrl)
  url.searchParams.set('application_name', session)
  return url.href
}

/** How often a worker looks for dead workers, in ms: so soon a dead process of the same machine is found. */
const defaultLookMs = 1_000
/** An expired lease is taken over only after this additional share of it: by then its worker has stopped by its own clock. */
const graceShare = 0.2

/**
 * A worker's lease: a row that the worker renews by the database's clock. A worker that finds an expired lease, or the
 * lease of a dead process of the same machine, takes that worker over: its jobs are unlocked, its
 * operations get a new number and its connections are ended, so that a process that was
 * only frozen can write nothing and holds no lock. Call start() before any work and stop() after it.
 */
export class WorkerLease implements Holder {
  readonly id: string
  readonly #deps: Deps
  readonly #leaseMs: number
  readonly #lookMs: number
  readonly #onLost: () => void
  readonly #runs = new Set<AbortController>()
  #client: pg.Client | null = null
  #validUntil = 0
  #renewAt = 0
  #expiry: NodeJS.Timeout | undefined
  #next: NodeJS.Timeout | undefined
  #round: Promise<void> | null = null
  #taking: Promise<void> | null = null
  #stopped = false
  #workers = 1

  constructor(deps: Deps, options: LeaseOptions) {
    this.#deps = deps
    this.id = options.id
    this.#leaseMs = options.leaseMs ?? 15_000
    this.#lookMs = Math.min(defaultLookMs, this.#leaseMs / 3)
    this.#onLost = options.onLost
  }

  /** The number of living workers, as of the last renewal. */
  get workers(): number {
    return this.#workers
  }

  async start(): Promise<void> {
    const client = await this.#connected()
    const asked = performance.now()
    await client.query(
      `INSERT INTO "Worker" ("id", "place", "pid", "pidStart", "pools", "leaseUntil")
       VALUES ($1, $2, $3, $4, '{}', clock_timestamp() + $5 * interval '1 millisecond')`,
      [this.id, place, process.pid, startOf(process.pid) ?? '', this.#leaseMs],
    )
    this.#extend(asked)
    await this.#unlockStrangers(client)
    this.#again()
    await this.#look(client)
    await this.#taking
  }

  /** Records the name that graphile-worker has for us, before it takes a first job. */
  async addPool(pool: string): Promise<void> {
    await this.#deps.root
      .$executeRaw`UPDATE "Worker" SET "pools" = array_append("pools", ${pool}) WHERE "id" = ${this.id}::uuid`
  }

  check(): void {
    if (performance.now() < this.#validUntil) return
    this.#abortRuns()
    throw new LeaseLost()
  }

  attach(run: AbortController): () => void {
    this.#runs.add(run)
    return () => void this.#runs.delete(run)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#next)
    clearTimeout(this.#expiry)
    await this.#round
    await this.#taking
    await this.#leave().catch((error) =>
      this.#deps.log.warn({ err: error }, 'this worker could not sign off'),
    )
    await this.#client?.end()
  }

  /** Gives up the lease. No run is under way any more, but a run that has thrown may have left its operation held. */
  async #leave(): Promise<void> {
    const left = 'UPDATE "Operation" SET "leaseWorker" = NULL WHERE "leaseWorker" = $1'
    await this.#client?.query(left, [this.id])
    await this.#client?.query('DELETE FROM "Worker" WHERE "id" = $1', [this.id])
  }

  #extend(asked: number): void {
    this.#validUntil = asked + this.#leaseMs
    this.#renewAt = asked + this.#leaseMs / 3
    clearTimeout(this.#expiry)
    this.#expiry = setTimeout(() => this.#abortRuns(), this.#validUntil - performance.now())
  }
  #abortRuns(): void {
    for (const run of this.#runs) run.abort(new LeaseLost())
  }

  #again(inMs = this.#lookMs): void {
    if (this.#stopped) return
    this.#next = setTimeout(() => {
      let soon: number | undefined
      const isDue = performance.now() + this.#lookMs / 2 >= this.#renewAt
      this.#round = (isDue ? this.#renew() : this.#lookAgain())
        .catch((error) => {
          this.#deps.log.warn({ err: error }, 'this worker could not renew its lease or look for others')
          this.#client?.end().catch(() => undefined)
          this.#client = null
          soon = this.#leaseMs / 30
        })
        .finally(() => this.#again(soon))
    }, inMs)
  }

  async #renew(): Promise<void> {
    const client = await this.#connected()
    const asked = performance.now()
    const { rows } = await client.query<{ workers: number }>(
      `UPDATE "Worker" SET "leaseUntil" = clock_timestamp() + $2 * interval '1 millisecond' WHERE "id" = $1
       RETURNING (SELECT count(*)::int FROM "Worker" WHERE "leaseUntil" > clock_timestamp()) AS "workers"`,
      [this.id, this.#leaseMs],
    )
    const [row] = rows
    if (!row) {
      this.#validUntil = 0
      this.#abortRuns()
      this.#stopped = true
      this.#deps.log.error('another worker has taken over what this one had: it was not heard of in time')
      return this.#onLost()
    }
    this.#workers = Math.max(1, row.workers)
    this.#extend(asked)
    await this.#look(client)
  }

  async #lookAgain(): Promise<void> {
    await this.#look(await this.#connected())
  }

  /** Returns the connection. A query fails after a third of the lease, so that there is time to repeat it on another connection. */
  async #connected(): Promise<pg.Client> {
    if (this.#client) return this.#client
    const client = await this.#open((lost) => {
      if (this.#client === lost) this.#client = null
    }, this.#leaseMs / 3)
    this.#client = client
    return client
  }
  async #open(onLost: (client: pg.Client) => void, answerMs?: number): Promise<pg.Client> {
    const client = new pg.Client(longSession(this.#deps.config.databaseUrl, answerMs))
    client.on('error', (error) => {
      this.#deps.log.warn({ err: error }, 'the lease lost its connection')
      onLost(client)
    })
    await client.connect()
    return client
  }

  /** Finds expired leases and those of dead processes of this machine. Taking them over does not delay the renewal of our own. */
  async #look(client: pg.Client): Promise<void> {
    const { rows } = await client.query<Other>(
      `SELECT "id", "place", "pid", "pidStart", "leaseUntil" < clock_timestamp() - $2 * interval '1 millisecond' AS "expired"
       FROM "Worker" WHERE "id" <> $1`,
      [this.id, this.#leaseMs * graceShare],
    )
    const proven = rows.filter(isDead).map((row) => row.id)
    const dead = rows.filter((row) => row.expired || proven.includes(row.id)).map((row) => row.id)
    if (dead.length === 0) return
    this.#taking ??= this.#takeOver(dead, proven)
      .catch((error) => this.#deps.log.warn({ err: error }, 'dead workers could not be taken over yet'))
      .finally(() => {
        this.#taking = null
      })
  }

  /**
   * Takes over dead workers. Their connections are ended first, because a worker may be frozen in the middle of a
   * transaction and hold locks that we need. A worker that has renewed its lease after all connects again.
   */
  async #takeOver(dead: string[], proven: string[]): Promise<void> {
    const client = await this.#open(() => undefined)
    try {
      await this.#endSessions(client, dead.map(sessionName))
      await inOne(client, async () => {
        const { rows } = await client.query<{ id: string; pools: string[] }>(
          `DELETE FROM "Worker" WHERE "id" = ANY($1::uuid[])
           AND ("id" = ANY($2::uuid[]) OR "leaseUntil" < clock_timestamp() - $3 * interval '1 millisecond') RETURNING "id", "pools"`,
          [dead, proven, this.#leaseMs * graceShare],
        )
        const ids = rows.map((row) => row.id)
        if (ids.length === 0) return
        const { rowCount } = await client.query(
          `UPDATE "Operation" SET "leaseWorker" = NULL, "leaseNumber" = "leaseNumber" + 1 WHERE "leaseWorker" = ANY($1::uuid[])`,
          [ids],
        )
        await client.query('SELECT graphile_worker.force_unlock_workers($1::text[])', [
          rows.flatMap((row) => row.pools),
        ])
        // The notification that graphile-worker sends for new jobs: workers look at once instead of at their next poll.
        await client.query(`SELECT pg_notify('jobs:insert', json_build_object('count', $1::int)::text)`, [
          Math.max(rowCount ?? 0, 1),
        ])
        this.#deps.log.warn({ workers: ids }, 'took over the jobs of workers that are gone')
      })
    } finally {
      client.end().catch(() => undefined)
    }
  }

  /** Ends connections by name, which frees their locks and undoes their open transactions. */
  async #endSessions(client: pg.Client, names: string[]): Promise<void> {
    const theirs = `FROM pg_stat_activity WHERE "datname" = current_database() AND "application_name" = ANY($1::text[])`
    try {
      await client.query(`SELECT pg_terminate_backend("pid") ${theirs}`, [names])
      for (let i = 0; i < 50; i++) {
        const { rows } = await client.query(`SELECT 1 ${theirs} LIMIT 1`, [names])
        if (rows.length === 0) return
        await sleep(100)
      }
      this.#deps.log.warn({ names }, 'connections of a dead worker do not end')
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'the connections of a dead worker could not be ended')
    }
  }

  /** Unlocks jobs of workers without a row, from versions before there were leases. */
  async #unlockStrangers(client: pg.Client): Promise<void> {
    const { rowCount } = await client.query(
      `SELECT graphile_worker.force_unlock_workers(array_agg("locked_by")) FROM (
         SELECT "locked_by" FROM graphile_worker._private_jobs WHERE "locked_by" IS NOT NULL
         UNION SELECT "locked_by" FROM graphile_worker._private_job_queues WHERE "locked_by" IS NOT NULL) l
       WHERE NOT EXISTS (SELECT 1 FROM "Worker" w WHERE l."locked_by" = ANY(w."pools")) HAVING count(*) > 0`,
    )
    if (rowCount) this.#deps.log.warn('unlocked jobs of workers that nobody knows')
  }
}

/** Wraps `deps` so that its database and hosts are used no more once `holder.check` throws. */
export function guarded(deps: Deps, holder: Pick<Holder, 'check'>): Deps {
  const root = new Proxy(deps.root, {
    get(target, name) {
      holder.check()
      return Reflect.get(target, name)
    },
  })
  return { ...deps, root, holder }
}

type Other = { id: string; place: string; pid: number; pidStart: string; expired: boolean }
const isDead = (other: Other) => other.place === place && startOf(other.pid) !== other.pidStart

/** The place in which a pid names one process: this boot of this machine, this pid namespace. */
const place = placeOf()
function placeOf(): string {
  try {
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${os.hostname()} ${boot} ${fs.readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return `${os.hostname()} ${crypto.randomUUID()}` // Without /proc no process can be proven dead: leases must run out.
  }
}

/** The start time of a process in ticks since boot (field 22 of proc_pid_stat(5)); null when the process is dead. */
function startOf(pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}

async function inOne(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query('BEGIN')
  try {
    await work()
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}
