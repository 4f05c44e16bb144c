import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ctx, type Deps, inTransaction } from '../kernel/context.ts'
import { appendEvent } from '../kernel/events.ts'
import { expectCloudError, testCtx, testDeps } from '../kernel/testing.ts'
import { recordOperation } from '../kernel/workflow.ts'
import { listAudit } from './audit.ts'
import { auditListInput } from './contract.ts'
import '../register.ts'

let deps: Deps
let close: () => Promise<void>
beforeAll(async () => {
  ;({ deps, close } = await testDeps())
})
afterAll(() => close())

const list = (ctx: Ctx, over: object = {}) => listAudit(ctx, auditListInput.parse(over))
const note = (ctx: Ctx & { projectId: string }, kind: string, resourceId = 'x') =>
  inTransaction(ctx, (tx) =>
    appendEvent(tx, {
      kind,
      projectId: ctx.projectId,
      resourceKind: 'thing',
      resourceId,
      data: { name: 'n' },
    }),
  )

test('the audit log lists events newest first and by pages, without steps of operations and without room on hosts', async () => {
  const ctx = await testCtx(deps)
  for (const kind of [
    'thing.created',
    'operation.updated',
    'host.room',
    'machine.updated',
    'thing.updated',
    'other.deleted',
  ])
    await note(ctx, kind)
  const first = await list(ctx, { limit: 2 })
  expect(first.items.map((e) => e.kind)).toEqual(['other.deleted', 'thing.updated'])
  expect(first.items[0]).toMatchObject({
    actorName: ctx.actor.userName,
    projectName: `project-${ctx.projectId.slice(0, 8)}`,
    requestId: ctx.requestId,
    data: { name: 'n' },
  })
  const second = await list(ctx, { limit: 2, marker: first.next })
  expect(second.items.map((e) => e.kind)).toEqual(['thing.created'])
  expect(second.next).toBeNull()
  expect(second.keptDays).toBe(90)
})

test('a page of the audit log stays where it is while the log grows, and there is a way back', async () => {
  const ctx = await testCtx(deps)
  const at = async (marker: string | null, sort?: string) => {
    const page = await list(ctx, { limit: 2, marker: marker ?? undefined, sort })
    return { ...page, ids: page.items.map(({ resourceId }) => resourceId) }
  }
  for (const id of ['a', 'b', 'c', 'd', 'e']) await note(ctx, 'thing.created', id)
  const first = await at(null)
  expect(first).toMatchObject({ ids: ['e', 'd'], total: 5, atLeast: false, first: 1, previous: null })
  await note(ctx, 'thing.created', 'f')
  const second = await at(first.next)
  expect(second).toMatchObject({ ids: ['c', 'b'], total: 6, first: 4 })
  expect((await at(second.next)).ids).toEqual(['a'])
  expect((await at(second.previous)).ids).toEqual(['e', 'd'])
  expect((await at(null, 'at')).ids).toEqual(['a', 'b'])
  await expectCloudError(at('17'), 'invalid_input')
})

test('a thing has the name of its last operation, also when the thing is gone', async () => {
  const ctx = await testCtx(deps)
  const id = crypto.randomUUID()
  const thing = { resourceKind: 'thing', resourceId: id, projectId: ctx.projectId }
  for (const [action, resourceName] of [
    ['thing.create', 'old'],
    ['thing.delete', 'new'],
  ] as const)
    await inTransaction(ctx, (tx) =>
      recordOperation(tx, { ...thing, id: crypto.randomUUID(), action, resourceName }),
    )
  await note(ctx, 'thing.deleted', id)
  await note(ctx, 'thing.created', 'nobody worked on it')
  const { items } = await list(ctx, { kind: 'thing.' })
  expect(items.map((row) => row.resourceName)).toEqual([null, 'new', 'new', 'new'])
})

