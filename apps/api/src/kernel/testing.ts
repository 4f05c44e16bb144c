import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '@stratolith/db'
import type { HostDrivers } from '@stratolith/drivers/host'
import pg from 'pg'
import { pino } from 'pino'
import { expect, inject, vi } from 'vitest'
import type { Config } from './config.ts'
import type { Ctx, Deps } from './context.ts'
import { CloudError } from './errors.ts'
import { HostConnections } from './hosts.ts'
import { defineKinds } from './kinds.ts'
import { type Attempt, Crash, type Outcome, type Probe, runOperation } from './run.ts'
import { workflowNamed } from './workflow.ts'

/** The kinds of the kernel's own tests. */
defineKinds({ thing: {}, load: {}, crowd: {} })

/**
 * Makes Deps with a new database (a clone of the migrated template, about 100 ms) and the fake
 * drivers that `connect` makes for each endpoint ("fake:a"). Call close() in afterAll.
 */
export async function testDeps(
  connect: (endpoint: string) => HostDrivers = noHosts,
): Promise<{ deps: Deps; close(): Promise<void> }> {
  const server = inject('postgresUrl')
  const name = `t_${crypto.randomUUID().replaceAll('-', '')}`
  await onServer(server, `CREATE DATABASE ${name} TEMPLATE template`)
  const url = new URL(server)
  url.pathname = `/${name}`
  // The limits are long, because a hundred callers at once on a busy machine may wait long.
  const root = openDatabase(url.href, 20, 120_000, 600_000)
  const config: Config = {
    dataDir: path.join(os.tmpdir(), name),
    port: 8080,
    publicUrl: 'http://cloud.test',
    region: 'RegionOne',
    databaseUrl: url.href,
    webUrl: null,
    consoleUrl: null,
    trustedProxies: [],
    connectionsPerAddress: 500,
    development: false,
    externalCidr: '172.24.4.0/24',
    nameServers: [],
    logLevel: 'silent',
    webSecret: null,
    frontSecret: null,
    consoleSecret: 'test-secret-test-secret-test-secret',
    keepUnknownMs: 7 * 86_400_000,
    takeBackMs: 0,
    passwordRules: { minLength: 8, history: 1, lifetimeDays: 0, changeFirst: false, lockoutFailures: 5 },
    keep: { eventsDays: 90, operationsDays: 180, pastInstancesDays: 730 },
  }
  const log = pino({ level: process.env.TEST_LOG ?? 'silent' })
  const deps: Deps = { config, root, log, hosts: new HostConnections(connect) }
  return {
    deps,
    async close() {
      await root.$disconnect()
      await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`)
      await fs.rm(config.dataDir, { recursive: true, force: true })
    },
  }
}

/** Makes a caller in a new project (or in `projectId`), with the given strongest role. */
export async function testCtx(
  deps: Deps,
  options: { role?: 'admin' | 'member' | 'reader' | 'none'; projectId?: string } = {},
): Promise<Ctx & { projectId: string }> {
  const role = options.role ?? 'member'
  const chain = {
    admin: ['admin', 'member', 'reader'],
    member: ['member', 'reader'],
    reader: ['reader'],
    none: [],
  }[role]
  const projectId = options.projectId ?? hexId()
  const userId = hexId()
  await deps.root.domain.upsert({
    where: { id: 'default' },
    create: { id: 'default', name: 'Default' },
    update: {},
  })
  await deps.root.project.upsert({
    where: { id: projectId },
    create: { id: projectId, domainId: 'default', name: `project-${projectId.slice(0, 8)}` },
    update: {},
  })
  await deps.root.user.create({
    data: { id: userId, domainId: 'default', name: `user-${userId.slice(0, 8)}` },
  })
  return {
    projectId,
    actor: {
      userId,
      userName: `user-${userId.slice(0, 8)}`,
      domainId: 'default',
      tokenHash: null,
      delegation: null,
    },
    scope: {
      kind: 'project',
      projectId,
      projectName: `project-${projectId.slice(0, 8)}`,
      domainId: 'default',
    },
    roles: new Set(chain),
    requestId: `req-${crypto.randomUUID()}`,
    log: deps.log,
    db: deps.root,
    deps,
  }
}

export const hexId = (): string => crypto.randomUUID().replaceAll('-', '')

/** Runs every operation that is queued or under way, as the worker would, until none is left. */
export async function runPending(deps: Deps): Promise<void> {
  const waiting = new Map<string, string>()
  for (let round = 0; round < 5000; round++) {
    const rows = await deps.root.operation.findMany({
      where: { state: { in: ['queued', 'running', 'undoing'] } },
      orderBy: { createdAt: 'asc' },
      select: { id: true, resourceKind: true, resourceId: true },
    })
    if (rows.length === 0) return
    const row = rows.find((one) => !waiting.has(`${one.resourceKind}:${one.resourceId}`))
    if (!row) {
      waiting.clear()
      await sleep(waitMs)
    } else if ((await runOperation(deps, row.id, { last: true })) === 'waiting')
      waiting.set(`${row.resourceKind}:${row.resourceId}`, row.id)
  }
  throw new Error('operations do not come to an end')
}
/** How soon a waiting step runs again in tests, in ms. */
const waitMs = 20

/** Runs one operation to its end (or its failure), also through the waits of its steps. */
export async function runToEnd(deps: Deps, operationId: string, attempt: Attempt): Promise<Outcome> {
  for (let round = 0; round < 5000; round++) {
    const outcome = await runOperation(deps, operationId, attempt)
    if (outcome !== 'waiting') return outcome
    await sleep(waitMs)
  }
  throw new Error('the operation does not come to an end')
}

/** Makes an operation, with its running step, begin that long ago. */
export async function ageOperation(deps: Deps, operationId: string, ms: number): Promise<void> {
  const startedAt = new Date(Date.now() - ms)
  await deps.root.operation.update({ where: { id: operationId }, data: { startedAt } })
  await deps.root.operationStep.updateMany({ where: { operationId, state: 'running' }, data: { startedAt } })
}

export async function expectCloudError(
  promise: Promise<unknown>,
  code: CloudError['code'],
  message?: RegExp,
): Promise<CloudError> {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  )
  expect(error, `expected a CloudError ${code}`).toBeInstanceOf(CloudError)
  if (!(error instanceof CloudError)) throw error
  expect(error.code).toBe(code)
  if (message) expect(error.message).toMatch(message)
  return error
}

export type WorkflowCase = {
  action: string
  /** Makes the resource and its operation; returns both ids. Called again for every variant. */
  start(): Promise<{ operationId: string; resourceId: string }>
  /** Checks that nothing is left (or that the error state is settled) after a permanent failure. */
  afterFailure(resourceId: string, at: string): Promise<void>
  /** Checks that the goal is reached. */
  afterSuccess(resourceId: string, at: string): Promise<void>
}

/**
 * Tests a workflow: fails every step for good before and after its effect; crashes (nothing more is
 * written) before and after every step and resumes; then replays. It makes the same crashes before and after every
 * undo of an operation that failed after its last step. It asserts that each injection was reached, so
 * that the test cannot pass without it.
 */
export async function failEveryStep(deps: Deps, testCase: WorkflowCase): Promise<void> {
  const workflow = workflowNamed(testCase.action)
  if (!workflow) throw new Error(`no workflow ${testCase.action}`)
  for (const step of workflow.steps) {
    for (const when of ['before', 'after'] as const) {
      await failAt(deps, testCase, step.name, when)
      await crashAt(deps, testCase, step.name, when)
      if (step.undo) await crashUndoAt(deps, testCase, step.name, when)
    }
  }
}

async function failAt(
  deps: Deps,
  testCase: WorkflowCase,
  step: string,
  when: 'before' | 'after',
): Promise<void> {
  const at = `${testCase.action} fails ${when} ${step}`
  const { operationId, resourceId } = await testCase.start()
  let hit = 0
  const probe: Probe = (p) => {
    if (p.step !== step || p.when !== when || p.phase !== 'run') return
    hit++
    throw new CloudError('internal', 'Injected failure.')
  }
  await runToEnd(deps, operationId, { last: true, probe })
  expect(hit, `${at}: injection reached`).toBe(1)
  const row = await deps.root.operation.findUniqueOrThrow({ where: { id: operationId } })
  expect(row.state, at).toBe('failed')
  expect(row.errorMessage, at).toBe('Injected failure.')
  await testCase.afterFailure(resourceId, at)
}

async function crashAt(
  deps: Deps,
  testCase: WorkflowCase,
  step: string,
  when: 'before' | 'after',
): Promise<void> {
  const at = `${testCase.action} crashes ${when} ${step}`
  const { operationId, resourceId } = await testCase.start()
  let hit = 0
  const probe: Probe = (p) => {
    if (p.step === step && p.when === when && p.phase === 'run' && hit++ === 0) throw new Crash('kill -9')
  }
  await expect(runToEnd(deps, operationId, { last: false, probe }), at).rejects.toBeInstanceOf(Crash)
  await runToEnd(deps, operationId, { last: false, probe })
  // The run after the crash repeats the step that was under way, so its effect happens twice.
  expect(hit, `${at}: step was replayed`).toBeGreaterThanOrEqual(2)
  const row = await deps.root.operation.findUniqueOrThrow({ where: { id: operationId } })
  expect(row.state, `${at}: ${row.errorMessage ?? ''}`).toBe('succeeded')
  await testCase.afterSuccess(resourceId, at)
}

async function crashUndoAt(
  deps: Deps,
  testCase: WorkflowCase,
  step: string,
  when: 'before' | 'after',
): Promise<void> {
  const last = workflowNamed(testCase.action)?.steps.at(-1)?.name
  const at = `${testCase.action} crashes ${when} the undo of ${step}, having failed after ${last}`
  const { operationId, resourceId } = await testCase.start()
  let hit = 0
  const probe: Probe = (p) => {
    if (p.phase === 'run' && p.step === last && p.when === 'after')
      throw new CloudError('internal', 'Injected failure.')
    if (p.phase === 'undo' && p.step === step && p.when === when && hit++ === 0) throw new Crash('kill -9')
  }
  await expect(runToEnd(deps, operationId, { last: true, probe }), at).rejects.toBeInstanceOf(Crash)
  await runToEnd(deps, operationId, { last: true, probe })
  expect(hit, `${at}: undo was replayed`).toBeGreaterThanOrEqual(2)
  const row = await deps.root.operation.findUniqueOrThrow({ where: { id: operationId } })
  expect([row.state, row.errorMessage], at).toEqual(['failed', 'Injected failure.'])
  await testCase.afterFailure(resourceId, at)
}

/** How many statements this process sends to PostgreSQL while `work` runs. */
export async function queriesOf(work: () => Promise<unknown>): Promise<number> {
  const spy = vi.spyOn(pg.Client.prototype, 'query')
  try {
    await work()
    return spy.mock.calls.length
  } finally {
    spy.mockRestore()
  }
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

function noHosts(endpoint: string): HostDrivers {
  throw new Error(`this test has no host ${endpoint}`)
}
