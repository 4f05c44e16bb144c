import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectCloudError, queriesOf, runPending, testCtx } from '../../kernel/testing.ts'
import { associateFloatingIp } from '../../networking/service.ts'
import { instanceListInput } from '../contract.ts'
import { hostnameOf } from '../states.ts'
import { accounts, addImage, aLaunch, leftovers, testTenant, testWorld, type World } from '../testing.ts'
import { deleteInstance, lockInstance, unlockInstance, updateInstance } from './actions.ts'
import { launchInstances, numbered, planInstance } from './launch.ts'
import { consoleLog, getInstance, listInstances, refuseWhileInstancesUse } from './service.ts'

describe('instances', () => {
  let world: World
  beforeAll(async () => {
    world = await testWorld()
  })
  afterAll(() => world.close())
  const all = instanceListInput.parse({})

  test('a launch becomes ACTIVE and a delete leaves nothing', async () => {
    const me = await testTenant(world)
    const before = await accounts(world, me.projectId)
    const { instances } = await launchInstances(me, aLaunch(world, { metadata: { role: 'db' } }))
    const id = instances[0]?.id ?? ''
    expect(instances[0]).toMatchObject({
      name: 'web',
      status: 'BUILD',
      taskState: 'scheduling',
      powerState: 0,
    })
    expect(instances[0]?.activity?.title).toBe('Waiting for its turn')
    expect(instances[0]?.addresses).toHaveLength(1)
    await runPending(world.deps)
    const view = await getInstance(me, { id })
    expect(view).toMatchObject({
      status: 'ACTIVE',
      vmState: 'active',
      taskState: null,
      powerState: 1,
      activity: null,
      loginUser: 'tiny',
    })
    expect(view.securityGroups.map((g) => g.name)).toEqual(['default'])
    expect(view.launchedAt).not.toBeNull()
    expect(await leftovers(world)).toEqual({ guests: 1, ports: 1, disks: 1 })
    const guest = [...world.hosts.values()].flatMap((h) => Object.values(h.hypervisor.state.instances))[0]
    expect(guest?.spec).toMatchObject({
      id,
      memoryMib: 128,
      disks: [{ boot: true, format: 'qcow2' }],
      guest: {
        hostname: 'web',
        metadata: { role: 'db' },
        securityGroups: ['default'],
        flavorName: 'm1.nano',
      },
    })
    await deleteInstance(me, { id })
    expect((await getInstance(me, { id })).taskState).toBe('deleting')
    await deleteInstance(me, { id })
    await runPending(world.deps)
    await expectCloudError(getInstance(me, { id }), 'not_found')
    expect(await leftovers(world)).toEqual({ guests: 0, ports: 0, disks: 0 })
    expect(await accounts(world, me.projectId)).toEqual(before)
  })

  test('the public IP of a launch is deleted with the instance, or stays with the project on request', async () => {
    const me = await testTenant(world)
    const launched = async (name: string) => {
      const { instances } = await launchInstances(me, aLaunch(world, { name, publicIp: true }))
      return instances[0]?.id ?? ''
    }
    const [goes, stays] = [await launched('goes'), await launched('stays')]
    await runPending(world.deps)
    const kept = (await getInstance(me, { id: stays })).addresses[0]?.floatingIp
    await deleteInstance(me, { id: goes })
    await deleteInstance(me, { id: stays, releasePublicIp: false })
    await runPending(world.deps)
    const left = await world.deps.root.floatingIp.findMany({ where: { projectId: me.projectId } })
    expect(left.map(({ address, portId }) => ({ address, portId }))).toEqual([
      { address: kept, portId: null },
    ])
  })

  test('the public IP of a launch stays with the project when it was taken off, or leads to another instance', async () => {
    const me = await testTenant(world)
    const { instances } = await launchInstances(me, aLaunch(world, { count: 3, publicIp: true }))
    await runPending(world.deps)
    const [off = '', moved = '', other = ''] = instances.map(({ id }) => id)
    const addressOf = async (id: string) => (await getInstance(me, { id })).addresses[0]
    const [taken, leading, away] = [await addressOf(off), await addressOf(moved), await addressOf(other)]
    const lead = (id: string | null | undefined, portId: string | null) =>
      associateFloatingIp(me, { id: id ?? '', portId })
    for (const one of [taken, leading, away]) await lead(one?.floatingIpId, null)
    await lead(leading?.floatingIpId, away?.portId ?? null)
    for (const id of [off, moved]) await deleteInstance(me, { id })
    await runPending(world.deps)
    const left = await world.deps.root.floatingIp.findMany({ where: { projectId: me.projectId } })
    expect(Object.fromEntries(left.map(({ address, portId }) => [address, portId]))).toEqual({
      [taken?.floatingIp ?? '']: null,
      [leading?.floatingIp ?? '']: away?.portId,
      [away?.floatingIp ?? '']: null,
    })
    await deleteInstance(me, { id: other })
    await runPending(world.deps)
  })

  test('a locked instance says who has locked it and why, and can be changed again once it is unlocked', async () => {
    const me = await testTenant(world)
    const { instances } = await launchInstances(me, aLaunch(world, {}))
    const id = instances[0]?.id ?? ''
    await runPending(world.deps)
    await lockInstance(me, { id, reason: 'the demo' })
    expect(await getInstance(me, { id })).toMatchObject({
      ...{ locked: true, lockedByAdmin: false, lockedReason: 'the demo' },
    })
    await expectCloudError(deleteInstance(me, { id }), 'conflict', /locked/)
    await unlockInstance(me, { id })
    expect(await getInstance(me, { id })).toMatchObject({ locked: false, lockedReason: null })
    await deleteInstance(me, { id })
    await runPending(world.deps)
  })

  test('a plan reports the same as a launch, and writes nothing', async () => {
    const me = await testTenant(world)
    const input = aLaunch(world, { openPresets: ['ssh'], publicIp: true, count: 3 })
    const rows = async () => [
      await world.deps.root.event.count(),
      await world.deps.root.securityGroup.count(),
    ]
    const before = await rows()
    const plan = await planInstance(me, input)
    expect(await rows()).toEqual(before)
    expect(plan).toMatchObject({ ok: true, problems: [], hosts: { fit: 2, total: 2 }, suggestion: null })
    expect(plan.quota).toContainEqual({ resource: 'instances', limit: 20, used: 0, adds: 3 })
    expect(plan.quota).toContainEqual({ resource: 'floatingIps', limit: 20, used: 0, adds: 3 })
    expect(plan.reach).toContainEqual({ what: 'internet → 22/tcp', ok: true, reason: null })
    const { instances } = await launchInstances(me, input)
    expect(instances.map((i) => i.name)).toEqual(['web-1', 'web-2', 'web-3'])
    await runPending(world.deps)
    const page = await listInstances(me, all)
    expect(page.items.map((i) => i.status)).toEqual(['ACTIVE', 'ACTIVE', 'ACTIVE'])
    expect(new Set(page.items.map((i) => i.addresses[0]?.floatingIp)).size).toBe(3)
    expect(page.items.every((i) => i.addresses[0]?.floatingIp?.startsWith('172.24.4.'))).toBe(true)
    for (const { id } of instances) await deleteInstance(me, { id })
    await runPending(world.deps)
    expect(await world.deps.root.floatingIp.count({ where: { projectId: me.projectId } })).toBe(0)
    expect(await leftovers(world)).toEqual({ guests: 0, ports: 0, disks: 0 })
  })

  test('an unfinished form gets a plan too', async () => {
    const me = await testTenant(world)
    expect(await planInstance(me, {})).toMatchObject({ ok: true, needs: { vcpus: 0 } })
    const plan = await planInstance(me, {
      flavorId: 'nope',
      keyName: 'none',
      userData: '%%%',
      imageId: crypto.randomUUID(),
    })
    expect(plan.problems.map((p) => p.field)).toEqual(['imageId', 'flavorId', 'keyName', 'userData'])
  })

  test.each([
    [{ imageId: crypto.randomUUID() }, 'invalid_input', 'imageId'],
    [{ flavorId: 'nope' }, 'invalid_input', 'flavorId'],
    [{ keyName: 'nope' }, 'invalid_input', 'keyName'],
    [{ userData: 'not base64' }, 'invalid_input', 'userData'],
    [{ networkIds: [crypto.randomUUID()] }, 'not_found', 'networkIds'],
    [{ securityGroupIds: [crypto.randomUUID()] }, 'not_found', 'securityGroupIds'],
    [{ count: 21 }, 'quota_exceeded', null],
  ] as const)('a launch with %j is %s and leaves no trace', async (patch, code, field) => {
    const me = await testTenant(world)
    const before = await accounts(world, me.projectId)
    const error = await expectCloudError(launchInstances(me, aLaunch(world, patch)), code)
    expect(error.field).toBe(field)
    expect(await accounts(world, me.projectId)).toEqual(before)
    expect((await listInstances(me, all)).total).toBe(0)
  })

  test('things of another project are not found', async () => {
    const mine = await testTenant(world)
    const theirs = await testTenant(world)
    const { instances } = await launchInstances(theirs, aLaunch(world))
    const id = instances[0]?.id ?? ''
    await expectCloudError(getInstance(mine, { id }), 'not_found')
    await expectCloudError(deleteInstance(mine, { id }), 'not_found')
    await expectCloudError(updateInstance(mine, { id, name: 'x' }), 'not_found')
    await expectCloudError(consoleLog(mine, { id }), 'not_found')
    await expectCloudError(
      launchInstances(mine, aLaunch(world, { networkIds: [theirs.networkId] })),
      'not_found',
    )
    expect((await listInstances(mine, { ...all, search: id })).total).toBe(0)
    await expectCloudError(listInstances(mine, { ...all, allProjects: true }), 'forbidden')
    await expectCloudError(listInstances(mine, { ...all, marker: id }), 'invalid_input')
    const reader = await testCtx(world.deps, { role: 'reader', projectId: theirs.projectId })
    expect((await getInstance(reader, { id })).id).toBe(id)
    await expectCloudError(deleteInstance(reader, { id }), 'forbidden')
    await expectCloudError(launchInstances(reader, aLaunch(world)), 'forbidden')
    await deleteInstance(theirs, { id })
    await runPending(world.deps)
  })

  test('a launch repeated with the same token returns the same instances, also in parallel', async () => {
    const me = await testTenant(world)
    const input = aLaunch(world, { count: 2, clientToken: 'retry-1' })
    const answers = await Promise.all(Array.from({ length: 6 }, () => launchInstances(me, input)))
    const ids = answers.map((a) => a.instances.map((i) => i.id))
    for (const again of ids) expect(again).toEqual(ids[0])
    expect((await listInstances(me, all)).total).toBe(2)
    expect((await accounts(world, me.projectId)).instances).toBe(2)
    for (const id of ids[0] ?? []) await deleteInstance(me, { id })
    await runPending(world.deps)
  })

  test('a delete asks a host that counts as down in case it is back, but does not wait for a silent host', async () => {
    const own = await testWorld(['a'])
    const { host } = own.deps.root
    const me = await testTenant(own)
    const launched = async () => {
      await host.updateMany({ data: { state: 'up' } })
      const { instances } = await launchInstances(me, aLaunch(own))
      await runPending(own.deps)
      await host.updateMany({ data: { state: 'down' } })
      return instances[0]?.id ?? ''
    }
    await deleteInstance(me, { id: await launched() })
    await runPending(own.deps)
    expect(await leftovers(own)).toEqual({ guests: 0, ports: 0, disks: 0 })
    const id = await launched()
    const hypervisor = own.hosts.get('a')?.hypervisor
    for (let call = 0; call < 3; call++)
      hypervisor?.failNext('probe', new DriverError('unavailable', 'no answer'))
    await deleteInstance(me, { id })
    await runPending(own.deps)
    await expectCloudError(getInstance(me, { id }), 'not_found')
    expect(await leftovers(own)).toEqual({ guests: 1, ports: 1, disks: 1 })
    expect((await getInstance(me, { id: await launched() })).status).toBe('ACTIVE')
    await own.close()
  })

  test('a page of 1,000 costs as many queries as a page of 1', async () => {
    const me = await testTenant(world)
    const base = {
      projectId: me.projectId,
      userId: me.actor.userId,
      hostname: 'h',
      flavorId: '1',
      flavorName: 'f',
      vcpus: 1,
      memoryMib: 1,
      diskGib: 1,
      vmState: 'active',
      taskState: null,
    }
    await world.deps.root.instance.createMany({
      data: Array.from({ length: 1000 }, (_, i) => ({
        ...base,
        id: crypto.randomUUID(),
        name: `i-${String(i).padStart(4, '0')}`,
      })),
    })
    const input = { ...all, sort: 'name' }
    const first = await listInstances(me, { ...input, limit: 400 })
    const second = await listInstances(me, { ...input, limit: 1000, marker: first.next ?? '' })
    expect([first.items.length, second.items.length, second.next, first.total]).toEqual([
      400,
      600,
      null,
      1000,
    ])
    expect([...first.items, ...second.items].map((i) => i.name)).toEqual(
      [...first.items, ...second.items].map((i) => i.name).sort(),
    )
    const one = await queriesOf(() => listInstances(me, { ...all, limit: 1 }))
    const thousand = await queriesOf(() => listInstances(me, { ...all, limit: 1000 }))
    expect(one).toBeGreaterThan(1)
    expect(thousand).toBe(one)
    expect(one).toBeLessThanOrEqual(9)
    expect((await listInstances(me, { ...all, search: 'i-0007' })).items.map((i) => i.name)).toEqual([
      'i-0007',
    ])
    expect((await listInstances(me, { ...all, status: ['SHUTOFF'] })).total).toBe(0)
    expect((await listInstances(me, { ...all, status: ['ACTIVE', 'ERROR'] })).total).toBe(1000)
    await world.deps.root.instance.deleteMany({ where: { projectId: me.projectId } })
  })

  test('only administrators read names of hosts', async () => {
    const me = await testTenant(world)
    const { instances } = await launchInstances(me, aLaunch(world))
    const id = instances[0]?.id ?? ''
    const admin = await testCtx(world.deps, { role: 'admin' })
    expect(
      JSON.stringify([await getInstance(me, { id }), await planInstance(me, aLaunch(world))]),
    ).not.toContain('secret-name')
    expect((await getInstance(admin, { id })).hostName).toMatch(/^secret-name-[ab]$/)
    await deleteInstance(me, { id })
    await runPending(world.deps)
  })

  test('several instances of a launch get numbered names', () => {
    expect(numbered('web', 0, 1)).toBe('web')
    expect(numbered('web', 1, 3)).toBe('web-2')
    expect(numbered('web-{n}.lab', 1, 3)).toBe('web-2.lab')
    expect(hostnameOf('Größe_1!', 'x')).toBe('gro-e-1')
    expect(hostnameOf('数据库', '12345678-1')).toBe('instance-12345678')
    expect(hostnameOf(`${'a'.repeat(62)}--b`, 'x')).toBe('a'.repeat(62))
  })
})

describe('an image that instances run on', () => {
  let world: World
  beforeAll(async () => {
    world = await testWorld()
  })
  afterAll(() => world.close())

  test('stays while instances of its owner exist; instances of other projects do not keep it', async () => {
    const [owner, stranger] = [await testTenant(world), await testTenant(world)]
    const imageId = await addImage(world.deps, owner.projectId, { visibility: 'community' })
    await launchInstances(stranger, aLaunch(world, { imageId }))
    const { instances } = await launchInstances(owner, aLaunch(world, { imageId }))
    await runPending(world.deps)
    await expectCloudError(refuseWhileInstancesUse(owner, imageId), 'conflict', /^1 instance runs/)
    await deleteInstance(owner, { id: instances[0]?.id ?? '' })
    await runPending(world.deps)
    await refuseWhileInstancesUse(owner, imageId)
  })
})
