import { backgroundOp } from '@stratolith/drivers/op'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { strayListInput } from '../hosts/contract.ts'
import { deliver } from '../hosts/service.ts'
import { decideStray, listBrakes, listStrays, releaseBrake } from '../hosts/strays.ts'
import { listTrash, takeBackDisk } from '../hosts/trash.ts'
import { withdrawFrom } from '../hosts/withdrawal.ts'
import { expectCloudError, runPending, testCtx } from '../kernel/testing.ts'
import { reconcileHost as reconcileNetwork } from '../networking/reconcile.ts'
import { createSecurityGroup } from '../networking/security-groups/service.ts'
import { proveUsage } from '../quota/reconcile.ts'
import { startInstance } from './instances/actions.ts'
import { adoptInstance } from './instances/adopt.ts'
import { launchInstances } from './instances/launch.ts'
import { getInstance } from './instances/service.ts'
import { reconcileHosts } from './reconcile.ts'
import { accounts, aLaunch, type FakeHost, leftovers, testTenant, testWorld, type World } from './testing.ts'

type Tenant = Awaited<ReturnType<typeof testTenant>>
let world: World
let admin: Awaited<ReturnType<typeof testCtx>>
let hostId = ''
let host: FakeHost
beforeAll(async () => {
  world = await testWorld(['a'])
  admin = await testCtx(world.deps, { role: 'admin' })
  hostId = (await db().host.findFirstOrThrow()).id
  host = world.hosts.get('a') as FakeHost
})
afterAll(() => world.close())
const db = () => world.deps.root
const op = () => backgroundOp(world.deps.log)
const round = () => reconcileHosts(world.system)
const strays = async (kind?: 'guest' | 'disk' | 'port' | 'network') =>
  (await listStrays(admin, strayListInput.parse({ kind, limit: 1000 }))).items
const guestIds = async () => (await host.hypervisor.list(op())).map((guest) => guest.id)
const disks = async () => (await host.storage.listDisks(op())).map((disk) => disk.id)

async function launched(ctx: Tenant, count = 1): Promise<string[]> {
  const { instances } = await launchInstances(ctx, aLaunch(world, { count, networkIds: [ctx.networkId] }))
  await runPending(world.deps)
  return instances.map((one) => one.id)
}
/** As after the restore of an older backup: the instances have no row, and no record says that they were deleted. */
async function forget(ids: string[], { tombstones = false } = {}): Promise<void> {
  await db().$transaction(async (tx) => {
    await tx.operation.deleteMany({ where: { resourceId: { in: ids } } })
    const ports = await tx.port.findMany({ where: { deviceId: { in: ids } } })
    await tx.port.deleteMany({ where: { deviceId: { in: ids } } })
    await tx.instance.deleteMany({ where: { id: { in: ids } } })
    const things = [...ids, ...ports.map((port) => port.id)]
    await tx.hostDocument.deleteMany({ where: { thing: { in: things } } })
    if (!tombstones) await tx.tombstone.deleteMany({ where: { id: { in: things } } })
  })
}
const never = (): never => {
  throw new Error('there is none')
}
const past = (days: number) => new Date(Date.now() - days * 86_400_000)
/** Each test begins with an empty host and without strays, brakes and tombstones. */
beforeEach(async () => {
  for (const { id } of await host.hypervisor.list(op())) await host.hypervisor.remove(op(), id)
  for (const { id } of await host.storage.listDisks(op())) await host.storage.removeDisk(op(), id)
  await host.storage.trash?.empty(op(), { olderThanMs: 0 })
  for (const part of Object.values(host.network.state)) part.clear()
  await db().port.deleteMany({ where: { hostId } })
  await db().instance.deleteMany()
  await db().host.updateMany({ data: { vcpusUsed: 0, memoryMibUsed: 0, diskGibUsed: 0 } })
  await db().stray.deleteMany()
  await db().brake.deleteMany()
  await db().tombstone.deleteMany()
})

