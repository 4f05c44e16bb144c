import { DriverError } from '@stratolith/drivers/errors'
import { backgroundOp } from '@stratolith/drivers/op'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { deliverAll } from '../../hosts/documents.ts'
import type { Ctx } from '../../kernel/context.ts'
import type { PlacementView } from '../../kernel/contract.ts'
import { hostPatience } from '../../kernel/hosts.ts'
import { runOperation } from '../../kernel/run.ts'
import { runPending, runToEnd } from '../../kernel/testing.ts'
import { patience as networkPatience } from '../../networking/heard.ts'
import { reconcileNetworks } from '../../networking/reconcile.ts'
import {
  deleteInstance,
  pauseInstance,
  rebootInstance,
  startInstance,
  stopInstance,
} from '../instances/actions.ts'
import { attachInterface, detachInterface, listInterfaces } from '../instances/interfaces.ts'
import { launchInstances } from '../instances/launch.ts'
import { getInstance } from '../instances/service.ts'
import { reconcileHosts } from '../reconcile.ts'
import { accounts, addHost, aLaunch, type Fault, testTenant, testWorld, type World } from '../testing.ts'
import { patience } from './on-host.ts'

const usual = { host: { ...hostPatience }, patience: { ...patience }, network: { ...networkPatience } }
beforeAll(() => {
  hostPatience.askEveryMs = 40
  networkPatience.silentMs = 60
  Object.assign(patience, { launchMs: 60, actMs: 60, askAgainMs: 10, probeMs: 60 })
})
afterAll(() => {
  Object.assign(hostPatience, usual.host)
  Object.assign(patience, usual.patience)
  Object.assign(networkPatience, usual.network)
})

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
beforeEach(async () => {
  world = await testWorld(['a', 'b', 'c'])
  tenant = await testTenant(world)
  await runPending(world.deps)
})
afterEach(() => world.close())

const db = () => world.deps.root
const rowOf = (id: string) => db().instance.findUniqueOrThrow({ where: { id } })
const nameOf = async (hostId: string | null) =>
  (await db().host.findUniqueOrThrow({ where: { id: hostId ?? '' } })).endpoint.replace('fake:', '')
const operationOf = (resourceId: string, action = 'instance.create') =>
  db().operation.findFirstOrThrow({ where: { resourceId, action }, orderBy: { createdAt: 'desc' } })
async function launched(ctx: Ctx = tenant, patch: object = {}): Promise<string> {
  const { instances } = await launchInstances(ctx, aLaunch(world, { publicIp: true, ...patch }))
  return instances[0]?.id ?? ''
}
/** Returns the things that a host has of an instance. */
function has(name: string, id: string) {
  const host = world.hosts.get(name)
  return {
    guest: host?.hypervisor.state.instances[id] !== undefined,
    disk: host?.storage.disks.has(id) ?? false,
    ports: [...(host?.network.state.ports.values() ?? [])].filter((port) => port.instanceId === id).length,
  }
}
const nothing = { guest: false, disk: false, ports: 0 }
const everything = { guest: true, disk: true, ports: 1 }

/**
 * Runs a build to its end. The hosts that it comes to get these faults, one after the other. Returns the names of these
 * hosts.
 */
async function build(id: string, faults: Fault[]): Promise<string[]> {
  const { id: operationId } = await operationOf(id)
  const names: string[] = []
  for (let round = 0; round < 500; round++) {
    const { hostId } = await rowOf(id)
    const name = hostId === null ? names.at(-1) : await nameOf(hostId)
    const fault = faults[names.length]
    if (name && names.at(-1) !== name) {
      names.push(name)
      if (fault) world.faults.set(name, fault)
    }
    if ((await runOperation(world.deps, operationId, { last: true })) === 'over') return names
  }
  throw new Error('the build does not come to an end')
}

/** Lets the hosts answer again, and hear the changes that they have missed. */
async function comeBack(): Promise<void> {
  world.faults.clear()
  await deliverAll(world.system)
}

