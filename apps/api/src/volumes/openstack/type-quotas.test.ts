import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchInput } from '../../compute/contract.ts'
import { launchInstances } from '../../compute/instances/launch.ts'
import { getPartQuota, setQuota, setQuotaDefaults } from '../../quota/limits/service.ts'
import { proveUsage } from '../../quota/reconcile.ts'
import { volumeCreateInput } from '../contract.ts'
import { createVolume, deleteVolume, extendVolume, planVolume } from '../service.ts'
import { aSnapshot } from '../snapshots/testing.openstack.ts'
import { aVolume } from '../testing.openstack.ts'
import { volumeTypeCreateInput } from '../types/contract.ts'
import { createVolumeType, deleteVolumeType, updateVolumeType } from '../types/service.ts'
import { ask, closeCinder, cloud, openCinder } from './cinder.testing.ts'

beforeAll(openCinder)
afterAll(closeCinder)

const db = () => cloud.owner.deps.root
const aType = (name: string) =>
  createVolumeType(cloud.owner.admin, volumeTypeCreateInput.parse({ name, public: true }))
const quotaPath = () => `/os-quota-sets/${cloud.owner.projectId}`
const put = (quota_set: object) => ask('PUT', quotaPath(), { token: cloud.tokens.admin, body: { quota_set } })
const quotaOf = async (path = quotaPath()) =>
  ((await ask('GET', path)).json() as { quota_set: Record<string, unknown> }).quota_set
const used = async (name: string) => (await quotaOf(`${quotaPath()}?usage=True`))[name]
const counters = async (typeId: string) =>
  Object.fromEntries(
    (await getPartQuota(cloud.owner.admin, { projectId: cloud.owner.projectId }))
      .filter(({ part }) => part.id === typeId)
      .map(({ of, used: n }) => [of, n]),
  )
const volume = (type: string, sizeGib = 1) =>
  createVolume(cloud.owner.ctx, volumeCreateInput.parse({ type, sizeGib }))

test('volumes, gigabytes and snapshots of a type are counted and limited, under the name that the type has', async () => {
  const gold = await aType('gold')
  expect(await quotaOf()).toMatchObject({ volumes_gold: -1, gigabytes_gold: -1, snapshots_gold: -1 })
  expect((await put({ volumes_gold: 2, gigabytes_gold: 7, snapshots_gold: '1' })).json()).toMatchObject({
    quota_set: { volumes_gold: 2, gigabytes_gold: 7, snapshots_gold: 1 },
  })
  const { id } = await volume('gold', 2)
  await cloud.owner.settle()
  await aSnapshot(cloud.owner, { volumeId: id })
  expect(await used('gigabytes_gold')).toEqual({ limit: 7, in_use: 4, reserved: 0 })
  await expect(extendVolume(cloud.owner.ctx, { id, sizeGib: 6 })).rejects.toThrow(
    /needs 4 more GiB of volumes and snapshots of this type, and 4 of 7 are in use/,
  )
  await expect(aSnapshot(cloud.owner, { volumeId: id })).rejects.toMatchObject({ code: 'quota_exceeded' })
  await volume('gold')
  await expect(volume('gold')).rejects.toThrow(/needs 1 more volume of this type, and 2 of 2 are in use/)
  const refused = await ask('POST', '/volumes', { body: { volume: { size: 1, volume_type: 'gold' } } })
  expect(refused.statusCode).toBe(413)
  expect(await planVolume(cloud.owner.ctx, { type: 'gold', sizeGib: 1 })).toEqual({
    problem: expect.stringMatching(/2 of 2/),
  })
  await volume('Standard')
  await updateVolumeType(cloud.owner.admin, { id: gold.id, name: 'golden' })
  expect(await used('volumes_golden')).toEqual({ limit: 2, in_use: 2, reserved: 0 })
  expect(await quotaOf()).not.toHaveProperty('volumes_gold')
  expect((await put({ volumes_gold: 3 })).statusCode).toBe(400)
  expect((await put({ volumes_golden: -2 })).statusCode).toBe(400)
})

