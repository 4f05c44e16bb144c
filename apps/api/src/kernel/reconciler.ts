import pg from 'pg'
import { type Ctx, type Deps, systemCtx } from './context.ts'
import { invariant } from './errors.ts'
import { guarded, LeaseLost } from './lease.ts'
import { longSession } from './session.ts'

/** Repairs what drifts. Idempotent, takes no input, runs every `everyMs` and when it is woken. */
export type Reconciler = { name: string; everyMs: number; run(ctx: Ctx): Promise<void> }

const registry = new Map<string, Reconciler>()
export function defineReconciler(reconciler: Reconciler): Reconciler {
  registry.set(reconciler.name, reconciler)
  return reconciler
}

/** One of those that are defined; throws when there is none of that name. */
export function reconcilerNamed(name: string): Reconciler {
  const reconciler = registry.get(name)
  invariant(reconciler, `no reconciler ${name}`)
  return reconciler
}

const channel = 'stratolith_reconcile'
/** Whoever wakes it a hundred times in a moment gets one run that sees it all. */
const debounceMs = 100
/** How soon a reconciler runs elsewhere when its worker has died. */
const defaultLookMs = 5_000
/** First number of our advisory locks of two; the second is the reconciler's. */
const lockClass = 0x5752

/** Runs that reconciler as soon as ctx's transaction is committed, wherever it runs. */
export async function wakeReconciler(ctx: Ctx, name: string): Promise<void> {
  invariant(registry.has(name), `no reconciler ${name}`)
  await ctx.db.$executeRaw`SELECT pg_notify(${channel}, ${name})`
}

/**
 * Runs each reconciler on its period and when it is woken, in one worker of the cloud, one run of
 * each at a time; a failing one is logged and tried again at its next period, the others go on. Who
 * runs it is who has its lock, and locks belong to a session that ends when its worker dies. A run
 * whose session is lost meanwhile changes nothing more: another worker may run the same by now.
 * Returns the way to stop (waits for runs).
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
    // Asked also when nothing is free: a session whose other end is gone says nothing by itself.
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

/** Not waited for: there may be nobody to take leave of. */
const leave = (client: pg.Client): void => void client.end().catch(() => undefined)

/** When one reconciler runs, in a worker that has its lock or not. */
class Turn {
  owned = false
  /** Of the run that is under way: the lock that it began with is still held. */
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
  /** While it runs, what it was woken for may have come too late for it: it runs once more. */
  wake(): void {
    if (!this.owned || this.#woken) return
    this.#woken = true
    if (!this.#running) this.#in(debounceMs)
  }
  /** The lock is held until the run that is under way has ended. */
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