describe('a launch', () => {
  test('whose first two hosts refuse and hang is built on the third', async () => {
    const id = await launched()
    const names = await build(id, ['refuses', 'hangs'])
    expect(new Set(names).size).toBe(3)
    const row = await rowOf(id)
    expect(row).toMatchObject({ vmState: 'active', taskState: null, faultMessage: null })
    const last = names[2] ?? ''
    expect(await nameOf(row.hostId)).toBe(last)
    expect(has(last, id)).toEqual(everything)
    const ports = await db().port.findMany({ where: { deviceId: id } })
    expect(ports.map((port) => port.hostId)).toEqual([row.hostId])
    // Hosts that have not confirmed the removal hold the instance's room until they are back.
    const inUse = () => db().host.findMany({ where: { vcpusUsed: { gt: 0 } } })
    expect(await inUse()).toHaveLength(3)
    await comeBack()
    expect((await inUse()).map((host) => host.id)).toEqual([row.hostId])
    for (const name of names.slice(0, 2)) expect(has(name, id)).toEqual(nothing)
    // The history says why the instance is on this host.
    const { explanation, hostId } = await operationOf(id)
    expect(hostId).toBe(row.hostId)
    const { verdicts } = explanation as PlacementView
    expect(verdicts.filter((one) => one.fits).map((one) => one.hostId)).toEqual([row.hostId])
    expect(verdicts.filter((one) => !one.fits).map((one) => one.checks.find((c) => !c.ok)?.have)).toEqual([
      'silent',
      'silent',
    ])
  })

  test('that finds no host fails and names the tried hosts; its room is held until they are back', async () => {
    const id = await launched()
    const names = await build(id, ['refuses', 'hangs', 'hangs'])
    expect(names).toHaveLength(3)
    const row = await rowOf(id)
    expect(row).toMatchObject({ vmState: 'error', taskState: null, hostId: null, floatingIpId: null })
    expect(row.faultMessage).toMatch(/3 hosts were tried.*Launch again later/)
    expect(row.faultMessage).not.toMatch(/secret-name/)
    for (const name of ['a', 'b', 'c']) expect(row.faultDetail).toMatch(`secret-name-${name}: `)
    expect(await operationOf(id)).toMatchObject({ state: 'failed', errorCode: 'no_capacity' })
    const used = await accounts(world, tenant.projectId)
    expect(used).toMatchObject({ instances: 1, hostVcpus: 3 })
    expect(used.floatingIps ?? 0).toBe(0)
    await comeBack()
    const { projectId } = tenant
    expect(await accounts(world, projectId)).toMatchObject({ hostVcpus: 0, hostMemoryMib: 0, hostDiskGib: 0 })
    expect(await db().port.count({ where: { deviceId: id } })).toBe(0)
    await deleteInstance(tenant, { id })
    await runPending(world.deps)
    expect((await accounts(world, tenant.projectId)).instances).toBeUndefined()
  })

  test('that an administrator put on one host goes to no other', async () => {
    const id = await launched(
      { ...tenant, roles: new Set(['admin', 'member', 'reader']) },
      { hostName: 'secret-name-b' },
    )
    expect(await build(id, ['refuses'])).toEqual(['b'])
    expect((await rowOf(id)).faultMessage).toMatch(/One host was tried/)
  })

  test('goes to another host when the disk of its host is full', async () => {
    const id = await launched()
    const first = await nameOf((await rowOf(id)).hostId)
    world.hosts.get(first)?.storage.failNext('ensureDisk', new DriverError('no_space', 'full'))
    expect(await build(id, [])).toHaveLength(2)
    expect(await rowOf(id)).toMatchObject({ vmState: 'active' })
  })

  test('stays on its host when the agent only restarts', async () => {
    const id = await launched()
    const first = await nameOf((await rowOf(id)).hostId)
    patience.launchMs = 60_000
    world.hosts.get(first)?.hypervisor.failNext('ensure', new DriverError('unavailable', 'starting'))
    expect(await build(id, [])).toEqual([first])
    patience.launchMs = 60
    expect(await rowOf(id)).toMatchObject({ vmState: 'active' })
  })

  test('whose host was in trouble, and has answered since, waits as long again in new trouble', async () => {
    const id = await launched()
    const { id: operationId } = await operationOf(id)
    const first = await nameOf((await rowOf(id)).hostId)
    const storage = world.hosts.get(first)?.storage
    if (!storage) throw new Error('the host is not connected')
    const once = () => runOperation(world.deps, operationId, { last: true })
    const blip = async () => {
      storage.failNext('ensureBase', new DriverError('unavailable', 'starting'))
      expect(await once()).toBe('waiting')
      expect(await nameOf((await rowOf(id)).hostId)).toBe(first)
    }
    patience.launchMs = 60_000
    const copying = vi.spyOn(storage, 'ensureBase')
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      await blip()
      copying.mockResolvedValueOnce(null)
      expect(await once()).toBe('waiting')
      vi.setSystemTime(Date.now() + 140_000)
      await blip()
      expect(await build(id, [])).toEqual([first])
    } finally {
      vi.useRealTimers()
      copying.mockRestore()
      patience.launchMs = 60
    }
    expect(await rowOf(id)).toMatchObject({ vmState: 'active', faultMessage: null })
  })

  test('is not delayed by another host that hangs, although guests there must hear of the new guest', async () => {
    const other = await launched(tenant, { hostName: undefined, openPresets: ['ssh'] })
    await build(other, [])
    const dead = await nameOf((await rowOf(other)).hostId)
    world.faults.set(dead, 'hangs')
    await db().host.update({ where: { id: (await rowOf(other)).hostId ?? '' }, data: { enabled: false } })
    const id = await launched()
    await build(id, [])
    expect(await rowOf(id)).toMatchObject({ vmState: 'active' })
  })
})

