import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { deliverAll } from '../hosts/documents.ts'
import { hostHeld } from '../hosts/held.ts'
import { beat, proveCounters } from '../hosts/reconcile.ts'
import { deleteHost, fenceHost, releaseHost, unfenceHost } from '../hosts/service.ts'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { plainOp } from '../kernel/hosts.ts'
import { expectCloudError, runPending, testCtx } from '../kernel/testing.ts'
import { reconcileNetworks } from '../networking/reconcile.ts'
import { deleteInstance } from './instances/actions.ts'
import { launchInstances } from './instances/launch.ts'
import { reconcileHosts } from './reconcile.ts'
import { accounts, aLaunch, testTenant, testWorld, type World } from './testing.ts'
import { patience } from './workflows/on-host.ts'

const usual = { ...patience }
beforeAll(() => {
  Object.assign(patience, { actMs: 60, askAgainMs: 10 })
})
afterAll(() => {
  Object.assign(patience, usual)
})

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
beforeEach(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin' })
  await runPending(world.deps)
})
afterEach(() => world.close())

const db = () => world.deps.root
const host = () => db().host.findFirstOrThrow()
async function launched(patch: object = {}): Promise<string> {
  const { instances } = await launchInstances(tenant, aLaunch(world, patch))
  await runPending(world.deps)
  return instances[0]?.id ?? ''
}
const addressOf = async (deviceId: string) =>
  (await db().portAddress.findFirstOrThrow({ where: { port: { deviceId } } })).address
const planePorts = () => [...(world.hosts.get('a')?.network.state.ports.keys() ?? [])]
/** Makes host a silent for so long that it counts as down. */
async function goDown(): Promise<string> {
  world.faults.set('a', 'refuses')
  const { id } = await host()
  await db().host.update({ where: { id }, data: { state: 'down' } })
  return id
}
/** Launches an instance with this address on another host, because the first host is down. */
const launchAt = (address: string, networkId: string) =>
  launchInstances(tenant, aLaunch(world, { nics: [{ networkId, address }] }))

describe('an instance that is deleted while its host is silent', () => {
  test('keeps its address from others until the host is back and has released the address', async () => {
    const id = await launched()
    const address = await addressOf(id)
    const ports = planePorts()
    expect(ports).toHaveLength(1)
    await goDown()
    await deleteInstance(tenant, { id })
    await runPending(world.deps)
    expect(await db().instance.count({ where: { id } })).toBe(0)
    const networkId = tenant.networkId
    await db().host.create({
      data: {
        id: crypto.randomUUID(),
        name: 'b',
        endpoint: 'fake:b',
        vcpus: 64,
        memoryMib: 65_536,
        diskGib: 1000,
      },
    })
    await expectCloudError(launchAt(address, networkId), 'conflict', /a machine that does not answer/)
    expect(planePorts()).toEqual(ports)
    world.faults.delete('a')
    await beat(world.system)
    expect(await db().host.count({ where: { state: 'up' } })).toBe(2)
    expect(planePorts()).toEqual([])
    expect(await db().heldAddress.count()).toBe(0)
    await launchAt(address, networkId)
  })

  test('frees its address when the machine is declared fenced, which is told before it counts as up', async () => {
    const id = await launched()
    const address = await addressOf(id)
    const hostId = await goDown()
    await deleteInstance(tenant, { id })
    await runPending(world.deps)
    expect(await db().heldAddress.count({ where: { hostId } })).toBe(1)
    expect(await fenceHost(admin, { id: hostId })).toMatchObject({ state: 'fenced' })
    const { input } = await db().operation.findFirstOrThrow({ where: { action: 'host.fence' } })
    expect(input).toMatchObject({ before: 'down', freed: { addresses: 1 } })
    expect(await db().heldAddress.count()).toBe(0)
    await db().host.create({
      data: {
        id: crypto.randomUUID(),
        name: 'b',
        endpoint: 'fake:b',
        vcpus: 64,
        memoryMib: 65_536,
        diskGib: 1000,
      },
    })
    await launchAt(address, tenant.networkId)
    await runPending(world.deps)
    // The administrator declares the host to be on again, and what the host still has is in the way of the address.
    await unfenceHost(admin, { id: hostId })
    world.faults.delete('a')
    const documents = world.hosts.get('a')?.documents
    if (!documents) throw new Error('the host is not connected')
    const { apply } = documents
    documents.apply = () => Promise.reject(new DriverError('unavailable', 'not yet'))
    await beat(world.system)
    expect((await db().host.findUniqueOrThrow({ where: { id: hostId } })).state).toBe('down')
    expect(planePorts()).toHaveLength(1)
    documents.apply = apply
    await beat(world.system)
    expect((await db().host.findUniqueOrThrow({ where: { id: hostId } })).state).toBe('up')
    expect(planePorts()).toEqual([])
  })

  test('is removed from a machine that is declared fenced at that moment, which is told nothing new', async () => {
    const [id, stays] = [await launched(), await launched()]
    await deliverAll(world.system)
    const hostId = await goDown()
    // Both the port, which the machine knows, and the guest have changed since.
    await db().instance.update({ where: { id: stays }, data: { hostname: 'renamed' } })
    await deleteInstance(tenant, { id })
    await runPending(world.deps)
    world.faults.delete('a')
    const documents = world.hosts.get('a')?.documents
    if (!documents) throw new Error('the host is not connected')
    const told: string[] = []
    const apply = documents.apply.bind(documents)
    documents.apply = async (op, list) => {
      told.push(...list.flatMap((one) => (one.body && one.kind === 'instance' ? one.id : [])))
      await db().host.update({ where: { id: hostId }, data: { state: 'fenced' } })
      return apply(op, list)
    }
    await beat(world.system)
    expect([planePorts().length, told]).toEqual([1, []])
  })

  test('is removed from a fenced machine as soon as the machine answers, which stays fenced', async () => {
    const id = await launched()
    const hostId = await goDown()
    await fenceHost(admin, { id: hostId })
    await deleteInstance(tenant, { id })
    await runPending(world.deps)
    expect(await db().heldAddress.count(), 'its guests are off').toBe(0)
    world.faults.delete('a')
    await beat(world.system)
    expect(planePorts()).toEqual([])
    expect((await host()).state).toBe('fenced')
  })
})