describe('a guest without a row', () => {
  it('runs on, is shown with the facts from its host, and is no stray any more when its row is back', async () => {
    const ctx = await testTenant(world)
    const [id = ''] = await launched(ctx)
    const row = await db().instance.findUniqueOrThrow({ where: { id } })
    await forget([id])
    await round()
    await round()
    expect([await guestIds(), await disks()]).toEqual([[id], [id]])
    expect(await strays()).toMatchObject([
      {
        kind: 'guest',
        thing: id,
        name: 'web',
        details: '1 vCPU, 128 MiB, running',
        host: { id: hostId },
        decision: null,
      },
      { kind: 'disk', thing: id, instanceId: id },
    ])
    await db().instance.create({ data: { ...row, flavorSpecs: {}, metadata: {}, base: {}, localDisks: [] } })
    await round()
    expect(await strays()).toEqual([])
    await forget([id])
  })

  it('has a name soon, also among many: hosts are asked first about guests without known facts', async () => {
    const ctx = await testTenant(world)
    const [id = ''] = await launched(ctx)
    const spec = await host.hypervisor.describe(op(), id)
    await forget([id])
    for (let i = 0; i < 60; i++)
      await host.hypervisor.ensure(op(), { ...(spec ?? never()), id: crypto.randomUUID() })
    const named = async () =>
      db().stray.count({ where: { kind: 'guest', facts: { path: ['name'], equals: 'web' } } })
    await round()
    expect(await named()).toBe(50)
    await round()
    expect(await named()).toBe(61)
  })

  it('is removed after its time; its disk goes to the trash, from where it can be taken back', async () => {
    const ctx = await testTenant(world)
    const [id = ''] = await launched(ctx)
    await forget([id])
    await round()
    await db().stray.updateMany({ data: { firstSeenAt: past(6) } })
    await round()
    expect(await guestIds()).toEqual([id])
    // The stray was not seen for a week, or a clock has jumped.
    await db().stray.updateMany({ data: { firstSeenAt: past(13), lastSeenAt: past(7) } })
    await round()
    expect(await guestIds()).toEqual([id])
    await db().stray.updateMany({ data: { firstSeenAt: past(7.1) } })
    await round()
    expect([await guestIds(), await disks()]).toEqual([[], []])
    expect(await listTrash(admin, {})).toMatchObject({
      items: [{ thing: id, kind: 'disk', host: { id: hostId } }],
      more: 0,
      hosts: { silent: [] },
    })
    await db().host.update({ where: { id: hostId }, data: { state: 'down' } })
    expect(await listTrash(admin, { hostId })).toMatchObject({
      items: [],
      hosts: { all: 1, asked: 1, silent: [expect.any(String)] },
    })
    await db().host.update({ where: { id: hostId }, data: { state: 'up' } })
    await takeBackDisk(admin, { hostId, thing: id })
    await round()
    expect(await disks()).toEqual([id])
    expect((await strays()).map(({ kind, thing }) => [kind, thing])).toEqual([
      ['guest', id],
      ['disk', id],
    ])
    await expectCloudError(takeBackDisk(admin, { hostId, thing: id }), 'conflict', /not in the trash/)
  })

  it('is put back whole and stopped after it was removed, and can be adopted', async () => {
    const ctx = await testTenant(world)
    const [id = ''] = await launched(ctx)
    const before = await getInstance(ctx, { id })
    await forget([id])
    await round()
    await reconcileNetwork(world.system, hostId)
    const { id: strayId = '' } = (await strays('guest'))[0] ?? never()
    await decideStray(admin, { id: strayId, decision: 'remove' })
    // Its ports are removed after the guest, whichever reconciler comes first: the ports belong to the kept guest.
    await reconcileNetwork(world.system, hostId)
    expect((await strays('port')).map((one) => one.decision)).toEqual(['remove'])
    await round()
    await reconcileNetwork(world.system, hostId)
    expect([await guestIds(), await disks(), await strays()]).toEqual([[], [], []])
    expect((await host.network.list(op())).ports).toEqual([])
    expect((await listTrash(admin, {})).items).toMatchObject([
      { thing: id, guest: { name: 'web', project: { id: ctx.projectId, name: expect.any(String) } } },
    ])
    // The network of the guest has left the host since.
    expect((await host.network.list(op())).networks.length).toBeGreaterThan(1)
    await withdrawFrom(world.system, hostId, 0)
    await deliver(world.system, op(), hostId)
    expect((await host.network.list(op())).networks).toHaveLength(1)
    await takeBackDisk(admin, { hostId, thing: id })
    expect((await host.hypervisor.get(op(), id))?.power).toBe('off')
    await round()
    await reconcileNetwork(world.system, hostId)
    const back = (await strays('guest'))[0] ?? never()
    expect(back).toMatchObject({ thing: id, name: 'web', decision: null })
    await adoptInstance(admin, { strayId: back.id })
    expect(await getInstance(ctx, { id })).toMatchObject({
      vmState: 'stopped',
      addresses: before.addresses,
      flavor: before.flavor,
    })
    expect(await strays()).toEqual([])
    await startInstance(ctx, { id })
    await runPending(world.deps)
    expect(await getInstance(ctx, { id })).toMatchObject({ vmState: 'active', fault: null })
    await forget([id])
  })

  it('comes back without a port whose address another port has by now', async () => {
    const ctx = await testTenant(world)
    // Launch both before the address is free: on the host, a later launch would find the address in use.
    const [id = '', other = ''] = await launched(ctx, 2)
    const taken = await db().portAddress.findFirstOrThrow({ where: { port: { deviceId: id } } })
    await forget([id])
    await round()
    await decideStray(admin, { id: (await strays('guest'))[0]?.id ?? '', decision: 'remove' })
    await round()
    await reconcileNetwork(world.system, hostId)
    const { address, subnetId } = taken
    await db().portAddress.updateMany({ where: { port: { deviceId: other } }, data: { address, subnetId } })
    const ports = (await host.network.list(op())).ports.length
    await takeBackDisk(admin, { hostId, thing: id })
    expect(await guestIds()).toContain(id)
    expect((await host.network.list(op())).ports).toHaveLength(ports)
    expect((await host.hypervisor.describe(op(), id))?.nics).toEqual([])
    await forget([id, other])
  })

  it('is removed at once when an administrator decides so, and never when they decide to keep it', async () => {
    const ctx = await testTenant(world)
    const [keep = '', drop = ''] = await launched(ctx, 2)
    await forget([keep, drop])
    await round()
    for (const [thing, decision] of [
      [keep, 'keep'],
      [drop, 'remove'],
    ] as const) {
      const found = (await strays('guest')).find((one) => one.thing === thing)
      await decideStray(admin, { id: found?.id ?? '', decision })
    }
    const { name = '' } = (await db().host.findUnique({ where: { id: hostId } })) ?? {}
    const last = { orderBy: { createdAt: 'desc' }, where: { action: 'host.removeUnknown' } } as const
    expect(await db().operation.findFirst(last)).toMatchObject({
      resourceName: `guest web-2 of host ${name}`,
    })
    const event = await db().event.findFirst({ where: { resourceId: hostId }, orderBy: { id: 'desc' } })
    expect(event).toMatchObject({
      kind: 'host.updated',
      data: { decided: 'remove', kind: 'guest', thing: drop, name: 'web-2', host: name },
    })
    await db().stray.updateMany({ where: { thing: keep }, data: { firstSeenAt: past(400) } })
    await round()
    expect([await guestIds(), await disks()]).toEqual([[keep], [keep]])
    expect(await strays()).toMatchObject([
      { thing: keep, decision: 'keep', removedAfter: null },
      { thing: keep, decision: 'keep' },
    ])
    const member = await testCtx(world.deps)
    await expectCloudError(listStrays(member, strayListInput.parse({})), 'forbidden')
  })

  it('is kept also when the guest was away for a round, and is not adopted while it is being removed', async () => {
    const ctx = await testTenant(world)
    const [id = ''] = await launched(ctx)
    await forget([id])
    await round()
    const guest = (await strays('guest'))[0] ?? never()
    await decideStray(admin, { id: guest.id, decision: 'keep' })
    const state = structuredClone(host.hypervisor.state)
    await host.hypervisor.remove(op(), id)
    await round()
    Object.assign(host.hypervisor.state, state)
    await round()
    expect((await strays('guest')).map((one) => [one.thing, one.decision])).toEqual([[id, 'keep']])
    await db().stray.updateMany({ where: { thing: id }, data: { decision: 'removing' } })
    await expectCloudError(adoptInstance(admin, { strayId: guest.id }), 'conflict', /being removed/)
  })

  it('is not removed when an operation on it began while the round went on', async () => {
    const ctx = await testTenant(world)
    const [first = '', second = ''] = await launched(ctx, 2)
    await forget([first, second], { tombstones: true })
    const { remove } = host.hypervisor
    const removed: string[] = []
    host.hypervisor.remove = async (given, id) => {
      removed.push(id)
      const other = id === first ? second : first
      await db().operation.create({
        data: {
          id: crypto.randomUUID(),
          action: 'instance.start',
          state: 'running',
          resourceKind: 'instance',
          resourceId: other,
        },
      })
      await remove(given, id)
    }
    await round()
    host.hypervisor.remove = remove
    expect(removed).toHaveLength(1)
    expect(await guestIds()).toHaveLength(1)
  })
})

