import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ctx, type Deps, inTransaction, systemCtx } from '../kernel/context.ts'
import { parseCursor, readAfter } from '../kernel/event-log.ts'
import { expectCloudError, queriesOf, testCtx, testDeps } from '../kernel/testing.ts'
import { defineWorkflow, recordOperation, startOperation } from '../kernel/workflow.ts'
import { createSecurityGroup, deleteSecurityGroup } from '../networking/security-groups/service.ts'
import { listAudit } from './audit.ts'
import { auditListInput, operationListInput } from './contract.ts'
import { collectManyQueues, collectQueues, requeueLost } from './reconcile.ts'
import '../register.ts'
import { eventPosition, getOperation, listOperations } from './service.ts'

let deps: Deps
let close: () => Promise<void>
beforeAll(async () => {
  ;({ deps, close } = await testDeps())
  defineWorkflow({ action: 'thing.make', steps: [], onFailed: async () => undefined })
})
afterAll(() => close())

const list = (ctx: Ctx, over: object = {}) => listOperations(ctx, operationListInput.parse(over))
async function start(ctx: Ctx & { projectId: string }): Promise<string> {
  const id = crypto.randomUUID()
  await inTransaction(ctx, (tx) =>
    startOperation(tx, {
      id,
      action: 'thing.make',
      resourceKind: 'thing',
      resourceId: id,
      resourceName: 'a thing',
      projectId: ctx.projectId,
    }),
  )
  return id
}
const jobs = (id: string) =>
  deps.root.$queryRaw<{ attempts: number }[]>`SELECT attempts FROM graphile_worker.jobs WHERE key = ${id}`

test('the events after a position are those that happened since then', async () => {
  const ctx = await testCtx(deps)
  const kinds = async (position: string) => {
    const cursor = parseCursor(position)
    if (cursor === null) throw new Error(position)
    return (await readAfter(deps.root, cursor, 100)).rows.map(({ resourceId }) => resourceId)
  }
  // A position stays before all that happened while a transaction of another database of the machine is under way.
  const nothingAfter = () =>
    expect.poll(async () => kinds(await eventPosition(ctx)), { timeout: 20_000 }).toEqual([])
  await start(ctx)
  await nothingAfter()
  const before = await eventPosition(ctx)
  const id = await start(ctx)
  expect(new Set(await kinds(before))).toEqual(new Set([id]))
  await nothingAfter()
})

describe('history', () => {
  test('tenants see the checks of a placement without names of hosts, also in the form of earlier versions', async () => {
    const ctx = await testCtx(deps)
    const id = await start(ctx)
    const verdicts = [{ hostId: 'h', host: 'rack7', fits: false, checks: [] }]
    const counts = { total: 70, fit: 3, refused: [{ check: 'Memory', hosts: 67 }] }
    const shown = async (explanation: object) => {
      await deps.root.operation.update({ where: { id }, data: { explanation } })
      return (await getOperation(ctx, { id })).explanation
    }
    const masked = [{ ...verdicts[0], hostId: 'host-1', host: 'host 1' }]
    expect(await shown({ ...counts, verdicts })).toEqual({ ...counts, verdicts: masked })
    expect(await shown(verdicts)).toEqual({ total: 1, fit: 0, refused: [], verdicts: masked })
  })

  test('says of each operation and event whether its resource is deleted, in one query more for any number of rows', async () => {
    const ctx = await testCtx(deps)
    const made = (name: string) => createSecurityGroup(ctx, { name, description: '' })
    const [gone, stays] = [await made('gone'), await made('stays')]
    await deleteSecurityGroup(ctx, { id: gone.id })
    const kept = ({ items }: { items: { resourceId: string; resourceDeleted: boolean }[] }) =>
      items.flatMap(({ resourceId, resourceDeleted }) =>
        [gone.id, stays.id].includes(resourceId) ? [[resourceId === gone.id, resourceDeleted]] : [],
      )
    const operations = await list(ctx)
    expect(kept(operations)).toHaveLength(3)
    for (const [isGone, deleted] of kept(operations)) expect(deleted).toBe(isGone)
    const ofMade = operations.items.find(
      ({ action, resourceId }) => action.endsWith('.create') && resourceId === gone.id,
    )
    expect((await getOperation(ctx, { id: ofMade?.id ?? '' })).resourceDeleted).toBe(true)
    const audit = () => listAudit(ctx, auditListInput.parse({}))
    const events = kept(await audit())
    expect(events.length).toBeGreaterThanOrEqual(3)
    for (const [isGone, deleted] of events) expect(deleted).toBe(isGone)

    const before = [await queriesOf(() => list(ctx)), await queriesOf(audit)]
    for (let n = 0; n < 10; n++) await made(`more ${n}`)
    expect([await queriesOf(() => list(ctx)), await queriesOf(audit)]).toEqual(before)
  })

  test('lists operations newest first, by resource, state and action, with the user who asked', async () => {
    const ctx = await testCtx(deps)
    const id = await start(ctx)
    await inTransaction(ctx, (tx) =>
      recordOperation(tx, {
        id: crypto.randomUUID(),
        action: 'thing.rename',
        resourceKind: 'thing',
        resourceId: id,
        resourceName: 'a thing',
        projectId: ctx.projectId,
      }),
    )
    const { items, total } = await list(ctx, { resourceKind: 'thing', resourceId: id })
    expect(items.map((o) => [o.action, o.state])).toEqual([
      ['thing.rename', 'succeeded'],
      ['thing.make', 'queued'],
    ])
    expect(total).toBe(2)
    expect(items[0]?.actorName).toBe(ctx.actor.userName)
    expect((await list(ctx, { state: 'queued' })).items.map((o) => o.id)).toEqual([id])
    expect((await list(ctx, { action: 'thing.rename' })).total).toBe(1)
  })

  test('hides operations of other projects, and shows those of all projects to administrators who ask for them', async () => {
    const [ctx, other] = [await testCtx(deps), await testCtx(deps)]
    const admin = await testCtx(deps, { role: 'admin' })
    const id = await start(ctx)
    await expectCloudError(getOperation(other, { id }), 'not_found')
    expect((await list(other)).items).toEqual([])
    await expectCloudError(list(other, { allProjects: true }), 'forbidden')
    expect(await getOperation(admin, { id })).toMatchObject({ id, action: 'thing.make' })
    expect((await list(admin, { allProjects: true })).items.map((o) => o.id)).toContain(id)
  })
})

