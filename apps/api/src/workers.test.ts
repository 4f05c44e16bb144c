import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ctx, type Deps, inTransaction } from './kernel/context.ts'
import { CloudError } from './kernel/errors.ts'
import { LeaseLost, WorkerLease } from './kernel/lease.ts'
import { defineReconciler, startReconcilers, wakeReconciler } from './kernel/reconciler.ts'
import { testCtx, testDeps } from './kernel/testing.ts'
import { defineWorkflow, startOperation } from './kernel/workflow.ts'
import { startWorker } from './start-worker.ts'

let deps: Deps
let ctx: Ctx
let close: () => Promise<void>
beforeAll(async () => {
  ;({ deps, close } = await testDeps())
  ctx = await testCtx(deps)
})
afterAll(() => close())

/** How many operations run now, and the most that ran at once, by project or host. */
const now = new Map<string, number>()
const most = new Map<string, number>()
let patient = true
defineWorkflow({
  action: 'crowd.stop',
  steps: [
    {
      name: 'guest',
      title: 'Waiting in its slot',
      async run(run) {
        const { crowd } = run.input as { crowd: string }
        now.set(crowd, (now.get(crowd) ?? 0) + 1)
        most.set(crowd, Math.max(most.get(crowd) ?? 0, now.get(crowd) ?? 0))
        for (let i = 0; patient && i < 40; i++) await sleep(25)
        now.set(crowd, (now.get(crowd) ?? 1) - 1)
      },
    },
  ],
  onFailed: async () => undefined,
})
defineWorkflow({
  action: 'crowd.quick',
  steps: [{ name: 'do', title: 'Doing', run: async () => undefined }],
  onFailed: async () => undefined,
})
let tries = 0
defineWorkflow({
  action: 'crowd.flaky',
  steps: [
    {
      name: 'try',
      title: 'Trying',
      async run(run) {
        if (tries++ === 0) throw new CloudError('unavailable', 'Not yet.')
        if (run.data.waited) return
        await run.keep({ waited: true })
        return { waitMs: 50, for: 'Waiting' }
      },
    },
  ],
  onFailed: async () => undefined,
})

type Of = { projectId?: string; hostId?: string; crowd?: string }
async function start(action: string, { projectId, hostId, crowd }: Of, count = 1): Promise<string[]> {
  const ids = Array.from({ length: count }, () => crypto.randomUUID())
  await inTransaction(ctx, async (tx) => {
    for (const id of ids)
      await startOperation(tx, {
        id,
        action,
        resourceKind: 'crowd',
        resourceId: id,
        resourceName: '',
        projectId: projectId ?? null,
        hostId: hostId ?? null,
        input: { crowd: crowd ?? '' },
      })
  })
  return ids
}
const over = (ids: readonly string[]) =>
  deps.root.operation.count({ where: { id: { in: [...ids] }, state: 'succeeded' } })
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(10)) if (await holds()) return
  throw new Error(`never: ${what}`)
}

describe('lanes', () => {
  // This test needs more time: the guests ignore their buttons for as long as the cloud waits for them, and fifty take turns.
  test('fifty guests that ignore the power button delay neither another tenant nor another host', {
    timeout: 180_000,
  }, async () => {
    const stop = await startWorker(deps, {
      id: crypto.randomUUID(),
      slots: { short: 8, long: 1 },
      reconcilers: [],
      onLost: () => undefined,
    })
    try {
      const crowd = await start('crowd.stop', { projectId: 'a', crowd: 'a' }, 50)
      await until('as many run as may', () => (now.get('a') ?? 0) === 4)
      // Another project stops as many guests on one host, where no more than six run at once.
      const host = await start('crowd.stop', { hostId: 'h', crowd: 'h' }, 50)
      await until('all but the reserve run', () => (now.get('h') ?? 0) === 4)
      const next = await start('crowd.stop', { projectId: 'b', crowd: 'b' })
      await until('it has its turn', () => (now.get('b') ?? 0) === 1)
      patient = false
      const quick = await start('crowd.quick', { projectId: 'b', hostId: 'i' }, 5)
      await until('the others are done', async () => (await over([...quick, ...next])) === 6)
      await until('and the crowds', async () => (await over([...crowd, ...host])) === 100)
      expect(most.get('a')).toBe(4)
      expect(most.get('h')).toBeLessThanOrEqual(6)
      const again = await start('crowd.flaky', { projectId: 'b' })
      await until('a retry and a wait later', async () => (await over(again)) === 1)
      expect(tries).toBe(3)
      expect(await deps.root.operation.count({ where: { leaseWorker: { not: null } } })).toBe(0)
    } finally {
      patient = false
      await stop()
    }
    expect(await deps.root.worker.count()).toBe(0)
  })
})

