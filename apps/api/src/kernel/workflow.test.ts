import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ctx, type Deps, inTransaction } from './context.ts'
import { CloudError } from './errors.ts'
import { failEveryStep, testCtx, testDeps } from './testing.ts'
import { defineWorkflow, runOperation, startOperation } from './workflow.ts'

/** A resource with a step per effect; `world` stands for a host. */
const world = new Map<string, Set<string>>()
const settled = new Map<string, string>()
const effect = (id: string) => world.get(id) ?? world.set(id, new Set()).get(id) ?? new Set<string>()

defineWorkflow({
  action: 'thing.create',
  steps: ['a', 'b', 'c'].map((name) => ({
    name,
    title: `Doing ${name}`,
    async run(run) {
      effect(run.resourceId).add(name)
      await run.keep({ [name]: true })
    },
    async undo(run) {
      effect(run.resourceId).delete(name)
    },
  })),
  async onFailed(run, error) {
    settled.set(run.resourceId, error.message)
  },
})
let flaky = 0
defineWorkflow({
  action: 'thing.flaky',
  steps: [
    {
      name: 'try',
      title: 'Trying',
      async run() {
        if (flaky++ < 2) throw new CloudError('unavailable', 'Not yet.')
      },
    },
  ],
  async onFailed() {
    settled.set('flaky', 'failed')
  },
})

describe('workflow', () => {
  let deps: Deps
  let ctx: Ctx
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ deps, close } = await testDeps())
    ctx = await testCtx(deps)
  })
  afterAll(() => close())

  const start = (action: string) => async () => {
    const resourceId = crypto.randomUUID()
    const operationId = crypto.randomUUID()
    await inTransaction(ctx, (tx) =>
      startOperation(tx, {
        id: operationId,
        action,
        resourceKind: 'thing',
        resourceId,
        resourceName: 'x',
        projectId: null,
      }),
    )
    return { operationId, resourceId }
  }

  test('every step may fail or crash, before and after its effect', async () => {
    await failEveryStep(deps, {
      action: 'thing.create',
      start: start('thing.create'),
      async afterFailure(id, at) {
        expect([...effect(id)], at).toEqual([])
        expect(settled.get(id), at).toBe('Injected failure.')
      },
      async afterSuccess(id, at) {
        expect([...effect(id)], at).toEqual(['a', 'b', 'c'])
      },
    })
  })

  test('a retryable failure is thrown to the queue until it is the last attempt', async () => {
    flaky = 0
    const { operationId } = await start('thing.flaky')()
    await expect(runOperation(deps, operationId, { last: false })).rejects.toThrow('Not yet.')
    await expect(runOperation(deps, operationId, { last: false })).rejects.toThrow('Not yet.')
    await runOperation(deps, operationId, { last: false })
    expect((await deps.root.operation.findUniqueOrThrow({ where: { id: operationId } })).state).toBe(
      'succeeded',
    )
    flaky = 0
    const second = await start('thing.flaky')()
    await runOperation(deps, second.operationId, { last: true })
    expect((await deps.root.operation.findUniqueOrThrow({ where: { id: second.operationId } })).state).toBe(
      'failed',
    )
    expect(settled.get('flaky')).toBe('failed')
  })

  test('operation, event and job exist together or not at all', async () => {
    const id = crypto.randomUUID()
    await expect(
      inTransaction(ctx, async (tx) => {
        await startOperation(tx, {
          id,
          action: 'thing.create',
          resourceKind: 'thing',
          resourceId: id,
          resourceName: '',
          projectId: null,
        })
        throw new Error('rolled back')
      }),
    ).rejects.toThrow('rolled back')
    expect(await deps.root.operation.count({ where: { id } })).toBe(0)
    expect(await deps.root.event.count({ where: { resourceId: id } })).toBe(0)
    const jobs = await deps.root.$queryRaw<
      { n: bigint }[]
    >`SELECT count(*) AS n FROM graphile_worker.jobs WHERE key = ${id}`
    expect(jobs[0]?.n).toBe(0n)
  })
})
