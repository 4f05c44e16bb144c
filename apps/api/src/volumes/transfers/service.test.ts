import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accounts, testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import { volumeContents } from '../project-deletion.ts'
import {
  acceptTransfer,
  createSnapshot,
  createTransfer,
  createVolume,
  deleteSnapshot,
  deleteTransfer,
  deleteVolume,
  extendVolume,
  forceDeleteVolume,
  getSnapshot,
  getTransfer,
  getVolume,
  listTransfers,
  resetVolume,
} from '../service.ts'
import { snapshotCreateInput } from '../snapshots/contract.ts'
import { transferCreateInput, transferListInput } from './contract.ts'
import { isKeyOf } from './key.ts'

let world: World
let giver: Ctx & { projectId: string; networkId: string }
let taker: Ctx & { projectId: string }
let admin: Ctx
beforeAll(async () => {
  world = await testWorld(['a'])
  giver = await testTenant(world)
  taker = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: giver.projectId })
  await runPending(world.deps)
})
afterAll(() => world.close())

const db = () => world.deps.root
async function aVolume(ctx: Ctx = giver): Promise<string> {
  const { id } = await createVolume(ctx, volumeCreateInput.parse({ name: 'data', sizeGib: 3 }))
  await runPending(world.deps)
  return id
}
const offer = async (ctx: Ctx = giver, volumeId?: string) =>
  createTransfer(ctx, transferCreateInput.parse({ volumeId: volumeId ?? (await aVolume(ctx)) }))
const amounts = async (ctx: { projectId: string }) => {
  const { volumes = 0, volumeGib = 0 } = await accounts(world, ctx.projectId)
  return [volumes, volumeGib]
}

test('an accepted volume belongs to the other project, with its quota, and the key is used up', async () => {
  const before = await amounts(giver)
  const { id, key, volumeId } = await offer()
  expect(await getVolume(giver, { id: volumeId })).toMatchObject({ state: 'awaiting-transfer' })
  await expectCloudError(getVolume(taker, { id: volumeId }), 'not_found')
  await expectCloudError(getTransfer(taker, { id }), 'not_found')
  const { volume } = await acceptTransfer(taker, { id, key })
  expect(volume).toMatchObject({ id: volumeId, state: 'available', projectId: taker.projectId })
  expect(volume.userId).toBe(taker.actor.userId)
  await expectCloudError(getVolume(giver, { id: volumeId }), 'not_found')
  expect([await amounts(giver), await amounts(taker)]).toEqual([before, [1, 3]])
  await expectCloudError(acceptTransfer(taker, { id, key }), 'not_found')
  await expectCloudError(acceptTransfer(giver, { id, key }), 'not_found')
  await deleteVolume(taker, { id: volumeId })
  await runPending(world.deps)
  expect(await amounts(taker)).toEqual([0, 0])
})