describe('operations that lost their job', () => {
  const age = (id: string) =>
    deps.root
      .$executeRaw`UPDATE "Operation" SET "createdAt" = now() - interval '5 minutes' WHERE "id" = ${id}::uuid`

  test('get a new job, and operations that have a job are left alone', async () => {
    const ctx = await testCtx(deps)
    const [lost, fine, young] = [await start(ctx), await start(ctx), await start(ctx)]
    await deps.root.$executeRaw`SELECT graphile_worker.remove_job(${lost})`
    await deps.root.$executeRaw`SELECT graphile_worker.remove_job(${young})`
    await Promise.all([age(lost), age(fine)])
    await requeueLost(systemCtx(deps, 'test'))
    expect(await jobs(lost)).toEqual([{ attempts: 0 }])
    expect(await jobs(fine)).toEqual([{ attempts: 0 }])
    expect(await jobs(young)).toEqual([])
    expect(await requeueLost(systemCtx(deps, 'test'))).toBe(0)
  })
})

describe('the queue', () => {
  const queues = () =>
    deps.root.$queryRaw<
      { name: string }[]
    >`SELECT "queue_name" AS "name" FROM graphile_worker._private_job_queues`
  test('is not collected while a long transaction uses it', async () => {
    const ctx = await testCtx(deps)
    await inTransaction(ctx, async (tx) => {
      await tx.db.$executeRaw`LOCK TABLE graphile_worker._private_job_queues IN ROW SHARE MODE`
      expect(await collectQueues(systemCtx(deps, 'test'))).toBe(false)
    })
    expect(await collectQueues(systemCtx(deps, 'test'))).toBe(true)
  })

  test('is collected between the rounds when it has many idle rows', async () => {
    const idle = (count: number) =>
      deps.root.$executeRaw`INSERT INTO graphile_worker._private_job_queues ("queue_name")
        SELECT 'idle:' || gen_random_uuid() FROM generate_series(1, ${count}::int)`
    await collectQueues(systemCtx(deps, 'test'))
    await idle(20)
    await collectManyQueues(systemCtx(deps, 'test'))
    expect((await queues()).filter(({ name }) => name.startsWith('idle:'))).toHaveLength(20)
    await idle(100)
    await collectManyQueues(systemCtx(deps, 'test'))
    expect((await queues()).filter(({ name }) => name.startsWith('idle:'))).toEqual([])
  })

  test('loses the rows of resources without a job, also while jobs are added', async () => {
    const ctx = await testCtx(deps)
    const [over, busy] = [await start(ctx), await start(ctx)]
    await deps.root.$executeRaw`SELECT graphile_worker.remove_job(${over})`
    let added: Promise<unknown> = Promise.resolve()
    await inTransaction(ctx, async (tx) => {
      // This transaction has read the row of the other queue and is not committed when the collector runs.
      await startOperation(tx, {
        id: crypto.randomUUID(),
        action: 'thing.make',
        resourceKind: 'thing',
        resourceId: over,
        resourceName: '',
        projectId: null,
      })
      added = collectQueues(systemCtx(deps, 'test'))
      await new Promise((resolve) => setTimeout(resolve, 100))
    })
    await added
    const names = (await queues()).map((row) => row.name)
    expect(names).toContain(`thing:${busy}`)
    expect(names).toContain(`thing:${over}`)
    const lost = await deps.root.$queryRaw<
      unknown[]
    >`SELECT 1 FROM graphile_worker.jobs WHERE queue_name IS NULL`
    expect(lost).toEqual([])
    await deps.root.$executeRaw`SELECT graphile_worker.remove_job(${busy})`
    await collectQueues(systemCtx(deps, 'test'))
    expect((await queues()).map((row) => row.name)).not.toContain(`thing:${busy}`)
  })
})
