import pg from 'pg'
import { type Ctx, type Deps, systemCtx } from './context.ts'
import { invariant } from './errors.ts'
import { guarded, LeaseLost } from './lease.ts'
import { longSession } from './session.ts'

/** Repairs drift between rows and hosts. `run` is idempotent; it runs every `everyMs` and when the reconciler is woken. */
export type Reconciler = { name: string; everyMs: number; run(ctx: Ctx): Promise<void> }

const registry = new Map<string, Reconciler>()
export function defineReconciler(reconciler: Reconciler): Reconciler {
  registry.set(reconciler.name, reconciler)
  return reconciler
}

/** The reconciler with that name; throws when there is none. */
export function reconcilerNamed(name: string): Reconciler {
  const reconciler = registry.get(name)
  invariant(reconciler, `no reconciler ${name}`)
  return reconciler
}

const channel = 'stratolith_reconcile'
/** How long a woken reconciler waits before it runs, in ms, so that a hundred wake-ups in a moment cause one run. */
const debounceMs = 100
/** How soon another worker takes over a reconciler whose worker has died, in ms. */
const defaultLookMs = 5_000
/** The first number of our advisory locks, which have two; the second number is made from the reconciler's name. */
const lockClass = 0x5752

/** Wakes the reconciler, in whichever worker it runs, as soon as ctx's transaction is committed. */
export async function wakeReconciler(ctx: Ctx, name: string): Promise<void> {
  invariant(registry.has(name), `no reconciler ${name}`)
  await ctx.db.$executeRaw`SELECT pg_notify(${channel}, ${name})`
}

/**
 * Runs each reconciler on its period and when it is woken, in one worker of the cloud and one run at a time. A failed
 * run is logged and repeated at the next period, and the other reconcilers go on. The worker with the lock of a
 * reconciler runs it; locks belong to a session that ends when its worker dies. A run
 * whose session is lost changes nothing more, because another worker may run the same reconciler by now.
 * Returns the function that stops them and waits for their runs.
 */
export function startReconcilers(
  deps: Deps,
  only?: readonly string[],
  lookMs = defaultLookMs,
): () => Promise<void> {
  const turns = new Map<string, Turn>()
  for (const reconciler of registry.values())
    if (!only || only.includes(reconciler.name)) turns.set(reconciler.name, new Turn(deps, reconciler))
  let stopped = false
  let client: pg.Client | null = null
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> = Promise.resolve()

  const lose = (lost: pg.Client, error?: Error) => {
    if (client !== lost) return
    client = null
    for (const turn of turns.values()) turn.disown()
    if (!stopped) deps.log.warn({ err: error }, 'the reconcilers lost their session')
  }
  const look = async () => {
    client ??= await openSession(deps, 2 * lookMs, lose, (name) => turns.get(name)?.wake())
    const session = client
    const free = [...turns].filter(([, turn]) => !turn.owned).map(([name]) => name)
    // The query runs also when no lock is wanted, because a dead session is only noticed by a query.
    const { rows } = await session
      .query<{ name: string }>(
        `SELECT "name" FROM unnest($1::text[]) AS "name" WHERE pg_try_advisory_lock(${lockClass}, hashtext("name"))`,
        [free],
      )
      .catch((error) => {
        leave(session)
        lose(session, error)
        throw error
      })
    for (const { name } of rows) if (client === session) turns.get(name)?.own()
  }
  const again = () => {
    looking = look()
      .catch((error) => deps.log.warn({ err: error }, 'the reconcilers have no session, trying again'))
      .finally(() => {
        if (!stopped) timer = setTimeout(again, client ? lookMs : 500)
      })
  }
  again()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await looking
    await Promise.all([...turns.values()].map((turn) => turn.end()))
    const last = client
    client = null
    await last?.end()
  }
}

async function openSession(
  deps: Deps,
  answerMs: number,
  lose: (client: pg.Client, error?: Error) => void,
  wake: (name: string) => void,
): Promise<pg.Client> {
  const client = new pg.Client(longSession(deps.config.databaseUrl, answerMs))
  client.on('notification', ({ payload }) => wake(payload ?? ''))
  client.on('error', (error) => lose(client, error))
  client.on('end', () => lose(client))
  try {
    await client.connect()
    await client.query(`LISTEN ${channel}`)
    return client
  } catch (error) {
    leave(client)
    throw error
  }
}

/** Ends the session without waiting, because the server may be gone and never answer. */
const leave = (client: pg.Client): void => void client.end().catch(() => undefined)

/** Schedules one reconciler, in a worker that may or may not have its lock. */
class Turn {
  owned = false
  /** Whether the lock with which the present run began is still held. */
  #entitled = { still: true }
  readonly #deps: Deps
  readonly #reconciler: Reconciler
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | null = null
  #woken = false

  constructor(deps: Deps, reconciler: Reconciler) {
    this.#deps = deps
    this.#reconciler = reconciler
  }

  own(): void {
    this.owned = true
    if (!this.#running) this.#in(Math.min(2_000, this.#reconciler.everyMs))
  }
  disown(): void {
    this.owned = false
    this.#entitled.still = false
    clearTimeout(this.#timer)
  }
  /** Makes the reconciler run soon. When it is running, it runs once more afterwards, because this run may have missed the change. */
  wake(): void {
    if (!this.owned || this.#woken) return
    this.#woken = true
    if (!this.#running) this.#in(debounceMs)
  }
  /** Stops the schedule and waits for the present run; the lock must be held until then. */
  async end(): Promise<void> {
    this.owned = false
    clearTimeout(this.#timer)
    await this.#running
  }

  #in(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#run(), delayMs)
  }
  #run(): void {
    this.#woken = false
    const { name, everyMs, run } = this.#reconciler
    const entitled = { still: true }
    this.#entitled = entitled
    const { holder } = this.#deps
    const check = () => {
      holder?.check()
      if (!entitled.still) throw new LeaseLost()
    }
    const ctx = systemCtx(guarded(this.#deps, { check }), `reconcile-${name}`)
    this.#running = run(ctx)
      .catch((error) => ctx.log.error({ err: error, reconciler: name }, 'reconciler failed'))
      .finally(() => {
        this.#running = null
        if (this.owned) this.#in(this.#woken ? debounceMs : everyMs)
      })
  }
}
