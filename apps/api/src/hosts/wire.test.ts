import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { reportOf } from '@stratolith/drivers/host'
import type { Op } from '@stratolith/drivers/op'
import { connectAgent, type RemoteHost } from '@stratolith/drivers/remote'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { agentServer, listenOn } from '../../../agent/src/serve.ts'
import { launchInstances } from '../compute/instances/launch.ts'
import { aLaunch, type FakeHost, testTenant, testWorld, type World } from '../compute/testing.ts'
import type { Ctx } from '../kernel/context.ts'
import { HostConnections } from '../kernel/hosts.ts'
import { runPending } from '../kernel/testing.ts'
import { deliverAll } from './documents.ts'

/** Tests with an agent's door between the control plane and a simulated host, so that documents pass the real protocol. */
let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let host: FakeHost
let remote: RemoteHost
let close: () => Promise<void>
beforeEach(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  host = world.hosts.get('a') as FakeHost
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'wire-'))
  const socketPath = path.join(dir, 'agent.sock')
  const server = agentServer({
    drivers: Object.assign(host, { report: (op: Op) => reportOf(host, op) }),
    log: pino({ level: 'silent' }),
    health: () => ({}),
    mayChange: () => undefined,
  })
  await listenOn(server, { socketPath })
  remote = connectAgent(`unix:${socketPath}`)
  Object.assign(world.deps, { hosts: new HostConnections(() => remote) })
  close = async () => {
    remote.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    fs.rmSync(dir, { recursive: true })
  }
})
afterEach(async () => {
  await close()
  await world.close()
})

const db = () => world.deps.root
const owed = async () => {
  const rows = await db().$queryRaw<{ thing: string; error: string | null }[]>`
    SELECT h."thing"::text, h."error" FROM "HostDocument" h
    JOIN "Document" d ON d."kind" = h."kind" AND d."thing" = h."thing" AND h."confirmed" < d."generation"`
  return rows
}
async function launched(patch: object = {}): Promise<string[]> {
  const { instances } = await launchInstances(tenant, aLaunch(world, patch))
  await runPending(world.deps)
  return instances.map(({ id }) => id)
}
/** Makes all documents unconfirmed, as they are some minutes after a restore. */
const confirmNothing = () =>
  db().hostDocument.updateMany({ data: { confirmed: 0, dueAt: new Date(Date.now() - 300_000) } })

test('more documents than an agent accepts in one call are sent in several calls', async () => {
  const metadata = Object.fromEntries(
    Array.from({ length: 128 }, (_, i) => [`${i}`.padStart(3, '0'), '\u0001'.repeat(255)]),
  )
  const ids = await launched({ count: 10 })
  await db().instance.updateMany({ data: { metadata, userData: 'A'.repeat(65_536) } })
  await launched({ count: 10 })
  await db().instance.updateMany({ data: { metadata, userData: 'A'.repeat(65_536) } })
  await confirmNothing()
  await deliverAll(world.system)
  await vi.waitFor(async () => expect(await owed()).toEqual([]), 20_000)
  expect(host.hypervisor.state.instances[ids[0] ?? '']?.spec.guest.metadata).toEqual(metadata)
})

test('a malformed document is refused alone, and its receipt says what is wrong', async () => {
  const [id = ''] = await launched()
  await db().instance.update({ where: { id }, data: { metadata: { key: 'v'.repeat(2_000) } } })
  const [other = ''] = await launched()
  await deliverAll(world.system)
  expect(await owed()).toEqual([
    { thing: id, error: expect.stringMatching(/^invalid: body\.guest\.metadata/) },
  ])
  expect(host.hypervisor.state.instances[other]?.spec.power).toBe('running')
})

test('a malformed receipt affects its own document alone, and its text is cut', async () => {
  const ids = await launched({ count: 3 })
  await confirmNothing()
  const { documents } = host
  const odd: Record<string, object> = {
    [ids[0] ?? '']: { outcome: 'failed', code: 'c'.repeat(100_000), message: 'x' },
    [ids[1] ?? '']: { outcome: 'working' },
    [ids[2] ?? '']: { outcome: 'failed', code: 'failed', message: `a\0${'b'.repeat(100_000)}` },
  }
  host.documents = {
    list: (op, kind) => documents.list(op, kind),
    apply: async (op, told) => {
      const receipts = await documents.apply(op, told)
      const bent = receipts.map((one) => {
        const { kind, id, generation } = one
        return odd[id] ? { kind, id, generation, ...odd[id] } : one
      })
      return [null, 'x', {}, { kind: 'port' }, ...bent] as typeof receipts
    },
  }
  await deliverAll(world.system)
  const wrong = await owed()
  expect(new Set(wrong.map(({ thing }) => thing))).toEqual(new Set(ids))
  const errorOf = new Map(wrong.map(({ thing, error }) => [thing, error]))
  // A newer host may have codes that nobody here knows.
  expect(errorOf.get(ids[0] ?? '')).toBe('failed: x')
  expect(errorOf.get(ids[1] ?? '')).toMatch(/^failed: A malformed receipt: .*for/s)
  expect(errorOf.get(ids[2] ?? '')).toMatch(/^failed: ab+$/)
  for (const error of errorOf.values()) expect(error?.length).toBeLessThanOrEqual(2_000)
})