test.each(['refuses', 'hangs'] as const)('the undo of a build ends although its host %s', async (fault) => {
  const id = await launched()
  const { id: operationId } = await operationOf(id)
  const host = await nameOf((await rowOf(id)).hostId)
  const probe = (at: { step: string; when: string; phase: string }) => {
    if (at.step !== 'host' || at.when !== 'after' || at.phase !== 'run') return
    world.faults.set(host, fault)
    throw new DriverError('invalid', 'not this one')
  }
  expect(await runOperation(world.deps, operationId, { last: true, probe })).toBe('over')
  expect(await operationOf(id)).toMatchObject({ state: 'failed' })
  expect(await rowOf(id)).toMatchObject({ vmState: 'error', hostId: null })
  expect(await db().port.count({ where: { deviceId: id } })).toBe(0)
  // The guest is still on the host: the rows say that it is to be removed, and the host's reconciler reads them.
  expect(has(host, id)).toEqual(everything)
})

test.each(['refuses', 'hangs'] as const)('a deletion ends although its host %s', async (fault) => {
  const id = await launched()
  await runPending(world.deps)
  const host = await nameOf((await rowOf(id)).hostId)
  world.faults.set(host, fault)
  await deleteInstance(tenant, { id })
  await runPending(world.deps)
  expect(await operationOf(id, 'instance.delete')).toMatchObject({ state: 'succeeded' })
  expect(await db().instance.findUnique({ where: { id } })).toBeNull()
  const used = await accounts(world, tenant.projectId)
  expect(used.instances).toBeUndefined()
  expect(used).toMatchObject({ hostVcpus: 1 })
  expect(has(host, id)).toEqual(everything)
  await comeBack()
  expect(await accounts(world, tenant.projectId)).toMatchObject({
    hostVcpus: 0,
    hostMemoryMib: 0,
    hostDiskGib: 0,
  })
  expect(has(host, id)).toEqual(nothing)
})

test('a deletion waits for an agent that only restarts', async () => {
  const id = await launched()
  await runPending(world.deps)
  const host = await nameOf((await rowOf(id)).hostId)
  patience.actMs = 60_000
  world.hosts.get(host)?.hypervisor.failNext('remove', new DriverError('unavailable', 'starting'))
  await deleteInstance(tenant, { id })
  await runPending(world.deps)
  patience.actMs = 60
  expect(has(host, id)).toEqual(nothing)
})

/** Counts the calls that tell a host of documents, whatever their result. */
function countTellings(host: string): { told: number } {
  const drivers = world.deps.hosts.at(`fake:${host}`)
  const { documents } = drivers
  const count = { told: 0 }
  Object.assign(drivers, {
    documents: {
      list: documents.list.bind(documents),
      apply(...args: Parameters<typeof documents.apply>) {
        count.told++
        return documents.apply(...args)
      },
    },
  })
  return count
}

test('a deletion waits once for a host that hangs and counts as up, then asks only small questions', async () => {
  const id = await launched()
  await runPending(world.deps)
  const { hostId } = await rowOf(id)
  const host = await nameOf(hostId)
  const count = countTellings(host)
  world.faults.set(host, 'hangs')
  // In this test a call that hangs takes 120 ms.
  patience.actMs = 1_500
  await deleteInstance(tenant, { id })
  const { id: operationId } = await operationOf(id, 'instance.delete')
  expect(await runOperation(world.deps, operationId)).toBe('waiting')
  expect(await runToEnd(world.deps, operationId, {})).toBe('over')
  patience.actMs = 60
  expect(count.told).toBe(1)
  expect(await operationOf(id, 'instance.delete')).toMatchObject({
    state: 'succeeded',
    stateData: { givenUp: { [hostId ?? '']: expect.any(String) } },
  })
  expect(await db().instance.findUnique({ where: { id } })).toBeNull()
})