test('a job that another query had locked when it came is found a moment later', async () => {
  // So many slots ask by themselves only every ten seconds.
  const slots = { short: 40, long: 1 }
  const stop = await startWorker(deps, {
    id: crypto.randomUUID(),
    slots,
    reconcilers: [],
    onLost: () => undefined,
  })
  const client = new pg.Client({ connectionString: deps.config.databaseUrl })
  await client.connect()
  try {
    const resourceId = crypto.randomUUID()
    const quick = async () => {
      const id = crypto.randomUUID()
      const about = { resourceKind: 'crowd', resourceId, resourceName: '', projectId: null }
      await inTransaction(ctx, (tx) => startOperation(tx, { id, action: 'crowd.quick', ...about }))
      return id
    }
    const first = await quick()
    await until('its queue is there and idle', async () => (await over([first])) === 1)
    await sleep(200)
    await client.query('BEGIN')
    await client.query('SELECT 1 FROM graphile_worker._private_job_queues FOR UPDATE')
    const from = performance.now()
    const next = await quick()
    await sleep(60)
    await client.query('ROLLBACK')
    await until('it is done', async () => (await over([next])) === 1)
    expect(performance.now() - from).toBeLessThan(5_000)
  } finally {
    await client.end()
    await stop()
  }
})

/** A TCP proxy to the database that can stop passing bytes without closing its connections. */
async function doorTo(databaseUrl: string) {
  const { hostname, port } = new URL(databaseUrl)
  const ends: (() => void)[] = []
  const silent = new Set<net.Socket>()
  let open = true
  const sockets: net.Socket[] = []
  const server = net.createServer((socket) => {
    if (!open) return socket.destroy()
    const behind = net.connect(Number(port), hostname)
    sockets.push(socket)
    for (const one of [socket, behind]) one.on('error', () => undefined)
    const passes = () => open && !silent.has(socket)
    socket.on('data', (bytes) => void (passes() && behind.write(bytes)))
    behind.on('data', (bytes) => void (passes() && socket.write(bytes)))
    socket.on('close', () => behind.destroy())
    ends.push(() => behind.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as net.AddressInfo).port)
  return {
    url: url.href,
    /** Silences the present connections; new ones work. */
    forget: () => void sockets.map((socket) => silent.add(socket)),
    shut() {
      open = false
      for (const end of ends) end()
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

// This test needs more time: a lease runs out, and a silent connection is given up.
test('a lease outlives the silent death of its connection', { timeout: 180_000 }, async () => {
  const door = await doorTo(deps.config.databaseUrl)
  const lost: string[] = []
  const lease = new WorkerLease(
    { ...deps, config: { ...deps.config, databaseUrl: door.url } },
    { id: crypto.randomUUID(), leaseMs: 6_000, onLost: () => lost.push('lost') },
  )
  await lease.start()
  door.forget()
  for (const end = Date.now() + 9_000; Date.now() < end; await sleep(50)) lease.check()
  expect(lost).toEqual([])
  await lease.stop()
  door.close()
})

describe('reconcilers', () => {
  let runs = 0
  defineReconciler({
    name: 'test.woken',
    everyMs: 600_000,
    run: async () => {
      runs++
      await sleep(50)
    },
  })
  // This test needs more time: a lease must run out before another worker takes over.
  test('run in one worker, once for many wake-ups by committed transactions, and in another worker when it ends', {
    timeout: 180_000,
  }, async () => {
    const first = startReconcilers(deps, ['test.woken'])
    await until('the first run', () => runs === 1)
    const second = startReconcilers(deps, ['test.woken'])
    const wake = (count: number) =>
      inTransaction(ctx, async (tx) => {
        for (let i = 0; i < count; i++) await wakeReconciler(tx, 'test.woken')
        if (count > 10) throw new Error('rolled back')
      })
    await expect(wake(11)).rejects.toThrow('rolled back')
    await sleep(400)
    expect(runs).toBe(1)
    await Promise.all([wake(10), wake(10)])
    await until('woken', () => runs > 1)
    await sleep(400)
    // There may be one more run when the machine was so busy that the second transaction came after the first run.
    expect(runs).toBeLessThanOrEqual(3)
    const before = runs
    await first()
    await until('the other has it', () => runs === before + 1)
    await wake(1)
    await until('and hears', () => runs === before + 2)
    await second()
  })

  const runners: string[] = []
  let cutOff: unknown = null
  defineReconciler({
    name: 'test.often',
    everyMs: 50,
    run: async ({ deps: { config, root } }) => {
      // The first run takes long and goes on while its worker loses the lock.
      const isFirst = runners.push(config.databaseUrl) === 1
      try {
        for (let i = 0; isFirst && i < 800; i++, await sleep(25)) await root.$queryRaw`SELECT 1`
      } catch (error) {
        cutOff = error
        throw error
      }
    },
  })
  test('end in a worker whose connection to the database is dead, although no packet says so', async () => {
    const door = await doorTo(deps.config.databaseUrl)
    const cut = { ...deps, config: { ...deps.config, databaseUrl: door.url } }
    const first = startReconcilers(cut, ['test.often'], 200)
    const by = (who: Deps) => runners.filter((one) => one === who.config.databaseUrl).length
    await until('it runs', () => by(cut) > 0)
    const second = startReconcilers(deps, ['test.often'], 200)
    door.shut()
    await until('the other runs it', () => by(deps) > 0)
    await until('and only the other', async () => {
      const before = by(cut)
      await sleep(500)
      return by(cut) === before
    })
    await until('its long run has ended', () => cutOff !== null)
    expect(cutOff).toBeInstanceOf(LeaseLost)
    await Promise.all([first(), second()])
    door.close()
  })
})
