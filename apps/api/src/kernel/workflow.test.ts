import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Ctx, type Deps, inTransaction } from './context.ts'
import { CloudError } from './errors.ts'
import { LeaseLost, WorkerLease } from './lease.ts'
import { Crash, inWords, type Probe, runOperation } from './run.ts'
import type { Caps } from './run-rows.ts'
import { failEveryStep, testCtx, testDeps } from './testing.ts'
import {
  continueOperation,
  continueOperationsOf,
  defineWorkflow,
  type Step,
  startOperation,
} from './workflow.ts'

/** The effects of each resource's steps; `world` stands for a host. */
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

/** The state of each guest, for a step that waits until its guest is off and keeps in `data` what it has done. */
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
        run.progress('Pressing it')
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

  test('an operation that is taken has begun, and the event of each step is written once', async () => {
    const { operationId } = await start('thing.create')()
    const crash = () => {
      throw new Crash()
    }
    await expect(runOperation(deps, operationId, { probe: crash })).rejects.toThrow(Crash)
    expect(await rowOf(operationId)).toMatchObject({
      state: 'running',
      steps: [{ name: 'a', index: 0, state: 'running' }],
    })
    expect(await runOperation(deps, operationId)).toBe('over')
    const told = await deps.root.event.findMany({ where: { operationId }, orderBy: { id: 'asc' } })
    const data = { action: 'thing.create', state: 'running' }
    expect(told.map((event) => event.data)).toEqual([
      { action: 'thing.create', name: expect.any(String), state: 'queued' },
      { ...data, step: 'a', title: 'Doing a' },
      { ...data, step: 'b', title: 'Doing b' },
      { ...data, step: 'c', title: 'Doing c' },
      { action: 'thing.create', state: 'succeeded' },
    ])
    expect(told.map((event) => event.kind === 'operation.begun')).toEqual([true, false, false, false, false])
    const whose = ({ actorId, requestId, projectId, resourceId }: (typeof told)[number]) => ({
      actorId,
      requestId,
      projectId,
      resourceId,
    })
    expect(new Set(told.map((event) => JSON.stringify(whose(event)))).size).toBe(1)
  })

  test('a step that waits gives its slot back, says what it waits for, and runs again when it is called', async () => {
    const { operationId, resourceId } = await start('thing.stop')()
    expect(await runOperation(deps, operationId)).toBe('waiting')
    // Late progress of the step does not replace the words of the wait.
    await sleep(400)
    expect(await rowOf(operationId)).toMatchObject({
      state: 'running',
      leaseWorker: null,
      attempts: 0,
      steps: [{ name: 'guest', state: 'running', progress: 'Waiting for the guest to power off' }],
    })
    // The job runs no later than the deadline.
    expect((await jobOf(operationId))?.inMs).toBeLessThanOrEqual(3_000)
    await continueOperation(ctx, operationId)
    expect((await jobOf(operationId))?.inMs).toBeLessThanOrEqual(0)
    await continueOperationsOf(ctx, 'thing', resourceId)
    // A call during the run is not lost: the following wait does not postpone the job.
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
    const told = await deps.root.event.findMany({ where: { operationId }, orderBy: { id: 'asc' } })
    const words = told.flatMap(({ data }) => (data as { progress?: string }).progress ?? [])
    expect(words).toEqual(['Waiting for the guest to power off'])
  })

  test('an operation that waits past its deadline is undone, and its error says what it waited for', async () => {
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

  test.each([
    [3_000, '3 seconds'],
    [150_000, '150 seconds'],
    [180_000, '3 minutes'],
    [90 * 60_000, '90 minutes'],
    [25 * 60 * 60_000, '25 hours'],
    [14 * 24 * 60 * 60_000, '14 days'],
  ])('%i ms are told as %s', (ms, words) => expect(inWords(ms)).toBe(words))

  /** Runs an operation with an older list of steps until c fails; the test then continues with the list of the next version. */
  const older = async () => {
    const did: string[] = []
    const named = (name: string, undo = true): Step<unknown> => ({
      name,
      title: name,
      run: async () => void did.push(name),
      ...(undo ? { undo: async () => void did.push(`no ${name}`) } : {}),
    })
    const busy: Step<unknown> = {
      ...named('c'),
      run: async () => {
        throw new CloudError('unavailable', 'Busy.')
      },
    }
    const steps = (list: Step<unknown>[]) =>
      defineWorkflow({ action: 'thing.change', steps: list, onFailed: async () => undefined })
    steps([named('a'), named('lost'), named('b'), busy])
    const { operationId } = await start('thing.change')()
    expect(await runOperation(deps, operationId)).toBe('retrying')
    expect(did).toEqual(['a', 'lost', 'b'])
    return { did, named, steps, operationId }
  }

  test('an operation of an older version succeeds with a list of steps that has gained, lost and swapped some', async () => {
    const { did, named, steps, operationId } = await older()
    steps([named('b'), named('gained'), named('a'), named('c')])
    expect(await runOperation(deps, operationId)).toBe('over')
    expect(did.slice(3)).toEqual(['gained', 'c'])
    const row = await rowOf(operationId)
    expect(row.state).toBe('succeeded')
    expect(row.steps.map((step) => [step.name, step.state])).toEqual([
      ['a', 'done'],
      ['lost', 'done'],
      ['b', 'done'],
      ['c', 'done'],
      ['gained', 'done'],
    ])
  })

  test('an operation of an older version is undone in reverse of what was done, without steps that are not known any more', async () => {
    const { did, named, steps, operationId } = await older()
    const broken = async () => {
      throw new CloudError('internal', 'Broken.')
    }
    steps([named('b'), named('gained'), named('a'), { ...named('c'), run: broken }])
    expect(await runOperation(deps, operationId)).toBe('over')
    expect(did.slice(3)).toEqual(['gained', 'no gained', 'no c', 'no b', 'no a'])
    const row = await rowOf(operationId)
    expect(row).toMatchObject({ state: 'failed', errorMessage: 'Broken.' })
    expect(row.steps.map((step) => [step.name, step.state])).toEqual([
      ['a', 'undone'],
      ['lost', 'done'],
      ['b', 'undone'],
      ['c', 'failed'],
      ['gained', 'undone'],
    ])
  })

  test('a running step that the new list does not have is marked as failed', async () => {
    const { did, named, steps, operationId } = await older()
    await deps.root.operationStep.updateMany({
      where: { operationId, name: 'c' },
      data: { state: 'running' },
    })
    steps([named('a'), named('d')])
    expect(await runOperation(deps, operationId)).toBe('over')
    expect(did.slice(3)).toEqual(['d'])
    expect((await rowOf(operationId)).steps.find((step) => step.name === 'c')?.state).toBe('failed')
  })

  test('an undo that fails because its host is dead is tried until the undo deadline and then handed to undoGivenUp', async () => {
    const owed: string[] = []
    const undone: string[] = []
    const dead = async () => {
      throw new CloudError('unavailable', 'The host does not answer.')
    }
    const fine = async () => void undone.push('a')
    defineWorkflow({
      action: 'thing.owing',
      undoDeadlineMs: 5_000,
      steps: [
        { name: 'a', title: 'A', run: async () => undefined, undo: fine },
        { name: 'b', title: 'B', run: async () => undefined, undo: dead },
        {
          name: 'c',
          title: 'C',
          async run() {
            throw new CloudError('internal', 'Broken.')
          },
        },
      ],
      onFailed: async (run, error) => void settled.set(run.resourceId, error.message),
      undoGivenUp: async (_run, _error, names) => void owed.push(...names),
    })
    const { operationId, resourceId } = await start('thing.owing')()
    expect(await runOperation(deps, operationId)).toBe('retrying')
    expect(await rowOf(operationId)).toMatchObject({ state: 'undoing', leaseWorker: null })
    expect((await jobOf(operationId))?.inMs).toBeLessThanOrEqual(5_000)
    expect([owed, undone, settled.get(resourceId)]).toEqual([[], [], undefined])
    const long = new Date(Date.now() - 6_000)
    await deps.root.operation.update({ where: { id: operationId }, data: { undoingSince: long } })
    expect(await runOperation(deps, operationId)).toBe('over')
    expect([owed, undone, settled.get(resourceId)]).toEqual([['b'], ['a'], 'Broken.'])
    expect((await rowOf(operationId)).state).toBe('failed')
  })

  test('a run that was taken over writes nothing more', async () => {
    const { operationId } = await start('thing.create')()
    const probe: Probe = async ({ step, when }) => {
      if (step !== 'b' || when !== 'before') return
      await deps.root.operation.update({
        where: { id: operationId },
        data: { leaseNumber: { increment: 1 } },
      })
    }
    const events = () => deps.root.event.count({ where: { operationId } })
    await expect(runOperation(deps, operationId, { probe })).rejects.toBeInstanceOf(LeaseLost)
    const before = { row: await rowOf(operationId), events: await events() }
    expect(before.row.stateData).toEqual({ a: true })
    expect(before.row.steps.map((step) => step.state)).toEqual(['done', 'running'])
    expect(await runOperation(deps, operationId)).toBe('over')
    expect(await events()).toBeGreaterThan(before.events)
  })

  describe('the slot of a run', () => {
    const leaseOf = async () => {
      const lease = new WorkerLease(deps, { id: crypto.randomUUID(), onLost: () => undefined })
      await lease.start()
      return lease
    }
    const caps: Caps = { lane: 'short', project: 1, host: 1, counted: () => undefined }
    const hold = (id: string, worker: string, projectId: string) =>
      deps.root.operation.update({ where: { id }, data: { leaseWorker: worker, projectId } })

    test('is free when the run has thrown', async () => {
      const holder = await leaseOf()
      const { operationId } = await start('thing.create')()
      await deps.root.operation.update({ where: { id: operationId }, data: { action: 'thing.unknown' } })
      await expect(runOperation(deps, operationId, { holder })).rejects.toMatchObject({ code: 'internal' })
      expect((await rowOf(operationId)).leaseWorker).toBeNull()
      await hold(operationId, holder.id, 'left')
      await holder.stop()
      expect((await rowOf(operationId)).leaseWorker).toBeNull()
    })

    test('counts while its worker has a lease, and not after that', async () => {
      const holder = await leaseOf()
      const [held, next] = [await start('thing.create')(), await start('thing.create')()]
      await deps.root.operation.update({ where: { id: next.operationId }, data: { projectId: 'room' } })
      await hold(held.operationId, holder.id, 'room')
      expect(await runOperation(deps, next.operationId, { caps })).toBe('full')
      await deps.root.worker.update({ where: { id: holder.id }, data: { leaseUntil: new Date(0) } })
      expect(await runOperation(deps, next.operationId, { caps })).toBe('over')
      await holder.stop()
    })
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

test('a worker whose clock is wrong by an hour keeps the deadlines of operations all the same', async () => {
  const { deps, close } = await testDeps()
  const ctx = await testCtx(deps)
  const times: number[] = []
  defineWorkflow({
    action: 'clock.wrong',
    deadlineMs: 60_000,
    undoDeadlineMs: 60_000,
    steps: [
      {
        name: 'wait',
        title: 'Waiting',
        async run(run) {
          await new Promise((resolve) => setTimeout(resolve, 20))
          run.op.signal.throwIfAborted()
          times.push(run.deadline.getTime() - Date.now(), Date.now() - run.stepStartedAt.getTime())
          return times.length < 6 ? { waitMs: 1, for: 'a moment' } : undefined
        },
      },
    ],
    onFailed: async () => undefined,
  })
  const id = crypto.randomUUID()
  await inTransaction(ctx, (tx) =>
    startOperation(tx, {
      ...{
        id,
        action: 'clock.wrong',
        resourceKind: 'thing',
        resourceId: id,
        resourceName: '',
        projectId: null,
      },
    }),
  )
  const usual = Date.now
  try {
    for (const hours of [0, 1, -1]) {
      vi.useFakeTimers({ toFake: ['Date'], now: usual() + hours * 3_600_000 })
      await runOperation(deps, id, { last: true })
      vi.useRealTimers()
    }
  } finally {
    vi.useRealTimers()
  }
  expect((await deps.root.operation.findUniqueOrThrow({ where: { id } })).state).toBe('succeeded')
  for (const ms of times) expect(Math.abs(ms)).toBeLessThan(61_000)
  await close()
})
