import { backgroundOp } from '@stratolith/drivers/op'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { strayListInput } from '../hosts/contract.ts'
import { proveCounters } from '../hosts/reconcile.ts'
import { decideStray, listStrays } from '../hosts/strays.ts'
import { takeBackDisk } from '../hosts/trash.ts'
import type { Ctx } from '../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../kernel/testing.ts'
import { volumeCreateInput } from '../volumes/contract.ts'
import { createVolume } from '../volumes/service.ts'
import { flavorCreateInput } from './contract.ts'
import { createFlavor } from './flavors/service.ts'
import { deleteInstance, rebootInstance, startInstance, stopInstance } from './instances/actions.ts'
import { adoptInstance } from './instances/adopt.ts'
import { launchInstances, planInstance } from './instances/launch.ts'
import { getInstance } from './instances/service.ts'
import { takenByProject, usageBetween } from './instances/usage.ts'
import { attachVolume, listAttachedVolumes } from './instances/volumes.ts'
import { reconcileHosts } from './reconcile.ts'
import { accounts, addImage, aLaunch, leftovers, testTenant, testWorld, type World } from './testing.ts'

/** Ephemeral and swap disks: disks on the host that a flavor has beside the root disk. */
let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
let flavorId: string
const gib = 1024 ** 3
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin' })
  const sizes = { vcpus: 1, memoryMib: 64, diskGib: 1, ephemeralGib: 3, swapMib: 1500 }
  flavorId = (await createFlavor(admin, flavorCreateInput.parse({ name: 'scratch', ...sizes }))).id
})
afterAll(() => world.close())

const db = () => world.deps.root
const host = () => {
  const found = world.hosts.get('a')
  if (!found) throw new Error('the host is gone')
  return found
}
const specOf = (id: string) => host().hypervisor.state.instances[id]?.spec
const op = () => backgroundOp(world.deps.log)
async function running(more: object = {}): Promise<string> {
  const { instances } = await launchInstances(tenant, aLaunch(world, { flavorId, ...more }))
  await runPending(world.deps)
  const id = instances[0]?.id ?? ''
  expect(await getInstance(tenant, { id })).toMatchObject({ vmState: 'active', fault: null })
  return id
}
async function settled(work: Promise<unknown>): Promise<void> {
  await work
  await runPending(world.deps)
}
const disksOf = async (id: string) => (await getInstance(tenant, { id })).localDisks
const sizesOn = async (id: string) =>
  Object.fromEntries((await host().storage.disksOf(op(), id)).map((disk) => [disk.id, disk.sizeBytes]))