describe('a transfer is refused', () => {
  test('with a wrong key exactly as one that does not exist, and stays', async () => {
    const { id, key } = await offer()
    const said = async (given: { id: string; key: string }) =>
      acceptTransfer(taker, given).catch((error: Error) => error.message.replaceAll(given.id, 'ID'))
    const unknown = await said({ id: crypto.randomUUID(), key })
    for (const wrong of ['x', key.slice(1), `${key} `, key.toUpperCase().replace(/^/, ' ')])
      expect(await said({ id, key: wrong })).toBe(unknown)
    expect(await listTransfers(giver, transferListInput.parse({}))).toMatchObject({ items: [{ id }] })
    await deleteTransfer(giver, { id })
    await expectCloudError(acceptTransfer(taker, { id, key }), 'not_found')
  })

  test('by readers and strangers, who do not see it', async () => {
    const { id, key, volumeId } = await offer()
    const reader = await testCtx(world.deps, { role: 'reader', projectId: giver.projectId })
    expect(await getTransfer(reader, { id })).not.toHaveProperty('key')
    await expectCloudError(acceptTransfer(reader, { id, key }), 'forbidden')
    await expectCloudError(deleteTransfer(reader, { id }), 'forbidden')
    await expectCloudError(deleteTransfer(taker, { id }), 'not_found')
    await expectCloudError(offer(taker, volumeId), 'not_found')
    expect((await listTransfers(taker, transferListInput.parse({}))).items).toEqual([])
    await deleteTransfer(giver, { id })
    expect(await getVolume(giver, { id: volumeId })).toMatchObject({ state: 'available' })
  })

  test('of a volume that is not available, and an offered one takes no other action', async () => {
    const { id, volumeId } = await offer()
    await expectCloudError(offer(giver, volumeId), 'conflict', /offered to another project/)
    await expectCloudError(deleteVolume(giver, { id: volumeId }), 'conflict', /Withdraw/)
    await expectCloudError(extendVolume(giver, { id: volumeId, sizeGib: 9 }), 'conflict')
    await deleteTransfer(giver, { id })
    await db().volume.update({ where: { id: volumeId }, data: { state: 'in-use' } })
    await expectCloudError(offer(giver, volumeId), 'conflict', /in use/)
    await db().volume.update({ where: { id: volumeId }, data: { state: 'available' } })
  })

  test('when the other project has no quota for the volume, which stays where it was', async () => {
    const small = await testCtx(world.deps)
    await db().quotaLimit.create({
      data: { projectId: small.projectId, resource: 'volumeGib', limit: 2 },
    })
    const [before, { id, key, volumeId }] = [await amounts(giver), await offer()]
    await expectCloudError(acceptTransfer(small, { id, key }), 'quota_exceeded')
    expect(await getVolume(giver, { id: volumeId })).toMatchObject({ state: 'awaiting-transfer' })
    expect(await amounts(giver)).toEqual([(before[0] ?? 0) + 1, (before[1] ?? 0) + 3])
    expect(await amounts(small)).toEqual([0, 0])
    await deleteTransfer(giver, { id })
  })
})

test('of two who accept at once, and of one who accepts while it is withdrawn, one gets the volume', async () => {
  const other = await testTenant(world)
  const before = [await amounts(giver), await amounts(taker), await amounts(other)].flat()
  const { id, key, volumeId } = await offer()
  const done = await Promise.allSettled([
    acceptTransfer(taker, { id, key }),
    acceptTransfer(other, { id, key }),
    acceptTransfer(taker, { id, key }),
    deleteTransfer(giver, { id }),
  ])
  expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const { projectId } = await db().volume.findUniqueOrThrow({ where: { id: volumeId } })
  const after = [await amounts(giver), await amounts(taker), await amounts(other)].flat()
  const sum = (some: number[]) => some.reduce((all, one) => all + one, 0)
  expect(sum(after) - sum(before)).toBe(4)
  const [owner] = [giver, taker, other].filter((one) => one.projectId === projectId)
  if (owner) await deleteVolume(owner, { id: volumeId })
  await runPending(world.deps)
})

test('transfers that cross do not end in a deadlock', async () => {
  const offers = []
  for (const from of [giver, taker, giver, taker]) offers.push({ from, ...(await offer(from)) })
  await Promise.all(
    offers.map(({ from, id, key }) => acceptTransfer(from === giver ? taker : giver, { id, key })),
  )
  for (const { from, volumeId } of offers)
    expect((await getVolume(from === giver ? taker : giver, { id: volumeId })).state).toBe('available')
})

test('an administrator ends an offer by another state, by force, or with the project', async () => {
  const { id, key, volumeId } = await offer()
  await resetVolume(admin, { id: volumeId, to: 'available' })
  await expectCloudError(acceptTransfer(taker, { id, key }), 'not_found')
  const second = await offer(giver, volumeId)
  await forceDeleteVolume(admin, { id: volumeId })
  await expectCloudError(acceptTransfer(taker, second), 'conflict')
  await runPending(world.deps)
  expect(await db().volumeTransfer.count({ where: { id: second.id } })).toBe(0)
  await offer()
  await volumeContents.find(({ kind }) => kind === 'volume')?.remove(world.system, giver.projectId)
  await runPending(world.deps)
  expect(await amounts(giver)).toEqual([0, 0])
})