describe('a tombstone', () => {
  it('is used up when a round has seen that the thing is gone, so that it is no reason after a restore', async () => {
    const ctx = await testTenant(world)
    const [id = ''] = await launched(ctx)
    const elsewhere = { kind: 'instance', id, hostId, deletedAt: new Date(Date.now() - 3_600_000) }
    await db().tombstone.create({ data: { ...elsewhere, id: crypto.randomUUID() } })
    await db().tombstone.create({ data: elsewhere })
    await round()
    // The tombstone without a thing is gone; the row of this instance says that it is here, which counts more.
    expect(await db().tombstone.findMany({ where: { hostId }, select: { id: true } })).toEqual([{ id }])
    expect(await guestIds()).toEqual([id])
  })
})

describe('a guest that was deleted', () => {
  it('while its host was down is removed when the host is back', async () => {
    const ctx = await testTenant(world)
    const ids = await launched(ctx, 2)
    await forget(ids, { tombstones: true })
    await round()
    expect([await guestIds(), await disks(), await strays()]).toEqual([[], [], []])
  })

  it('or has left the host is removed from that host, and only from there', async () => {
    const ctx = await testTenant(world)
    const [id = ''] = await launched(ctx)
    const [elsewhere] = [crypto.randomUUID()]
    await db().host.create({
      data: { id: elsewhere, name: 'other', endpoint: 'fake:other', vcpus: 9, memoryMib: 9999, diskGib: 99 },
    })
    await db().instance.update({ where: { id }, data: { hostId: elsewhere } })
    await round()
    expect([await guestIds(), await strays()]).toEqual([[], []])
    await db().instance.update({ where: { id }, data: { hostId } })
    expect(await db().tombstone.findMany({ where: { id, hostId } })).toEqual([])
    await forget([id])
    await db().host.delete({ where: { id: elsewhere } })
  })

  it('is not removed with many others at once, until an administrator releases the brake', async () => {
    const ctx = await testTenant(world)
    const ids = await launched(ctx, 6)
    await forget(ids, { tombstones: true })
    await round()
    await round()
    expect((await guestIds()).length).toBe(6)
    expect((await disks()).length).toBe(6)
    const brakes = await listBrakes(admin)
    expect(brakes).toMatchObject([
      { kind: 'guest', count: 6, total: 6, host: { id: hostId }, releasedAt: null },
    ])
    expect(
      await db().event.count({ where: { resourceId: hostId, data: { path: ['brake'], equals: 'guest' } } }),
    ).toBe(1)
    for (const brake of brakes) await releaseBrake(admin, brake)
    if (brakes[0]) await releaseBrake(admin, brakes[0])
    // The administrator's release does not cover later things. The addresses of forgotten instances are given out
    // again, and must not be in the way.
    const launchedAnew = (count: number) => {
      host.network.state.ports.clear()
      return launched(ctx, count)
    }
    const later = await launchedAnew(5)
    await forget(later, { tombstones: true })
    await round()
    expect((await guestIds()).sort()).toEqual([...later].sort())
    expect(await listBrakes(admin)).toMatchObject([{ kind: 'guest', releasedAt: null }])
    const [seen] = await listBrakes(admin)
    const more = await launchedAnew(1)
    await forget(more, { tombstones: true })
    await round()
    await expectCloudError(releaseBrake(admin, seen ?? never()), 'conflict', /changed meanwhile/)
    for (const brake of await listBrakes(admin)) await releaseBrake(admin, brake)
    await round()
    await round()
    expect([await guestIds(), await disks(), await listBrakes(admin)]).toEqual([[], [], []])
  })

  it('is not removed while an operation is at work on it', async () => {
    const ctx = await testTenant(world)
    const [id = ''] = await launched(ctx)
    await forget([id], { tombstones: true })
    const data = { id: crypto.randomUUID(), action: 'instance.delete', state: 'running', resourceId: id }
    await db().operation.create({ data: { ...data, resourceKind: 'instance' } })
    await round()
    expect(await guestIds()).toEqual([id])
    await db().operation.delete({ where: { id: data.id } })
    await round()
    expect(await guestIds()).toEqual([])
  })
})

