import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Ctx, type Deps, inTransaction } from './kernel/context.ts'
import { sessionName } from './kernel/lease.ts'
import { testCtx, testDeps } from './kernel/testing.ts'
import { defineWorkflow, startOperation } from './kernel/workflow.ts'

/** Tests of several workers as processes on one database: one is killed under load, one is frozen, the database restarts. */
const leaseMs = 8_000
let deps: Deps
let ctx: Ctx
let close: () => Promise<void>
const children: ChildProcess[] = []
beforeAll(async () => {
  ;({ deps, close } = await testDeps())
  ctx = await testCtx(deps)
  defineWorkflow({ action: 'load.work', steps: [], onFailed: async () => undefined })
  await deps.root
    .$executeRaw`CREATE TABLE calls (seq bigserial PRIMARY KEY, what text, step text, token text, worker text, n int)`
})
afterAll(async () => {
  await endAll()
  await close()
})
async function endAll(): Promise<void> {
  const running = children.splice(0).filter((child) => child.exitCode === null && child.signalCode === null)
  await Promise.all(
    running.map((child) => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      return ended
    }),
  )
}

test('when one of three workers is killed and one frozen under load, no step runs twice at once and no operation is lost', async () => {
  const workers = await Promise.all([worker(), worker(), worker()])
  const watcher = await until('one runs the reconciler', async () =>
    (await calls()).find((row) => row.what === 'watch'),
  )
  const frozen = workers.find(({ id }) => id === watcher.worker)
  const [killed, third] = workers.filter((one) => one !== frozen)
  if (!frozen || !killed || !third) throw new Error('there are fewer than three workers')
  await load(60)
  await busy(killed.id)
  await busy(frozen.id)
  killed.child.kill('SIGKILL')
  frozen.child.kill('SIGSTOP')
  await until('both were taken over', async () => {
    const rows = await deps.root.worker.findMany({ select: { id: true } })
    return rows.every((row) => row.id === third.id)
  })
  await load(60)
  await busy(third.id)
  const before = await callsOf(frozen.id)
  const ended = new Promise((resolve) => frozen.child.once('exit', resolve))
  frozen.child.kill('SIGCONT')
  // The frozen worker notices its lost lease and ends; a supervisor would start a new one.
  expect(await ended).toBe(7)
  await until('everything is over', async () => {
    const left = await deps.root.operation.count({ where: { state: { not: 'succeeded' } } })
    return left === 0
  })
  expect(await callsOf(frozen.id)).toBe(before)
  const rows = await calls()
  expect(interleaved(rows)).toEqual([])
  expect(unfinished(rows)).toEqual([])
  // The third worker ran the operations of the other two again.
  const again = rows.filter((row) => row.worker === third.id).map((row) => row.what)
  for (const { id } of [killed, frozen])
    expect(
      rows.some((row) => row.worker === id && again.includes(row.what)),
      id,
    ).toBe(true)
  await until('the reconciler goes on elsewhere', async () =>
    (await calls()).find((row) => row.what === 'watch' && row.worker === third.id),
  )
})

test('operations of a killed worker go on in another worker of the machine within moments, however long the lease is', async () => {
  await endAll()
  const [killed, other] = await Promise.all([worker({ LEASE_MS: '120000' }), worker({ LEASE_MS: '120000' })])
  const resources = Array.from({ length: 40 }, () => crypto.randomUUID())
  await load(resources.length, resources)
  await busy(killed.id)
  killed.child.kill('SIGKILL')
  const killedAt = Date.now()
  await until('it was taken over', async () => (await deps.root.worker.count()) === 1)
  await until('nothing of it waits', async () => {
    const where = { resourceId: { in: resources }, state: { not: 'succeeded' } }
    return (await deps.root.operation.count({ where })) === 0
  })
  // This is far less than a third of the lease, after which a worker would renew its own.
  expect(Date.now() - killedAt).toBeLessThan(20_000)
  expect((await deps.root.worker.findFirstOrThrow()).id).toBe(other.id)
})