test('a host has its name, although no operation tells it', async () => {
  const admin = await testCtx(deps, { role: 'admin' })
  const name = `audited-${crypto.randomUUID()}`
  const id = crypto.randomUUID()
  await deps.root.host.create({
    data: { id, name, endpoint: `fake:${name}`, vcpus: 1, memoryMib: 1, diskGib: 1 },
  })
  for (const resourceId of [id, 'image-store'])
    await inTransaction(admin, (tx) =>
      appendEvent(tx, { kind: 'host.updated', projectId: null, resourceKind: 'host', resourceId }),
    )
  const { items } = await list(admin, { allProjects: true, kind: 'host.updated' })
  expect(items.map((row) => row.resourceName)).toEqual([null, name])
})

test('the audit log is filtered by kind, person, project and time, and a % has no special meaning', async () => {
  const [ctx, admin] = [await testCtx(deps), await testCtx(deps, { role: 'admin' })]
  await note(ctx, 'thing.created', 'a')
  await note(ctx, 'other.created', 'b')
  const all = { allProjects: true, projectId: ctx.projectId }
  expect((await list(admin, { ...all, kind: 'thing.' })).items.map((e) => e.resourceId)).toEqual(['a'])
  expect((await list(admin, { ...all, kind: '%' })).items).toEqual([])
  expect((await list(admin, { allProjects: true, actorId: ctx.actor.userId })).items).toHaveLength(2)
  expect((await list(admin, { ...all, to: '2020-01-01T00:00:00Z' })).items).toEqual([])
  expect((await list(admin, { ...all, from: '2020-01-01T00:00:00Z' })).items).toHaveLength(2)
})

test('members see only the events of their own project', async () => {
  const [ctx, other] = [await testCtx(deps), await testCtx(deps)]
  await note(other, 'thing.created')
  expect((await list(ctx)).items).toEqual([])
  expect((await list(ctx, { projectId: other.projectId })).items).toEqual([])
  await expectCloudError(list(ctx, { allProjects: true }), 'forbidden')
})

test('the beginning of an operation is shown and found by its kind, but not the changes that the operation made', async () => {
  const ctx = await testCtx(deps)
  const operation = {
    id: crypto.randomUUID(),
    action: 'thing.shake',
    resourceKind: 'thing',
    resourceId: 'y',
    resourceName: 'y',
    projectId: ctx.projectId,
  }
  await inTransaction(ctx, async (tx) => {
    await recordOperation(tx, operation)
    await appendEvent(tx, {
      kind: 'thing.updated',
      projectId: ctx.projectId,
      resourceKind: 'thing',
      resourceId: 'y',
      operationId: operation.id,
    })
  })
  const begun = { kind: 'operation.begun', actorId: ctx.actor.userId, data: { action: 'thing.shake' } }
  expect((await list(ctx)).items).toMatchObject([begun])
  expect((await list(ctx, { kind: 'thing.' })).items).toMatchObject([begun])
  expect((await list(ctx, { kind: 'other.' })).items).toEqual([])
})

test('changes by operations of earlier versions are shown, because these versions recorded no beginning', async () => {
  const ctx = await testCtx(deps)
  await deps.root.event.create({
    data: {
      kind: 'thing.updated',
      projectId: ctx.projectId,
      resourceKind: 'thing',
      resourceId: 'z',
      operationId: crypto.randomUUID(),
      actorId: ctx.actor.userId,
    },
  })
  expect((await list(ctx)).items.map((row) => row.kind)).toEqual(['thing.updated'])
})

test('a name that another project gave to a thing is not shown', async () => {
  const [ctx, other] = [await testCtx(deps), await testCtx(deps)]
  const thing = { resourceKind: 'thing', resourceId: crypto.randomUUID() }
  await note(ctx, 'thing.created', thing.resourceId)
  await inTransaction(other, (tx) =>
    recordOperation(tx, {
      ...thing,
      id: crypto.randomUUID(),
      action: 'thing.rename',
      resourceName: 'secret',
      projectId: other.projectId,
    }),
  )
  expect((await list(ctx)).items.map((row) => row.resourceName)).toEqual([null])
})
