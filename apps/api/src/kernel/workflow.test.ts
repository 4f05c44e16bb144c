import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ctx, type Deps, inTransaction } from './context.ts'
import { CloudError } from './errors.ts'
import { runOperation } from './run.ts'
import { failEveryStep, testCtx, testDeps } from './testing.ts'
import { continueOperationsOf, defineWorkflow, startOperation } from './workflow.ts'

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

/** Waits until the world says so; what it did before is in its data. */
const guests = new Map<string, 'on' | 'off'>()
const begun = new Map<string, Date[]>()
defineWorkflow({
  action: 'thing.stop',
  deadlineMs: 3_000,
  steps: [
    {
      name: 'guest',
      title: 'Pressing the button',
      async run(run) {
        begun.set(run.resourceId, [...(begun.get(run.resourceId) ?? []), run.stepStartedAt])
        if (!run.data.pressed) await run.keep({ pressed: true })
        if (guests.get(run.resourceId) === 'off') return
        return { waitMs: 60_000, for: 'Waiting for the guest to power off' }
      },
      async undo(run) {
        guests.set(run.resourceId, 'on')
      },
    },
    { name: 'settle', title: 'Settling', run: async () => undefined },
  ],
  async onFailed(run, error) {
    settled.set(run.resourceId, error.message)
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

  const jobOf = async (id: string) => {
    const rows = await deps.root.$queryRaw<{ inMs: number; attempts: number; task_identifier: string }[]>`
      SELECT (extract(epoch FROM run_at - clock_timestamp()) * 1000)::int AS "inMs", attempts, task_identifier
      FROM graphile_worker.jobs WHERE key = ${id}`
    return rows[0]
  }
  const rowOf = (id: string) =>
    deps.root.operation.findUniqueOrThrow({
      where: { id },
      include: { steps: { orderBy: { index: 'asc' } } },
    })

  test('a step that waits gives its slot back, says what for, and is run again when it is called', async () => {
    const { operationId, resourceId } = await start('thing.stop')()
    expect(await runOperation(deps, operationId)).toBe('waiting')
    expect(await rowOf(operationId)).toMatchObject({
      state: 'running',
      leaseWorker: null,
      attempts: 0,
      steps: [{ name: 'guest', state: 'running', progress: 'Waiting for the guest to power off' }],
    })
    // Never later than its deadline.
    expect((await jobOf(operationId))?.inMs).toBeLessThanOrEqual(3_000)
    await continueOperationsOf(ctx, 'thing', resourceId)
    expect((await jobOf(operationId))?.inMs).toBeLessThanOrEqual(0)
    // Called while it runs: the wait that follows does not put it off again.
    expect(await runOperation(deps, operationId)).toBe('waiting')
    expect((await jobOf(operationId))?.inMs).toBeLessThanOrEqual(0)
    guests.set(resourceId, 'off')
    expect(await runOperation(deps, operationId)).toBe('over')
    const steps = (await rowOf(operationId)).steps
    expect(steps.map((step) => [step.name, step.state])).toEqual([
      ['guest', 'done'],
      ['settle', 'done'],
    ])
    const times = begun.get(resourceId) ?? []
    expect(times.length).toBe(3)
    expect(times[2]?.getTime()).toBe(steps[0]?.startedAt.getTime())
    const told = await deps.root.event.count({
      where: { operationId, data: { path: ['progress'], string_contains: 'power off' } },
    })
    expect(told).toBe(1)
  })

  test('whoever waits past the deadline is undone, with the reason', async () => {
    const { operationId, resourceId } = await start('thing.stop')()
    await runOperation(deps, operationId)
    const begin = new Date(Date.now() - 4_000)
    await deps.root.operation.update({ where: { id: operationId }, data: { startedAt: begin } })
    expect(await runOperation(deps, operationId)).toBe('over')
    expect(await rowOf(operationId)).toMatchObject({ state: 'failed', steps: [{ state: 'failed' }] })
    expect(settled.get(resourceId)).toBe(
      'This was not done within 3 seconds. Waiting for the guest to power off.',
    )
    expect(guests.get(resourceId)).toBe('on')
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