describe('an instance of a flavor with ephemeral and swap disks', () => {
  test('has them whole, beside its root disk, through every start, and takes their room until it is gone', async () => {
    const before = await accounts(world, tenant.projectId)
    const plan = await planInstance(tenant, aLaunch(world, { flavorId }))
    expect(plan).toMatchObject({ ok: true, needs: { diskGib: 1 + 3 + 2 } })
    const id = await running()
    const [ephemeral, swap] = await disksOf(id)
    if (!ephemeral || !swap) throw new Error('a disk is missing')
    expect([ephemeral, swap]).toMatchObject([
      { kind: 'ephemeral', sizeMib: 3072, format: 'ext4', device: '/dev/vdb' },
      { kind: 'swap', sizeMib: 1500, format: null, device: '/dev/vdc' },
    ])
    const disks = [
      { id, boot: true },
      { id: ephemeral.id, boot: false, kind: 'ephemeral' },
      { id: swap.id, boot: false, kind: 'swap' },
    ]
    expect(specOf(id)?.disks).toMatchObject(disks)
    const sizes = { [id]: gib, [ephemeral.id]: 3 * gib, [swap.id]: 1500 * 1024 ** 2 }
    expect(await sizesOn(id)).toEqual(sizes)
    const during = await accounts(world, tenant.projectId)
    expect((during.hostDiskGib ?? 0) - (before.hostDiskGib ?? 0)).toBe(6)
    await proveCounters(world.system)
    expect(await accounts(world, tenant.projectId)).toEqual(during)
    const hostId = (await db().instance.findUniqueOrThrow({ where: { id } })).hostId ?? ''
    expect(await takenByProject(admin, hostId)).toMatchObject([{ diskGib: 4 }])
    const span = { projectId: tenant.projectId, from: new Date(0), to: new Date(Date.now() + 60_000) }
    const used = async () => (await usageBetween(tenant, { ...span, page: { limit: 10 } })).usages
    expect(await used()).toMatchObject([{ instanceId: id, diskGib: 4, state: 'active' }])

    // A disk that is there is never made anew.
    host().storage.failNext('ensureLocalDisk', new Error('made again') as never)
    await settled(rebootInstance(tenant, { id, kind: 'hard' }))
    await settled(stopInstance(tenant, { id }))
    await settled(startInstance(tenant, { id }))
    expect(specOf(id)?.disks).toMatchObject(disks)
    await settled(deleteInstance(tenant, { id }))
    expect(await sizesOn(id)).toEqual({})
    expect(await db().pastInstance.findUnique({ where: { id } })).toMatchObject({
      ephemeralGib: 3,
      swapMib: 1500,
    })
    expect(await accounts(world, tenant.projectId)).toEqual(before)
    expect(await used()).toMatchObject([{ instanceId: id, diskGib: 4, state: 'terminated' }])
    host().storage.failNext('ensureLocalDisk', undefined as never)
  })

  test('gets them at its next start when a worker of an older version has built it without them', async () => {
    const id = await running()
    const disks = await disksOf(id)
    for (const disk of disks) await host().storage.removeDisk(op(), disk.id)
    const spec = specOf(id)
    if (!spec) throw new Error('the guest is gone')
    await host().hypervisor.ensure(op(), { ...spec, disks: spec.disks.filter(({ kind }) => !kind) })
    await settled(stopInstance(tenant, { id }))
    await settled(startInstance(tenant, { id }))
    expect(await getInstance(tenant, { id })).toMatchObject({ vmState: 'active', fault: null })
    expect(specOf(id)?.disks.map((disk) => disk.id)).toEqual([id, ...disks.map((disk) => disk.id)])
    expect(Object.keys(await sizesOn(id))).toHaveLength(3)
    await settled(deleteInstance(tenant, { id }))
  })

  test('goes to no host whose agent is of a version before such disks', async () => {
    const hostId = (await db().host.findFirstOrThrow()).id
    const tell = (facts: object) =>
      db().hostBeat.upsert({ where: { hostId }, create: { hostId, facts }, update: { facts } })
    const planOf = (more: object) => planInstance(tenant, aLaunch(world, { flavorId, ...more }))
    await tell({ hypervisor: 'fake' })
    const { problems } = await planOf({})
    expect(problems).toMatchObject([{ message: expect.stringContaining('of an older version') }])
    expect(await planOf({ flavorId: '1' })).toMatchObject({ ok: true })
    await tell({ hypervisor: 'fake', start: 'now' })
    expect(await planOf({})).toMatchObject({ ok: true })
    await db().hostBeat.deleteMany({ where: { hostId } })
  })

  test('gets the smaller and further disks that it asks for, and its volumes have the names after them', async () => {
    const id = await running({
      localDisks: [
        { kind: 'ephemeral', sizeGib: 1, format: 'ext3' },
        { kind: 'ephemeral', sizeGib: 2 },
      ],
      imageId: undefined,
      volumes: [
        { boot: true, from: { kind: 'image', id: world.imageId }, sizeGib: 2 },
        { from: { kind: 'blank' }, sizeGib: 1 },
      ],
    })
    expect(await disksOf(id)).toMatchObject([
      { kind: 'ephemeral', sizeMib: 1024, format: 'ext3', device: '/dev/vdb' },
      { kind: 'ephemeral', sizeMib: 2048, format: 'ext4', device: '/dev/vdc' },
      { kind: 'swap', sizeMib: 1500, device: '/dev/vdd' },
    ])
    expect(specOf(id)?.disks.map(({ kind }) => kind)).toEqual(['ephemeral', 'ephemeral', 'swap'])
    const { id: volumeId } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1 }))
    await runPending(world.deps)
    await expectCloudError(attachVolume(tenant, { id, volumeId, device: '/dev/vdc' }), 'invalid_input')
    await settled(attachVolume(tenant, { id, volumeId }))
    const names = (await listAttachedVolumes(tenant, { id })).map(({ device }) => device)
    expect(names).toEqual(['/dev/vda', '/dev/vde', '/dev/vdf'])
    await settled(deleteInstance(tenant, { id }))
  })

  test('gets an empty ephemeral disk when its image is of Windows, and names of SCSI when its image asks for that', async () => {
    const imageId = await addImage(world.deps, tenant.projectId, {
      ...{ visibility: 'private', properties: { os_type: 'windows', hw_disk_bus: 'scsi' } },
    })
    const id = await running({ imageId })
    expect(await disksOf(id)).toMatchObject([
      { kind: 'ephemeral', format: null, device: '/dev/sdb' },
      { kind: 'swap', device: '/dev/sdc' },
    ])
    await settled(deleteInstance(tenant, { id }))
  })

  test('is refused what the flavor does not have, in Nova’s words', async () => {
    const problemOf = async (localDisks: object[], more: object = {}) =>
      (await planInstance(tenant, aLaunch(world, { flavorId, localDisks, ...more }))).problems[0]
    const large =
      'Ephemeral disks requested are larger than the instance type allows. If no size is given in one block device mapping, flavor ephemeral size will be used.'
    const field = 'localDisks'
    expect(await problemOf([{ kind: 'ephemeral', sizeGib: 4 }])).toEqual({ field, message: large })
    expect(await problemOf([{ kind: 'ephemeral' }, { kind: 'ephemeral' }])).toEqual({ field, message: large })
    expect(await problemOf([{ kind: 'swap', sizeMib: 1501 }])).toEqual({
      field,
      message: 'Swap drive requested is larger than instance type allows.',
    })
    expect(
      await problemOf([
        { kind: 'swap', sizeMib: 64 },
        { kind: 'swap', sizeMib: 64 },
      ]),
    ).toMatchObject({
      message: 'More than one swap drive requested.',
    })
    const one = { kind: 'ephemeral', sizeGib: 1 }
    expect(await problemOf([one, one])).toMatchObject({
      message: 'You specified more local devices than the limit allows',
    })
    expect(await problemOf([{ kind: 'swap', sizeMib: 64 }], { flavorId: '1' })).toMatchObject({ field })
    expect(await problemOf([{ kind: 'swap', sizeMib: 64 }])).toBeUndefined()
  })

  test('comes back with them from the trash, and is adopted with them and their room', async () => {
    const id = await running()
    const before = await getInstance(tenant, { id })
    const row = await db().instance.findUniqueOrThrow({ where: { id } })
    // As after the restore of an older database: nothing knows of the instance.
    const ports = await db().port.findMany({ where: { deviceId: id } })
    const things = [id, ...ports.map((port) => port.id)]
    await db().operation.deleteMany({ where: { resourceId: id } })
    await db().port.deleteMany({ where: { deviceId: id } })
    await db().instance.delete({ where: { id } })
    await db().hostDocument.deleteMany({ where: { thing: { in: things } } })
    await db().tombstone.deleteMany({ where: { id: { in: things } } })
    const strayOf = async () => {
      await reconcileHosts(world.system)
      const { items } = await listStrays(admin, strayListInput.parse({ kind: 'guest', limit: 10 }))
      return items[0]?.id ?? ''
    }
    await decideStray(admin, { id: await strayOf(), decision: 'remove' })
    await reconcileHosts(world.system)
    expect(await sizesOn(id)).toEqual({})
    await takeBackDisk(admin, { hostId: row.hostId ?? '', thing: id })
    expect(Object.keys(await sizesOn(id))).toHaveLength(3)
    await db().quotaUsage.updateMany({
      where: { projectId: tenant.projectId, resource: { in: ['instances', 'vcpus', 'memoryMib', 'ports'] } },
      data: { used: 0 },
    })
    await db().host.updateMany({ data: { vcpusUsed: 0, memoryMibUsed: 0, diskGibUsed: 0 } })
    await adoptInstance(admin, { strayId: await strayOf() })
    const after = await getInstance(tenant, { id })
    expect(after.localDisks).toEqual(before.localDisks.map((disk) => ({ ...disk, format: 'unknown' })))
    await settled(startInstance(tenant, { id }))
    expect(specOf(id)?.disks.map((disk) => disk.id)).toEqual([id, ...before.localDisks.map((one) => one.id)])
    expect(after.flavor).toEqual(before.flavor)
    const { hostDiskGib } = await accounts(world, tenant.projectId)
    expect(hostDiskGib).toBe(6)
    await settled(deleteInstance(tenant, { id }))
    expect(await leftovers(world)).toMatchObject({ guests: 0, disks: 0 })
  })
})