test('snapshots go with their volume, in both quotas, and nobody can leave them behind', async () => {
  const [first, second] = [await accounts(world, giver.projectId), await accounts(world, taker.projectId)]
  const volumeId = await aVolume()
  const { id: snapshotId } = await createSnapshot(giver, snapshotCreateInput.parse({ volumeId }))
  await expectCloudError(offer(giver, volumeId), 'conflict', /not available/)
  await runPending(world.deps)
  const without = transferCreateInput.parse({ volumeId, noSnapshots: true })
  await expectCloudError(createTransfer(giver, without), 'conflict', /has snapshots/)
  await acceptTransfer(taker, await offer(giver, volumeId))
  await expectCloudError(getSnapshot(giver, { id: snapshotId }), 'not_found')
  expect(await getSnapshot(taker, { id: snapshotId })).toMatchObject({ projectId: taker.projectId })
  expect(await accounts(world, giver.projectId)).toMatchObject(pick(first))
  expect((await accounts(world, taker.projectId)).volumeGib).toBe((second.volumeGib ?? 0) + 6)
  await deleteSnapshot(taker, { id: snapshotId })
  await runPending(world.deps)
  await deleteVolume(taker, { id: volumeId })
  await runPending(world.deps)
  expect(await accounts(world, taker.projectId)).toMatchObject(pick(second))
})
const pick = ({ volumes, volumeGib, volumeSnapshots }: Record<string, number>) =>
  JSON.parse(JSON.stringify({ volumes, volumeGib, volumeSnapshots }))

test('the key is kept as a salted hash, and no hash is the key of nobody', async () => {
  const [one, other] = [await offer(), await offer()]
  const rows = await db().volumeTransfer.findMany({ where: { id: { in: [one.id, other.id] } } })
  expect(JSON.stringify(rows)).not.toContain(one.key)
  expect(one.key).toMatch(/^[\da-f]{32}$/)
  expect(isKeyOf(rows[0]?.keyHash ?? '', rows[0]?.id === one.id ? one.key : other.key)).toBe(true)
  expect(isKeyOf(null, one.key)).toBe(false)
})

test('an encrypted volume is offered to nobody by a client that knows only plain ones', async () => {
  const type = { id: crypto.randomUUID(), name: 'sealed', encryptionId: crypto.randomUUID() }
  await db().volumeType.create({ data: type })
  const { id } = await createVolume(giver, volumeCreateInput.parse({ sizeGib: 1, type: 'sealed' }))
  await runPending(world.deps)
  const wish = transferCreateInput.parse({ volumeId: id })
  await expectCloudError(createTransfer(giver, wish, { plainOnly: true }), 'conflict', /since 3\.70/)
  expect(await createTransfer(giver, wish)).toMatchObject({ volumeId: id })
})

test('the new project learns of the image of a volume only when it sees the image', async () => {
  const image = async (visibility: string) => {
    const id = crypto.randomUUID()
    const data = { id, projectId: giver.projectId, name: `of ${visibility}`, state: 'active', visibility }
    const bytes = { diskFormat: 'qcow2', virtualBytes: 1024n, blobId: 'a'.repeat(64) }
    await db().image.create({ data: { ...data, ...bytes } })
    return id
  }
  for (const [visibility, receiver] of [
    ['private', taker],
    ['public', taker],
    ['private', { ...admin, scope: taker.scope }],
  ] as const) {
    const imageId = await image(visibility)
    const { id } = await createVolume(giver, volumeCreateInput.parse({ imageId, sizeGib: 1 }))
    await runPending(world.deps)
    const snapshot = await createSnapshot(giver, snapshotCreateInput.parse({ volumeId: id }))
    await runPending(world.deps)
    const { volume } = await acceptTransfer(receiver, await offer(giver, id))
    const isSeen = visibility === 'public'
    expect(volume.image).toEqual(isSeen ? { id: imageId, name: 'of public' } : null)
    expect(await db().volumeSnapshot.findUnique({ where: { id: snapshot.id } })).toMatchObject({
      ...(isSeen ? { imageId, imageName: 'of public' } : { imageId: null, imageName: '' }),
    })
  }
})