test('a restart of the database leaves no resource locked by a worker that lives', async () => {
  await endAll()
  const { child, id } = await worker({ GRACE_MS: '1000' })
  const resources = Array.from({ length: 10 }, () => crypto.randomUUID())
  await load(resources.length, resources)
  await busy(id)
  const complaint = new Promise((resolve) => child.once('message', resolve))
  const server = new pg.Client({ connectionString: inject('postgresUrl') })
  await server.connect()
  const database = new URL(deps.config.databaseUrl).pathname.slice(1)
  await server.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS false`)
  await server.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name = $2',
    [database, sessionName(id)],
  )
  // The queue could not tell the database that a job has ended, and does not try again.
  expect(await complaint).toBe('unhandled rejection')
  await server.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS true`)
  await server.end()
  await load(resources.length, resources)
  await until('everything is over', async () => {
    const left = await deps.root.operation.count({
      where: { state: { notIn: ['succeeded', 'failed'] }, resourceId: { in: resources } },
    })
    return left === 0
  })
  await until('and nothing is locked', async () => {
    const locked = await deps.root.$queryRaw<unknown[]>`
      SELECT 1 FROM graphile_worker._private_job_queues WHERE locked_at IS NOT NULL
      UNION ALL SELECT 1 FROM graphile_worker._private_jobs WHERE locked_at IS NOT NULL`
    return locked.length === 0
  })
})

type Call = { what: string; step: string; token: string; worker: string; n: number }
const calls = () => deps.root.$queryRaw<Call[]>`SELECT what, step, token, worker, n FROM calls ORDER BY seq`
const callsOf = async (worker: string) => (await calls()).filter((row) => row.worker === worker).length

/** The calls of runs that came after another run of the same operation had made its first call. */
function interleaved(rows: readonly Call[]): Call[] {
  const latest = new Map<string, string>()
  const over = new Set<string>()
  return rows.filter(({ what, token }) => {
    const last = latest.get(what)
    if (last !== undefined && last !== token) over.add(last)
    latest.set(what, token)
    return over.has(token)
  })
}

/** The steps of operations of which no run came to its end. */
function unfinished(rows: readonly Call[]): string[] {
  const all = new Set(rows.map((row) => row.what).filter((what) => what !== 'watch'))
  expect(all.size).toBe(120)
  const done = new Set(rows.filter((row) => row.n === 5).map((row) => `${row.what} ${row.step}`))
  return [...all]
    .flatMap((what) => ['a', 'b', 'c'].map((step) => `${what} ${step}`))
    .filter((one) => !done.has(one))
}

async function load(count: number, resources: readonly string[] = []): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    for (let i = 0; i < count; i++)
      await startOperation(tx, {
        id: crypto.randomUUID(),
        action: 'load.work',
        resourceKind: 'load',
        resourceId: resources[i] ?? crypto.randomUUID(),
        resourceName: '',
        projectId: null,
      })
  })
}

async function worker(env: NodeJS.ProcessEnv = {}): Promise<{ child: ChildProcess; id: string }> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'workers.testing.ts')], {
    env: {
      ...process.env,
      NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
      DATABASE_URL: deps.config.databaseUrl,
      LEASE_MS: String(leaseMs),
      ...env,
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  children.push(child)
  const id = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(String(message)))
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)))
  })
  child.removeAllListeners('exit')
  return { child, id }
}

const busy = (id: string) =>
  until(`worker ${id} is in the middle of something`, async () => {
    const held = await deps.root.operation.count({ where: { leaseWorker: id } })
    return held > 0 && (await callsOf(id)) > 0
  })

async function until<T>(what: string, look: () => Promise<T>): Promise<NonNullable<T>> {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(50)) {
    const found = await look()
    if (found) return found
  }
  throw new Error(`never: ${what}`)
}
