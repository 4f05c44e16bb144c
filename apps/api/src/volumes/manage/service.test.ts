import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, testCtx } from '../../kernel/testing.ts'
import { ask, closeCinder, cloud, openCinder } from '../openstack/cinder.testing.ts'
import { volumeLeftovers } from '../reconcile.ts'
import { createTransfer, getVolume } from '../service.ts'
import { aSnapshot } from '../snapshots/testing.openstack.ts'
import { snapshotTrash } from '../snapshots/trash.ts'
import { aVolume } from '../testing.openstack.ts'
import { transferCreateInput } from '../transfers/contract.ts'
import { putInTrash } from '../trash/trash.ts'
import { volumeManageInput } from './contract.ts'
import { manageableSnapshots, manageableVolumes } from './list.ts'
import { manageVolume, unmanageVolume } from './service.ts'

beforeAll(openCinder)
afterAll(closeCinder)

const pool = 'secret-name-a@local'
const db = () => cloud.owner.deps.root
const at = (body: unknown) => ({ token: cloud.tokens.admin, version: 'volume 3.8', body })
const unmanage = (plural: string, id: string) =>
  ask('POST', `/${plural}/${id}/action`, at({ 'os-unmanage': null }))
const usedGib = async () => (await db().host.aggregate({ _sum: { diskGibUsed: true } }))._sum.diskGibUsed ?? 0
const seen = async (id: string) =>
  (await manageableVolumes(cloud.owner.admin, { pool })).find((one) => one.id === id)

test('a volume that the cloud leaves keeps its data in the pool, and comes back with room and quota', async () => {
  const before = await usedGib()
  const id = await aVolume(cloud.owner, { sizeGib: 2 })
  expect(await seen(id)).toMatchObject({ isKnown: true, problem: expect.stringMatching(/knows it already/) })
  expect((await unmanage('volumes', id)).statusCode).toBe(202)
  expect(await db().tombstone.count({ where: { id } })).toBe(0)
  await volumeLeftovers.run(cloud.owner.admin)
  expect(await usedGib()).toBe(before)
  expect(await seen(id)).toEqual({
    ...{ id, sizeGib: 2, volumeId: null, quiesced: null, isKnown: false, problem: null },
  })

  const list = await ask('GET', `/manageable_volumes/detail?host=${encodeURIComponent(`${pool}#local`)}`, {
    ...{ token: cloud.tokens.admin, version: 'volume 3.8' },
  })
  expect((list.json() as { 'manageable-volumes': object[] })['manageable-volumes']).toContainEqual({
    ...{ reference: { 'source-name': id }, size: 2, safe_to_manage: true },
    ...{ reason_not_safe: null, cinder_id: null, extra_info: null },
  })
  const wish = { host: `${pool}#local`, ref: { 'source-name': id }, name: 'm1', description: null }
  const body = {
    volume: { ...wish, volume_type: null, availability_zone: null, metadata: null, bootable: false },
  }
  const taken = await ask('POST', '/os-volume-manage', at(body))
  expect([taken.statusCode, taken.json()]).toMatchObject([
    202,
    { volume: { id, size: 2, status: 'available', name: 'm1' } },
  ])
  expect(await usedGib()).toBe(before + 2)
  expect((await ask('POST', '/manageable_volumes', at(body))).statusCode).toBe(400)
  const admin = await getVolume(cloud.owner.admin, { id })
  await expect(
    createTransfer({ ...cloud.owner.admin }, transferCreateInput.parse({ volumeId: admin.id })),
  ).rejects.toThrow(/nobody knows with which volumes it shares data/)
})

test('a volume is given to the project that an administrator names, who needs no project for that', async () => {
  const id = await aVolume(cloud.owner)
  await unmanage('volumes', id)
  const { projectId } = await testCtx(cloud.owner.deps)
  const take = (to: string) =>
    manageVolume(cloud.owner.admin, volumeManageInput.parse({ pool, ref: id, projectId: to }))
  await expectCloudError(take('nowhere'), 'invalid_input', /There is no such project/)
  expect(await take(projectId)).toMatchObject({ id, projectId, state: 'available' })
})

test('a snapshot goes and comes in the same way, behind its volume', async () => {
  const volumeId = await aVolume(cloud.owner)
  const id = await aSnapshot(cloud.owner, { volumeId })
  expect((await unmanage('volumes', volumeId)).statusCode).toBe(400)
  expect((await unmanage('snapshots', id)).statusCode).toBe(202)
  const wish = (volume_id: string) => at({ snapshot: { volume_id, ref: { 'source-id': id } } })
  expect((await ask('POST', '/manageable_snapshots', wish(await aVolume(cloud.owner)))).statusCode).toBe(400)
  expect((await unmanage('volumes', volumeId)).statusCode).toBe(202)
  const [lost] = (await manageableSnapshots(cloud.owner.admin, { pool })).filter((one) => one.id === id)
  expect(lost).toMatchObject({ isKnown: false, problem: expect.stringMatching(/does not know its volume/) })
  const volume = { host: pool, ref: { 'source-name': volumeId } }
  expect((await ask('POST', '/manageable_volumes', at({ volume }))).statusCode).toBe(202)
  const taken = await ask('POST', '/os-snapshot-manage', wish(volumeId))
  expect([taken.statusCode, taken.json()]).toMatchObject([
    202,
    { snapshot: { id, volume_id: volumeId, status: 'available' } },
  ])
})

