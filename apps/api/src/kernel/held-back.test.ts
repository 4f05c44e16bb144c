import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { systemInfo } from '../system/service.ts'
import { type Deps, inTransaction, systemCtx } from './context.ts'
import { EventHub } from './event-hub.ts'
import { appendEvent } from './events.ts'
import { heldBack } from './held-back.ts'
import { testDeps } from './testing.ts'
import '../register.ts'

let deps: Deps
let hub: EventHub
let close: () => Promise<void>
const told = new Map<string, PromiseWithResolvers<void>>()
beforeAll(async () => {
  ;({ deps, close } = await testDeps())
  hub = new EventHub(deps, 300)
  await hub.start()
  hub.onRows((rows) => {
    for (const row of rows) arrival(row.resourceId).resolve()
  })
})
afterAll(async () => {
  await hub.close()
  await close()
})
function arrival(id: string): PromiseWithResolvers<void> {
  const known = told.get(id) ?? Promise.withResolvers<void>()
  told.set(id, known)
  return known
}
const append = (id: string) =>
  inTransaction(systemCtx(deps, 'test'), (tx) =>
    appendEvent(tx, { kind: 'thing.updated', projectId: null, resourceKind: 'thing', resourceId: id }),
  )
/** A transaction that has written and does not end. */
async function longTransaction(url: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url, application_name: 'monthly report' })
  await client.connect()
  await client.query('BEGIN; SELECT pg_current_xact_id()')
  return async () => {
    await client.query('ROLLBACK')
    await client.end()
  }
}

test('one in this database delays events, costs few questions, is told once, and is over when it ends', async () => {
  const end = await longTransaction(deps.config.databaseUrl)
  const asked = vi.spyOn(pg.Client.prototype, 'query')
  await append('late')
  const noted = () => deps.root.event.findMany({ where: { resourceKind: 'transaction' } })
  await vi.waitUntil(async () => (await noted()).length > 0, { timeout: 60_000, interval: 300 })
  asked.mockClear()
  await sleep(2_000)
  const reads = asked.mock.calls.filter(([query]) => JSON.stringify(query).includes('FROM \\"Event\\" WHERE'))
  // Less and less often, two statements each: 24 where none was asked before it was noted. Every 10 ms it was 400.
  expect(reads.length).toBeLessThan(40)
  asked.mockRestore()
  expect(told.has('late')).toBe(false)
  const events = await noted()
  expect(events).toHaveLength(1)
  expect(events[0]).toMatchObject({
    kind: 'transaction.delaysEvents',
    data: { application: 'monthly report', pid: expect.any(Number) },
  })
  expect(await heldBack(deps.root, 0)).toMatchObject({ application: 'monthly report' })
  // Not yet old enough for the page of the system.
  expect((await systemInfo(systemCtx(deps, 'system'))).heldBack).toBeNull()

  await end()
  await arrival('late').promise
  expect(await heldBack(deps.root, 0)).toBeNull()
})

test('one in another database of the same server delays nothing', async () => {
  const end = await longTransaction(inject('postgresUrl'))
  await append('at once')
  await arrival('at once').promise
  await end()
})