test('an interface that cannot be plugged in is released although its host hangs', async () => {
  const id = await launched()
  await runPending(world.deps)
  world.faults.set(await nameOf((await rowOf(id)).hostId), 'hangs')
  const { portId } = await attachInterface(tenant, { id, networkId: tenant.networkId })
  await runPending(world.deps)
  expect(await operationOf(id, 'instance.attach')).toMatchObject({ state: 'failed' })
  expect(await db().port.findUnique({ where: { id: portId } })).toBeNull()
})

describe('an instance whose host is silent', () => {
  const silence =
    'The machine that this instance is on does not answer. Nothing was changed, and it is not done later:'
  async function built(): Promise<{ id: string; host: string; hostId: string }> {
    const id = await launched()
    await runPending(world.deps)
    const { hostId } = await rowOf(id)
    return { id, host: await nameOf(hostId), hostId: hostId ?? '' }
  }
  /** Runs an operation to its end as a worker does, without waiting between two tries; returns how it ended. */
  async function end(id: string, action: string) {
    const { id: operationId } = await operationOf(id, action)
    const begun = Date.now()
    let tries = 1
    while ((await runOperation(world.deps, operationId)) !== 'over') tries++
    expect(Date.now() - begun).toBeLessThan(20_000)
    const { state, errorCode, errorMessage } = await operationOf(id, action)
    return { state, errorCode, errorMessage, tries }
  }
  const refused = { state: 'failed', errorCode: 'conflict', errorMessage: expect.stringContaining(silence) }
  const away = () => {
    throw new DriverError('unavailable', 'starting')
  }
  const down = (hostId: string) => db().host.update({ where: { id: hostId }, data: { state: 'down' } })
  const up = async (hostId: string) => {
    await db().host.update({ where: { id: hostId }, data: { state: 'up' } })
    await comeBack()
  }
  const running = { vmState: 'active', taskState: null, faultMessage: null }
  const stopped = { vmState: 'stopped', taskState: null, faultMessage: null }

  test.each(['refuses', 'hangs'] as const)('fails a stop soon on a down host that %s', async (fault) => {
    const { id, host, hostId } = await built()
    await stopInstance(tenant, { id })
    world.faults.set(host, fault)
    await down(hostId)
    expect(await end(id, 'instance.stop')).toEqual({ ...refused, tries: 1 })
    expect(await rowOf(id)).toMatchObject(running)
    await up(hostId)
    await stopInstance(tenant, { id })
    await runPending(world.deps)
    expect(await rowOf(id)).toMatchObject(stopped)
  })

  test('stays stopped after a failed start, and can be started later', async () => {
    const { id, host, hostId } = await built()
    await stopInstance(tenant, { id })
    await runPending(world.deps)
    await startInstance(tenant, { id })
    world.faults.set(host, 'refuses')
    await down(hostId)
    expect(await end(id, 'instance.start')).toEqual({ ...refused, tries: 1 })
    expect(await rowOf(id)).toMatchObject(stopped)
    await up(hostId)
    expect(await rowOf(id)).toMatchObject(stopped)
    await startInstance(tenant, { id })
    await runPending(world.deps)
    expect(await rowOf(id)).toMatchObject(running)
  })

  test.each([
    ['instance.pause', (id: string) => pauseInstance(tenant, { id })],
    ['instance.reboot', (id: string) => rebootInstance(tenant, { id, kind: 'soft' })],
    ['instance.reboot', (id: string) => rebootInstance(tenant, { id, kind: 'hard' })],
  ])('keeps running after a failed %s', async (action, act) => {
    const { id, host, hostId } = await built()
    await act(id)
    world.faults.set(host, 'refuses')
    await down(hostId)
    expect(await end(id, action)).toEqual({ ...refused, tries: 1 })
    expect(await rowOf(id)).toMatchObject(running)
  })

  test('keeps its interfaces', async () => {
    const { id, host, hostId } = await built()
    const [first] = await listInterfaces(tenant, { id })
    const { portId } = await attachInterface(tenant, { id, networkId: tenant.networkId })
    world.faults.set(host, 'refuses')
    await down(hostId)
    expect(await end(id, 'instance.attach')).toEqual({ ...refused, tries: 1 })
    expect(await db().port.findUnique({ where: { id: portId } })).toBeNull()
    await db().host.update({ where: { id: hostId }, data: { state: 'up' } })
    await detachInterface(tenant, { id, portId: first?.portId ?? '' })
    await down(hostId)
    expect(await end(id, 'instance.detach')).toEqual({ ...refused, tries: 1 })
    const ports = await db().port.findMany({ where: { deviceId: id } })
    expect(ports.map((port) => [port.id, port.hostId])).toEqual([[first?.portId, hostId]])
    expect(await rowOf(id)).toMatchObject(running)
    await up(hostId)
    expect(has(host, id)).toEqual(everything)
    await attachInterface(tenant, { id, networkId: tenant.networkId })
    await runPending(world.deps)
    expect(has(host, id)).toEqual({ ...everything, ports: 2 })
  })

  test('retries a stop while the agent may only be restarting, and the portal says why the stop waits', async () => {
    const { id, host } = await built()
    const { id: operationId } = await stopInstance(tenant, { id }).then(() =>
      operationOf(id, 'instance.stop'),
    )
    const header = async () => (await getInstance(tenant, { id })).activity?.title
    expect(await header()).toBe('Waiting for its turn')
    patience.actMs = 60_000
    world.faults.set(host, 'refuses')
    expect(await runOperation(world.deps, operationId)).toBe('retrying')
    expect(await header()).toBe(
      'Pressing the power button: The host does not answer as it should. Trying again helps often.',
    )
    world.faults.clear()
    patience.actMs = 60
    await runPending(world.deps)
    expect(await rowOf(id)).toMatchObject(stopped)
  })

  test('fails a stop whose time is over because no worker ran, and names that time', async () => {
    const { id } = await built()
    await stopInstance(tenant, { id })
    const { id: operationId } = await operationOf(id, 'instance.stop')
    await runOperation(world.deps, operationId, { probe: away })
    await db().operation.update({
      where: { id: operationId },
      data: { startedAt: new Date(Date.now() - 200_000) },
    })
    await runOperation(world.deps, operationId, { probe: away })
    expect((await rowOf(id)).faultMessage).toMatch(/^This was not done within 150 seconds\. /)
  })

  test('gives a stop up after a while although the host still counts as up', async () => {
    const { id, host } = await built()
    world.faults.set(host, 'refuses')
    await stopInstance(tenant, { id })
    const { tries, ...ended } = await end(id, 'instance.stop')
    expect(ended).toEqual(refused)
    expect(tries).toBeGreaterThan(1)
    expect(await rowOf(id)).toMatchObject(running)
  })
})

