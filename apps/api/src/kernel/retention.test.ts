import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Ctx, type Deps, systemCtx } from './context.ts'
import { dropOld } from './retention.ts'
import { testDeps } from './testing.ts'
import '../register.ts'

let deps: Deps
let ctx: Ctx
let close: () => Promise<void>
beforeAll(async () => {
  ;({ deps, close } = await testDeps())
  ctx = systemCtx(deps, 'test')
})
afterAll(() => close())
const ago = (days: number) => new Date(Date.now() - days * 86_400_000)

test('events, operations with their steps, past instances and trusts are deleted when they are old, and not before', async () => {
  const sql = deps.root.$executeRaw.bind(deps.root)
  for (const days of [89, 91])
    await sql`INSERT INTO "Event" ("kind", "resourceKind", "resourceId", "at")
      SELECT 'thing.updated', 'thing', ${`${days} days`}, ${ago(days)} FROM generate_series(1, 2500)`
  const operations = [
    ['succeeded', 179],
    ['succeeded', 181],
    ['failed', 181],
    // An operation that was begun long ago and is not over.
    ['undoing', null],
  ] as const
  for (const [state, days] of operations)
    await deps.root.operation.create({
      data: {
        id: crypto.randomUUID(),
        action: 'thing.make',
        state,
        resourceKind: 'thing',
        resourceId: 'x',
        createdAt: ago(200),
        finishedAt: days && ago(days),
        steps: { create: { index: 0, name: 'a', title: 'A', state: 'done' } },
      },
    })
  for (const days of [729, 731])
    await sql`INSERT INTO "PastInstance" ("id", "projectId", "userId", "name", "hostname", "flavorId", "flavorName",
        "vcpus", "memoryMib", "diskGib", "createdAt", "terminatedAt")
      VALUES (gen_random_uuid(), 'p', 'u', ${String(days)}, 'h', 'f', 'f', 1, 1, 1, ${ago(800)}, ${ago(days)})`
  await sql`INSERT INTO "Domain" ("id", "name") VALUES ('d', 'd')`
  await sql`INSERT INTO "User" ("id", "domainId", "name") VALUES ('u', 'd', 'u')`
  for (const days of [1, 181, null])
    await sql`INSERT INTO "Trust" ("id", "trustorId", "trusteeId", "impersonation", "deletedAt", "createdAt")
      VALUES (${String(days)}, 'u', 'u', false, ${days && ago(days)}::timestamptz, ${ago(300)})`

  await deps.root.tombstone.createMany({
    data: [1, 181].map((days) => ({ kind: 'port', id: String(days), deletedAt: ago(days) })),
  })

  // The wrong clock of a worker deletes nothing.
  const clock = vi.spyOn(Date, 'now').mockReturnValue(ago(-400).getTime())
  await dropOld(ctx)
  clock.mockRestore()
  expect((await deps.root.tombstone.findMany()).map((row) => row.id)).toEqual(['1'])
  expect(await deps.root.event.groupBy({ by: ['resourceId'], _count: true })).toEqual([
    { resourceId: '89 days', _count: 2500 },
  ])
  const left = await deps.root.operation.findMany({ include: { steps: true }, orderBy: { state: 'asc' } })
  expect(left.map((row) => [row.state, row.steps.length])).toEqual([
    ['succeeded', 1],
    ['undoing', 1],
  ])
  expect(await deps.root.operationStep.count()).toBe(2)
  expect((await deps.root.pastInstance.findMany()).map((row) => row.name)).toEqual(['729'])
  expect((await deps.root.trust.findMany()).map((row) => row.id).sort()).toEqual(['1', 'null'])
})