test('the counters of types are proved by the rows, also where an earlier version counted none', async () => {
  const { id } = await aType('silver')
  const made = await volume('silver', 3)
  await cloud.owner.settle()
  await aSnapshot(cloud.owner, { volumeId: made.id })
  const right = { volumes: 1, volumeGib: 6, volumeSnapshots: 1 }
  expect(await counters(id)).toEqual(right)
  const where = { projectId: cloud.owner.projectId, resource: { endsWith: id } }
  await db().quotaUsage.updateMany({ where, data: { used: 9 } })
  await proveUsage(cloud.owner.admin)
  expect(await counters(id)).toEqual(right)
  await db().quotaUsage.deleteMany({ where })
  await proveUsage(cloud.owner.admin)
  expect(await counters(id)).toEqual(right)
})

test('of parallel requests for the last volumes of a type, so many succeed as the limit allows (A21)', async () => {
  await aType('bronze')
  await put({ volumes_bronze: 3 })
  const results = await Promise.allSettled(Array.from({ length: 30 }, () => volume('bronze')))
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
  expect(await used('volumes_bronze')).toMatchObject({ in_use: 3 })
})

test('a default of a type holds for projects without a limit, and the deletion of the quota set gives it back', async () => {
  await aType('iron')
  const path = '/os-quota-class-sets/default'
  const { admin } = cloud.tokens
  const body = { quota_class_set: { volumes_iron: 4 } }
  expect((await ask('PUT', path, { token: admin, body })).json()).toMatchObject({
    quota_class_set: { volumes_iron: 4, snapshots_iron: -1 },
  })
  expect(await quotaOf()).toMatchObject({ volumes_iron: 4 })
  await put({ volumes_iron: 1 })
  expect(await quotaOf()).toMatchObject({ volumes_iron: 1 })
  expect((await ask('DELETE', quotaPath(), { token: admin })).statusCode).toBe(200)
  expect(await quotaOf()).toMatchObject({ volumes_iron: 4 })
  expect(await quotaOf(`${quotaPath()}/defaults`)).toMatchObject({ volumes_iron: 4 })
  await db().quotaLimit.createMany({
    data: ['volumes', 'volumeGib', 'volumeSnapshots'].map((resource) => ({
      ...{ projectId: cloud.owner.projectId, resource, limit: -1 },
    })),
  })
})

test('the deletion of a type deletes its limits and counters', async () => {
  const { id } = await aType('lead')
  await put({ volumes_lead: 4 })
  await setQuotaDefaults(cloud.owner.admin, { limits: { [`volumeGib:${id}`]: 9 } })
  const made = await volume('lead')
  await cloud.owner.settle()
  await deleteVolume(cloud.owner.ctx, { id: made.id })
  await cloud.owner.settle()
  expect(await counters(id)).toEqual({ volumes: 0, volumeGib: 0, volumeSnapshots: 0 })
  await deleteVolumeType(cloud.owner.admin, { id })
  const where = { resource: { endsWith: id } }
  expect([
    await db().quotaLimit.count({ where }),
    await db().quotaDefault.count({ where }),
    await db().quotaUsage.count({ where }),
  ]).toEqual([0, 0, 0])
  const limits = { [`volumes:${id}`]: 5 }
  await expect(
    setQuota(cloud.owner.admin, { projectId: cloud.owner.projectId, limits }),
  ).rejects.toMatchObject({ code: 'not_found' })
})

test('per_volume_gigabytes limits each volume, new, extended or of a launch, and is no sum', async () => {
  await put({ per_volume_gigabytes: 5 })
  expect(await used('per_volume_gigabytes')).toEqual({ limit: 5, in_use: 0, reserved: 0 })
  await volume('Standard', 5)
  await expect(volume('Standard', 6)).rejects.toThrow(/at most 5 GiB in one volume, and this needs 6/)
  const id = await aVolume(cloud.owner)
  await expect(extendVolume(cloud.owner.ctx, { id, sizeGib: 6 })).rejects.toMatchObject({
    code: 'quota_exceeded',
  })
  const volumes = [{ from: { kind: 'blank' }, sizeGib: 6 }]
  const wish = { name: 'web', imageId: cloud.owner.imageId, flavorId: '1', volumes }
  await expect(launchInstances(cloud.owner.ctx, launchInput.parse(wish))).rejects.toThrow(
    /at most 5 GiB in one volume/,
  )
  await put({ per_volume_gigabytes: -1 })
})
