import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fenceHost } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, queriesOf, runPending, testCtx } from '../../kernel/testing.ts'
import { instanceListInput, type VmState } from '../contract.ts'
import { aLaunch, testTenant, testWorld, type World } from '../testing.ts'
import { deleteInstance, rebootInstance, startInstance, stopInstance } from './actions.ts'
import { attachInterface } from './interfaces.ts'
import { launchInstances } from './launch.ts'
import { consoleLog, getInstance, listInstances, logPatience } from './service.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let hostId: string
let id: string
beforeEach(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  hostId = (await world.deps.root.host.findFirstOrThrow()).id
  const { instances } = await launchInstances(tenant, aLaunch(world))
  await runPending(world.deps)
  id = instances[0]?.id ?? ''
})
const { timeoutMs } = logPatience
afterEach(() => {
  logPatience.timeoutMs = timeoutMs
  return world.close()
})

const lastSeenAt = new Date('2026-11-28T10:00:00Z')
async function host(state: string, missed: number): Promise<void> {
  await world.deps.root.host.update({ where: { id: hostId }, data: { state } })
  const beat = { missed, lastSeenAt }
  await world.deps.root.hostBeat.upsert({
    where: { hostId },
    create: { hostId, facts: {}, ...beat },
    update: beat,
  })
}
/** Adds a host that is down and has never answered. */
async function anotherHost(name: string): Promise<string> {
  const data = {
    id: crypto.randomUUID(),
    name,
    endpoint: `fake:gone-${name}`,
    state: 'down',
    accelerator: 'tcg',
  }
  const room = { vcpus: 1, memoryMib: 1, diskGib: 1 }
  return (await world.deps.root.host.create({ data: { ...data, ...room } })).id
}
const anInstance = (onHost: string) => ({
  ...{ projectId: tenant.projectId, userId: tenant.actor.userId, name: 'other', hostname: 'other' },
  ...{ flavorId: '1', flavorName: 'f', vcpus: 1, memoryMib: 1, diskGib: 1, vmState: 'active' },
  id: crypto.randomUUID(),
  hostId: onHost,
})
const machine = async () => (await getInstance(tenant, { id })).machine
const all = instanceListInput.parse({})

describe('an instance', () => {
  test('says that its machine does not answer, and since when, to everybody who may see the instance', async () => {
    const since = lastSeenAt.toISOString()
    expect(await machine()).toBeNull()
    await host('up', 1)
    expect(await machine()).toBeNull()
    await host('suspect', 3)
    expect(await machine()).toEqual({ absence: 'missing', since })
    await host('down', 9)
    expect(await machine()).toEqual({ absence: 'silent', since })
    expect((await listInstances(tenant, all)).items[0]?.machine).toEqual({ absence: 'silent', since })
    await host('down', 0)
    expect(await machine()).toBeNull()
    await host('fenced', 0)
    expect(await machine()).toEqual({ absence: 'fenced', since })
    expect(JSON.stringify(await listInstances(tenant, all))).not.toMatch(new RegExp(`secret-name|${hostId}`))
  })

  test('costs no further query in a list, however many hosts there are', async () => {
    await host('down', 9)
    const one = await queriesOf(() => listInstances(tenant, { ...all, limit: 1 }))
    const names = Array.from({ length: 20 }, (_, i) => `other-${i}`)
    const ids = await Promise.all(names.map((name) => anotherHost(name)))
    await world.deps.root.instance.createMany({ data: ids.map((other) => anInstance(other)) })
    expect(await queriesOf(() => listInstances(tenant, all))).toBe(one)
    expect((await listInstances(tenant, all)).items.filter((item) => item.machine)).toHaveLength(21)
  })
})

describe('an instance on a machine that is known not to answer', () => {
  const isRefused = async (vmState: VmState, act: () => Promise<unknown>, words: RegExp) => {
    await world.deps.root.instance.update({ where: { id }, data: { vmState } })
    await expectCloudError(act(), 'conflict', words)
  }

  test.each([
    ['down', /^The machine that this instance is on does not answer\. /],
    ['fenced', /^The machine that this instance is on is declared to be off\. /],
  ])('(%s) refuses actions with 409 at once, and begins no operation', async (state, words) => {
    await host(state, 9)
    const before = await world.deps.root.operation.count()
    await isRefused('active', () => stopInstance(tenant, { id }), words)
    await isRefused('active', () => rebootInstance(tenant, { id, kind: 'hard' }), words)
    await isRefused('stopped', () => startInstance(tenant, { id }), words)
    await isRefused('active', () => attachInterface(tenant, { id, networkId: tenant.networkId }), words)
    expect(await world.deps.root.operation.count()).toBe(before)
    expect(await world.deps.root.instance.findUnique({ where: { id } })).toMatchObject({ taskState: null })
  })

  test('its log is refused at once; a host that proves to be silent is waited for some seconds', async () => {
    const log = async () => {
      const began = performance.now()
      await expectCloudError(consoleLog(tenant, { id }), 'unavailable', /^The machine .* does not answer\./)
      return performance.now() - began
    }
    world.faults.set('a', 'hangs')
    logPatience.timeoutMs = 300
    expect(await log()).toBeGreaterThan(250)
    logPatience.timeoutMs = 60_000
    await host('down', 9)
    expect(await log()).toBeLessThan(5_000)
  })

  test('actions that need no answer are done: a deletion, and an interface of a stopped instance', async () => {
    await world.deps.root.instance.update({ where: { id }, data: { vmState: 'stopped' } })
    await host('down', 9)
    await attachInterface(tenant, { id, networkId: tenant.networkId })
    await deleteInstance(tenant, { id })
    await runPending(world.deps)
    expect(await world.deps.root.instance.findUnique({ where: { id } })).toBeNull()
  })

  test('a host that has just fallen silent is tried', async () => {
    await host('suspect', 3)
    expect(await stopInstance(tenant, { id })).toMatchObject({ taskState: 'powering-off' })
  })
})

test('the owner of an instance hears that its machine’s state has changed, but no name of the machine', async () => {
  const stranger = await testTenant(world)
  world.faults.set('a', 'refuses')
  await host('down', 9)
  await fenceHost(await testCtx(world.deps, { role: 'admin' }), { id: hostId })
  const events = (projectId: string) =>
    world.deps.root.event.findMany({ where: { projectId, kind: 'machine.updated' } })
  const [event, ...others] = await events(tenant.projectId)
  expect(others).toEqual([])
  expect(event).toMatchObject({ resourceKind: 'machine', resourceId: tenant.projectId, data: {} })
  expect(await events(stranger.projectId)).toEqual([])
})
