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
/** Begins a transaction that has written and does not end until the returned function is called. */
async function longTransaction(url: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url, application_name: 'monthly report' })
  await client.connect()
  await client.query('BEGIN; SELECT pg_current_xact_id()')
  return async () => {
    await client.query('ROLLBACK')
    await client.end()
  }
}

test('a long transaction in this database delays events, costs few queries, is told once, and delays nothing after its end', async () => {
  const end = await longTransaction(deps.config.databaseUrl)
  const asked = vi.spyOn(pg.Client.prototype, 'query')
  await append('late')
  const noted = () => deps.root.event.findMany({ where: { resourceKind: 'transaction' } })
  await vi.waitUntil(async () => (await noted()).length > 0, { timeout: 60_000, interval: 300 })
  asked.mockClear()
  await sleep(2_000)
  const reads = asked.mock.calls.filter(([query]) => JSON.stringify(query).includes('FROM \\"Event\\" WHERE'))
  // Reads come less and less often, with two statements each: about 24 here. Reads every 10 ms would be 400.
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
  // The transaction is not yet old enough for the system page.
  expect((await systemInfo(systemCtx(deps, 'system'))).heldBack).toBeNull()

  await end()
  await arrival('late').promise
  expect(await heldBack(deps.root, 0)).toBeNull()
})

test('a long transaction in another database of the same server delays nothing', async () => {
  const end = await longTransaction(inject('postgresUrl'))
  await append('at once')
  await arrival('at once').promise
  await end()
})

test('a reader who resumes misses no event that was told behind a transaction in another database', async () => {
  const cursor = async () => {
    const [row] = await deps.root.event.findMany({
      orderBy: [{ epoch: 'desc' }, { xid: 'desc' }, { id: 'desc' }],
      take: 1,
    })
    return row ? { epoch: row.epoch, xid: row.xid, id: row.id } : null
  }
  await append('start')
  const start = await cursor()
  await append('before')
  const end = await longTransaction(inject('postgresUrl'))
  await append('behind')
  // The hub has told both before the reader comes.
  await arrival('behind').promise
  const stop = AbortSignal.timeout(5_000)
  const seen: string[] = []
  for await (const { resourceId } of hub.subscribe(systemCtx(deps, 'reader'), start, stop)) {
    seen.push(resourceId)
    if (resourceId === 'behind') break
  }
  await end()
  expect(seen).toEqual(['before', 'behind'])
})