test('things held since before an older database was accepted are told to no host and freed once gone', async () => {
  const id = await launched()
  await goDown()
  await deleteInstance(tenant, { id })
  await runPending(world.deps)
  const held = async () => [await db().heldAddress.count(), await db().heldRoom.count()]
  expect(await held()).toEqual([1, 1])
  // The rows are changed as tools/cloud/identity.ts changes them.
  await db().$executeRaw`UPDATE "HostDocument" SET "kind" = 'held ' || "kind" WHERE NOT "wanted"`
  await db().tombstone.deleteMany()
  world.faults.delete('a')
  const round = async () => {
    for (const one of [beat, deliverAll, reconcileHosts, reconcileNetworks]) await one(world.system)
  }
  await round()
  expect(planePorts()).toHaveLength(1)
  expect(await held()).toEqual([1, 1])
  const there = world.hosts.get('a')
  const op = plainOp(world.system)
  await there?.hypervisor.remove(op, id)
  await there?.storage.removeDisk(op, id)
  await there?.network.removePort(op, planePorts()[0] ?? '')
  await round()
  expect(await held()).toEqual([0, 0])
  expect(await accounts(world, tenant.projectId)).toMatchObject({ hostVcpus: 0, hostMemoryMib: 0 })
})

describe('the room of an instance that has left a host', () => {
  const size = { vcpus: 2, memoryMib: 2048, diskGib: 20 }
  /** Makes an instance that its host knows by a document and that leaves the host. */
  async function leaving(): Promise<{ hostId: string; id: string }> {
    const [{ id: hostId }, id] = [await host(), crypto.randomUUID()]
    await db().host.update({
      where: { id: hostId },
      data: { vcpusUsed: 2, memoryMibUsed: 2048, diskGibUsed: 20 },
    })
    await db().document.create({ data: { kind: 'instance', thing: id } })
    await db().hostDocument.create({ data: { hostId, kind: 'instance', thing: id, confirmed: 1 } })
    return { hostId, id }
  }
  const leave = async ({ hostId, id }: { hostId: string; id: string }) => {
    await inTransaction(world.system, (tx) => releaseHost(tx, hostId, { id, ...size }))
    await db().hostDocument.updateMany({ where: { thing: id }, data: { wanted: false } })
  }
  const used = () => accounts(world, tenant.projectId)
  const full = { hostVcpus: 2, hostMemoryMib: 2048, hostDiskGib: 20 }
  const empty = { hostVcpus: 0, hostMemoryMib: 0, hostDiskGib: 0 }

  test('counts until the host has confirmed the removal, which updates the page of the host', async () => {
    const one = await leaving()
    await leave(one)
    expect(await used()).toMatchObject(full)
    await proveCounters(world.system)
    expect(await used(), 'it is proven').toMatchObject(full)
    const events = () => db().event.count({ where: { kind: 'host.room', resourceId: one.hostId } })
    const before = await events()
    await db().hostDocument.deleteMany({ where: { thing: one.id } })
    expect(await used()).toMatchObject(empty)
    expect(await events()).toBe(before + 1)
    await proveCounters(world.system)
    expect(await used()).toMatchObject(empty)
  })

  test('is free at once on a host that has never heard of the instance, and on a fenced host', async () => {
    const one = await leaving()
    await db().hostDocument.deleteMany({ where: { thing: one.id } })
    await leave(one)
    expect(await used()).toMatchObject(empty)
    const two = await leaving()
    await db().host.update({ where: { id: two.hostId }, data: { state: 'fenced' } })
    await leave(two)
    expect(await used()).toMatchObject(empty)
    expect(await db().heldRoom.count()).toBe(0)
  })

  test('is free when the machine is declared fenced, also for an instance that leaves at that moment', async () => {
    const one = await leaving()
    await leave(one)
    const hostId = await goDown()
    expect((await hostHeld(admin, { id: hostId })).freed).toBeNull()
    await fenceHost(admin, { id: hostId })
    expect(await used()).toMatchObject(empty)
    const by = admin.actor.userName
    expect(await hostHeld(admin, { id: hostId })).toMatchObject({ freed: { addresses: 0, instances: 1, by } })
    const two = await leaving()
    await db().host.update({ where: { id: hostId }, data: { state: 'down' } })
    await leave(two)
    await db().host.update({ where: { id: hostId }, data: { state: 'fenced' } })
    await proveCounters(world.system)
    expect(await used()).toMatchObject(empty)
    expect(await db().hostDocument.count({ where: { kind: 'instance' } }), 'it is told when it is back').toBe(
      2,
    )
  })

  test('is not held for an instance that comes back to the host', async () => {
    const one = await leaving()
    await leave(one)
    await db().host.update({
      where: { id: one.hostId },
      data: { vcpusUsed: 4, memoryMibUsed: 4096, diskGibUsed: 40 },
    })
    await db().hostDocument.updateMany({ where: { thing: one.id }, data: { wanted: true } })
    expect(await used()).toMatchObject(full)
  })

  test('is deleted with a host that is forgotten', async () => {
    const one = await leaving()
    await leave(one)
    await goDown()
    await deleteHost(admin, { id: one.hostId })
    expect(await db().heldRoom.count()).toBe(0)
  })
})