describe('a guest that is adopted', () => {
  const adopt = async (thing: string, projectId?: string) => {
    const found = (await strays('guest')).find((one) => one.thing === thing)
    return adoptInstance(admin, { strayId: found?.id ?? '', projectId })
  }

  it('is an instance of its project again: same id, disk, port and addresses; its usage counts', async () => {
    const ctx = await testTenant(world)
    const [id = ''] = await launched(ctx)
    const before = await getInstance(ctx, { id })
    const books = await accounts(world, ctx.projectId)
    const left = await leftovers(world)
    await forget([id])
    await reset(ctx.projectId)
    await round()
    await reconcileNetwork(world.system, hostId)
    expect((await strays('port')).map((one) => one.instanceId)).toEqual([id])
    expect((await strays('guest'))[0]).toMatchObject({
      project: { id: ctx.projectId, name: expect.any(String) },
      securityGroups: ['default'],
    })
    const { startedAt } = (await host.hypervisor.get(op(), id)) ?? {}
    expect(await adopt(id)).toMatchObject({ securityGroups: ['default'], launchedAt: startedAt })
    expect(await strays()).toEqual([])
    const after = await getInstance(ctx, { id })
    expect(after).toMatchObject({
      name: before.name,
      vmState: 'active',
      addresses: before.addresses,
      flavor: before.flavor,
      image: before.image,
    })
    expect(await accounts(world, ctx.projectId)).toEqual(books)
    await round()
    await proveUsage(world.system)
    await reconcileNetwork(world.system, hostId)
    expect(await strays()).toEqual([])
    expect(await accounts(world, ctx.projectId)).toEqual(books)
    expect(await leftovers(world)).toEqual(left)
    await forget([id])
  })

  it('is in those of its groups whose names the project has', async () => {
    const ctx = await testTenant(world)
    for (const name of ['web', 'ssh']) await createSecurityGroup(ctx, { name, description: '' })
    const groups = await db().securityGroup.findMany({
      where: { projectId: ctx.projectId, name: { in: ['web', 'ssh'] } },
      orderBy: { name: 'asc' },
    })
    const { instances } = await launchInstances(
      ctx,
      aLaunch(world, { networkIds: [ctx.networkId], securityGroupIds: groups.map((one) => one.id) }),
    )
    await runPending(world.deps)
    const id = instances[0]?.id ?? never()
    await forget([id])
    await db().securityGroup.delete({ where: { id: groups[0]?.id } })
    await round()
    expect((await strays('guest'))[0]?.securityGroups.toSorted()).toEqual(['ssh', 'web'])
    expect(await adopt(id)).toMatchObject({ securityGroups: ['web'] })
    const port = await db().port.findFirstOrThrow({
      where: { deviceId: id },
      include: { securityGroups: true },
    })
    expect(port.securityGroups.map((one) => one.groupId)).toEqual([groups[1]?.id])
    await forget([id])
  })

  it('brings its network along when no row knows that either; another project may get both', async () => {
    const ctx = await testTenant(world)
    const [id = ''] = await launched(ctx)
    const addresses = (await getInstance(ctx, { id })).addresses.map((one) => one.address)
    await forget([id])
    await db().port.deleteMany({ where: { networkId: ctx.networkId } })
    await db().subnet.deleteMany({ where: { networkId: ctx.networkId } })
    await db().network.deleteMany({ where: { id: ctx.networkId } })
    await db().tombstone.deleteMany({})
    await db().project.delete({ where: { id: ctx.projectId } })
    await round()
    await expectCloudError(adopt(id), 'invalid_input', /Choose the project/)
    expect(await strays('guest')).toHaveLength(1)
    const other = await testTenant(world)
    const adopted = await adopt(id, other.projectId)
    expect(adopted.addresses.map((one) => one.address)).toEqual(addresses)
    const next = await db().$queryRaw<
      { n: number }[]
    >`SELECT nextval(pg_get_serial_sequence('"Port"', 'tag'))::int AS n`
    const port = await db().port.findFirstOrThrow({ where: { deviceId: id } })
    expect(next[0]?.n).toBeGreaterThan(port.tag)
    await forget([id])
  })

  it('is refused when another port has its address, and stays a stray', async () => {
    const ctx = await testTenant(world)
    const [id = '', other = ''] = await launched(ctx, 2)
    const { address, subnetId } = await db().portAddress.findFirstOrThrow({
      where: { port: { deviceId: id } },
    })
    await forget([id])
    await round()
    await db().portAddress.updateMany({ where: { port: { deviceId: other } }, data: { address, subnetId } })
    await expectCloudError(adopt(id), 'conflict', /in use by another port/)
    expect(await db().instance.count({ where: { id } })).toBe(0)
    expect(await strays('guest')).toHaveLength(1)
    await forget([id, other])
  })

  async function reset(projectId: string): Promise<void> {
    const resource = { in: ['instances', 'vcpus', 'memoryMib'] }
    await db().quotaUsage.updateMany({ where: { projectId, resource }, data: { used: 0 } })
    await db().quotaUsage.updateMany({
      where: { projectId, resource: 'ports' },
      data: { used: { decrement: 1 } },
    })
    await db().host.updateMany({ data: { vcpusUsed: 0, memoryMibUsed: 0, diskGibUsed: 0 } })
  }
})