test('guests of other hosts are reconciled although one host hangs, also while leftovers are removed', async () => {
  const id = await launched()
  await runPending(world.deps)
  const mine = await nameOf((await rowOf(id)).hostId)
  await db().instance.update({ where: { id }, data: { vmState: 'paused' } })
  const spec = world.hosts.get(mine)?.hypervisor.state.instances[id]?.spec
  const dead = mine === 'a' ? 'b' : 'a'
  const hypervisor = world.hosts.get(dead)?.hypervisor
  if (!spec || !hypervisor) throw new Error('the hosts are not there')
  const buried = crypto.randomUUID()
  await hypervisor.ensure(backgroundOp(world.deps.log), { ...spec, id: buried, nics: [] })
  await db().tombstone.create({ data: { kind: 'instance', id: buried } })
  hypervisor.remove = () => {
    world.faults.set(dead, 'hangs')
    return new Promise(() => undefined)
  }
  await reconcileHosts(world.system)
  expect(world.faults.get(dead)).toBe('hangs')
  expect(await rowOf(id)).toMatchObject({ vmState: 'active' })
})

test('networks of other hosts are repaired although as many hosts hang as may be asked at once', async () => {
  const id = await launched()
  await runPending(world.deps)
  const past = new Date(Date.now() - 3_600_000)
  await db().port.updateMany({ where: { deviceId: id }, data: { createdAt: past } })
  const [port] = await db().port.findMany({ where: { deviceId: id } })
  const network = world.hosts.get(await nameOf((await rowOf(id)).hostId))?.network
  network?.lose(port?.id)
  expect(network?.state.lost.size).toBe(1)
  for (const name of Array.from({ length: 9 }, (_, n) => `dead-${n}`)) {
    await addHost(world.deps, name)
    world.faults.set(name, 'hangs')
  }
  await reconcileNetworks(world.system)
  expect(network?.state.lost.size).toBe(0)
})
