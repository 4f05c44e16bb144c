/**
 * A worker of workers.host.test.ts, as a process of its own, with the real lease, queue and reconcilers. Each step
 * writes to a log, which stands for a host. The log is written on
 * connections of another name, because a takeover cannot end the work of a host.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '@stratolith/db'
import type { Op } from '@stratolith/drivers/op'
import pg from 'pg'
import { pino } from 'pino'
import { readConfig } from './kernel/config.ts'
import type { Deps } from './kernel/context.ts'
import { HostConnections, plainOp } from './kernel/hosts.ts'
import { defineKinds } from './kernel/kinds.ts'
import { named, sessionName } from './kernel/lease.ts'
import { defineReconciler } from './kernel/reconciler.ts'
import { defineWorkflow, type Run } from './kernel/workflow.ts'
import { startWorker } from './start-worker.ts'

/** How many calls to its host each run of a step makes, and the pause between them in ms. */
const calls = 5
const pauseMs = 20

const url = process.env.DATABASE_URL ?? ''
const host = new pg.Pool({ connectionString: named(url, 'host'), max: 24 })
const id = crypto.randomUUID()
const databaseUrl = named(url, sessionName(id))
const deps: Deps = {
  config: readConfig({
    STRATOLITH_LOG_LEVEL: 'silent',
    DATABASE_URL: databaseUrl,
  }),
  log: pino({ level: process.env.TEST_LOG ?? 'silent' }, pino.destination(2)),
  root: openDatabase(databaseUrl, 16),
  hosts: new HostConnections(() => {
    throw new Error('there are no hosts')
  }),
}

async function work(op: Op, what: string, step: string): Promise<void> {
  const token = crypto.randomUUID()
  for (let n = 1; n <= calls; n++) {
    const client = await host.connect()
    try {
      op.signal.throwIfAborted()
      await client.query('INSERT INTO calls (what, step, token, worker, n) VALUES ($1, $2, $3, $4, $5)', [
        what,
        step,
        token,
        id,
        n,
      ])
    } finally {
      client.release()
    }
    await sleep(pauseMs)
  }
}
const stepOf = (name: string) => ({
  name,
  title: name,
  async run(run: Run<unknown>) {
    if (name === 'b' && !run.data.waited) {
      await run.keep({ waited: true })
      return { waitMs: 100, for: 'Waiting a moment' }
    }
    await work(run.op, run.operationId, name)
    await run.keep({ [name]: true })
  },
})
// This process registers no rooms, so it defines the kinds itself.
defineKinds({ load: {}, crowd: {} })
defineWorkflow({
  action: 'load.work',
  steps: ['a', 'b', 'c'].map(stepOf),
  onFailed: async () => undefined,
})
defineReconciler({ name: 'load.watch', everyMs: 100, run: (ctx) => work(plainOp(ctx), 'watch', 'watch') })

// The queue does not await its own writes, so a failed one is an unhandled rejection. process.ts does the same.
process.on('unhandledRejection', (error) => {
  deps.log.error({ err: error }, 'unhandled rejection')
  process.send?.('unhandled rejection')
})
const stop = await startWorker(deps, {
  id,
  leaseMs: Number(process.env.LEASE_MS),
  slots: { short: 5, long: 1 },
  graceMs: process.env.GRACE_MS ? Number(process.env.GRACE_MS) : undefined,
  reconcilers: ['load.watch'],
  onLost: () => process.exit(7),
})
process.on('disconnect', async () => {
  await stop()
  process.exit(0)
})
process.send?.(id)