test('only administrators see and take what lies in pools, and nothing that a guest has or that was deleted', async () => {
  expect((await ask('GET', `/manageable_volumes?host=${pool}`, { version: 'volume 3.8' })).statusCode).toBe(
    403,
  )
  const id = await aVolume(cloud.owner)
  await unmanage('volumes', id)
  await db().tombstone.create({ data: { kind: 'volume', id } })
  expect(await seen(id)).toMatchObject({ problem: expect.stringMatching(/was deleted/) })
  const volume = { host: pool, ref: { 'source-name': id } }
  expect((await ask('POST', '/manageable_volumes', at({ volume }))).statusCode).toBe(400)
  for (const wrong of [
    { host: pool, ref: { 'source-name': 'x' } },
    { ...volume, ref: { 'source-name': crypto.randomUUID() } },
  ])
    expect((await ask('POST', '/manageable_volumes', at({ volume: wrong }))).statusCode).toBe(400)
  const noName = { ...volume, ref: { 'source-name': 'x' } }
  expect((await ask('POST', '/manageable_volumes', at({ volume: noName }))).body).toContain(
    'invalid backend reference x',
  )
  const many = Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`k${i}`, 'v']))
  for (const [wrong, words] of [
    [{ ...volume, metadata: many }, /field\/attribute metadata\. At most 128 entries/],
    [{ ...volume, name: '   ' }, /field\/attribute name\./],
  ] as const) {
    const answer = await ask('POST', '/manageable_volumes', at({ volume: wrong }))
    expect([answer.statusCode, answer.body]).toEqual([400, expect.stringMatching(words)])
  }
  expect(
    (await ask('POST', '/manageable_volumes', at({ volume: { ...volume, host: 'nowhere@x' } }))).statusCode,
  ).toBe(404)
})

test('an administrator names the project that gets a volume, also without a project of their own; nobody else does', async () => {
  const id = await aVolume(cloud.owner)
  await unmanageVolume(cloud.owner.admin, { id })
  const { projectId } = cloud.stranger
  const take = (ctx: Ctx, project = projectId) =>
    manageVolume(ctx, volumeManageInput.parse({ pool, ref: id, projectId: project }))
  const [before] = await db().quotaUsage.findMany({ where: { projectId, resource: 'volumes' } })
  await expectCloudError(take(cloud.owner.ctx), 'forbidden', /name the project/)
  await expectCloudError(take(cloud.owner.admin, 'gone'), 'invalid_input', /no such project/)
  const whole: Ctx = { ...cloud.owner.admin, scope: { kind: 'system' } }
  expect(await take(whole)).toMatchObject({ id, projectId })
  const [after] = await db().quotaUsage.findMany({ where: { projectId, resource: 'volumes' } })
  expect(after?.used).toBe((before?.used ?? 0) + 1)
  expect(await getVolume(cloud.stranger.ctx, { id })).toMatchObject({ state: 'available' })
})

test('a volume stays that an instance has, that has deleted snapshots, or whose old place is not empty yet', async () => {
  const id = await aVolume(cloud.owner)
  const refused = async (words: RegExp) =>
    expectCloudError(unmanageVolume(cloud.owner.admin, { id }), 'conflict', words)
  const snapshotId = await aSnapshot(cloud.owner, { volumeId: id })
  await putInTrash(cloud.owner.admin, snapshotTrash, snapshotId, 600_000)
  await refused(/deleted snapshots/)
  await db().volumeSnapshot.update({ where: { id: snapshotId }, data: { trashedUntil: null } })
  expect((await unmanage('snapshots', snapshotId)).statusCode).toBe(202)
  const wish = at({ snapshot: { volume_id: id, ref: { 'source-id': snapshotId } } })
  for (const state of ['retyping', 'maintenance', 'deleting', 'awaiting-transfer', 'error']) {
    await db().volume.update({ where: { id }, data: { state } })
    expect((await ask('POST', '/manageable_snapshots', wish)).statusCode, state).toBe(400)
  }
  const data = { id: crypto.randomUUID(), volumeId: id, instanceId: crypto.randomUUID(), device: '/dev/vdb' }
  await db().volumeAttachment.create({ data })
  await refused(/Detach it first/)
  await db().volumeAttachment.delete({ where: { id: data.id } })
  await db().volume.update({ where: { id }, data: { state: 'available' } })
  await db().tombstone.create({ data: { kind: 'volume', id } })
  await refused(/was moved/)
  await db().tombstone.deleteMany({ where: { id } })
  // Another project could take the volume over, whose bytes the copy has, too.
  await db().volume.update({ where: { id }, data: { lineageId: crypto.randomUUID() } })
  await refused(/shares data/)
  await db().volume.update({ where: { id }, data: { lineageId: null } })
  expect((await unmanage('volumes', id)).statusCode).toBe(202)
})
