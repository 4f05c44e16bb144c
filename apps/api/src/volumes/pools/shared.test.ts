import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteInstance } from '../../compute/instances/actions.ts'
import { launchInstances } from '../../compute/instances/launch.ts'
import { attachVolume, detachVolume } from '../../compute/instances/volumes.ts'
import { aLaunch, testTenant, testWorld, type World } from '../../compute/testing.ts'
import { deliverThings } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { forgottenVolumes } from '../attachments.ts'
import { poolCreateInput, volumeCreateInput, volumeTypeCreateInput } from '../contract.ts'
import { createVolume, getVolume } from '../service.ts'
import { createVolumeType } from '../types/service.ts'
import { getPool } from './list.ts'
import { createPool } from './service.ts'
import { sharedPools } from './shared.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
let type: string
beforeAll(async () => {
  world = await testWorld(['a', 'b'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
  const place = { driver: 'files', path: '/mnt/shared' }
  await createPool(admin, poolCreateInput.parse({ name: 'archive', place, capacityGib: 500 }))
  const extraSpecs = { volume_backend_name: 'archive' }
  ;({ id: type } = await createVolumeType(
    admin,
    volumeTypeCreateInput.parse({ name: 'archive', extraSpecs }),
  ))
})
afterAll(() => world.close())

const db = () => world.deps.root
async function aVolume(): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 2, type }))
  await runPending(world.deps)
  return id
}
/** An instance on that machine. */
async function instanceOn(name: string): Promise<string> {
  const others = { name: { not: `secret-name-${name}` } }
  await db().host.updateMany({ where: others, data: { enabled: false } })
  const { instances } = await launchInstances(tenant, aLaunch(world))
  await db().host.updateMany({ where: others, data: { enabled: true } })
  await runPending(world.deps)
  return instances[0]?.id ?? ''
}
const setState = (name: string, state: string) =>
  db().host.update({ where: { name: `secret-name-${name}` }, data: { state } })
const attach = async (id: string, volumeId: string) => {
  await attachVolume(tenant, { id, volumeId })
  await runPending(world.deps)
}
const isKnown = async (name: string, id: string) =>
  (await getVolume(admin, { id })).attachments[0]?.host === `secret-name-${name}`

test('a volume goes from an instance on one machine to one on another', async () => {
  const [volume, first, second] = [await aVolume(), await instanceOn('a'), await instanceOn('b')]
  await attach(first, volume)
  expect(await isKnown('a', volume)).toBe(true)
  await detachVolume(tenant, { id: first, volumeId: volume })
  await runPending(world.deps)
  await attach(second, volume)
  expect(await getVolume(tenant, { id: volume })).toMatchObject({ state: 'in-use' })
  expect(await isKnown('b', volume)).toBe(true)
  const row = await db().volumePool.findUniqueOrThrow({ where: { name: 'shared@archive' } })
  const kept = world.hosts.get('a')?.volumes.elsewhere.get(row.id)?.volumes.get(volume)
  expect([...(kept?.guests ?? [])]).toEqual([second])
})

test.each(['comes back', 'is declared to be off'])(
  'a volume of a deleted instance on a silent machine waits until the machine %s',
  async (how) => {
    const [volume, instance, other] = [await aVolume(), await instanceOn('a'), await instanceOn('b')]
    await attach(instance, volume)
    world.faults.set('a', 'refuses')
    await setState('a', 'down')
    await deleteInstance(tenant, { id: instance, releasePublicIp: true })
    await runPending(world.deps)
    expect(await db().instance.findUnique({ where: { id: instance } })).toBeNull()
    const stays = async () => {
      await forgottenVolumes.run(world.system)
      expect(await getVolume(tenant, { id: volume })).toMatchObject({
        state: 'detaching',
        attachments: [{ instanceId: instance, instanceName: null }],
      })
      await expectCloudError(attachVolume(tenant, { id: other, volumeId: volume }), 'conflict')
    }
    await stays()
    if (how === 'comes back') {
      world.faults.delete('a')
      await setState('a', 'up')
      await stays()
      await deliverThings(world.system, 'instance', [instance])
    } else await setState('a', 'fenced')
    await forgottenVolumes.run(world.system)
    expect(await getVolume(tenant, { id: volume })).toMatchObject({ state: 'available', attachments: [] })
    await sharedPools.run(world.system)
    world.faults.delete('a')
    await setState('a', 'up')
    expect((await getPool(admin, { name: 'shared@archive' })).closed).toBeNull()
  },
)

test('a volume that cannot be released lets others not wait', async () => {
  const [stuck, other] = [await aVolume(), await aVolume()]
  for (const [i, volumeId] of [stuck, other].entries())
    await db().volumeAttachment.create({
      data: {
        ...{ id: crypto.randomUUID(), volumeId, instanceId: crypto.randomUUID(), device: '/dev/vdb' },
        ...{ state: 'detaching', forgottenAt: new Date(i) },
      },
    })
  await db().volume.updateMany({ where: { id: { in: [stuck, other] } }, data: { state: 'detaching' } })
  await db().volume.update({ where: { id: stuck }, data: { trashedUntil: new Date() } })
  await forgottenVolumes.run(world.system)
  expect(await getVolume(tenant, { id: other })).toMatchObject({ state: 'available', attachments: [] })
  await db().volumeAttachment.deleteMany({ where: { volumeId: stuck } })
  await db().volume.delete({ where: { id: stuck } })
})
