import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { launchInstances } from '../../compute/instances/launch.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { aLaunch, testTenant, testWorld, type World } from '../../compute/testing.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { expectCloudError, failEveryStep, runPending, testCtx } from '../../kernel/testing.ts'
import { backupCreateInput } from '../backups/contract.ts'
import { exportBackup, importBackup } from '../backups/record.ts'
import { restoreBackup } from '../backups/restore.ts'
import { volumeCreateInput, volumeRetypeInput, volumeTypeCreateInput } from '../contract.ts'
import { manageableVolumes } from '../manage/list.ts'
import { unmanageVolume } from '../manage/service.ts'
import { retypeVolume } from '../moves/service.ts'
import {
  createBackup,
  createSnapshot,
  createVolume,
  forceDeleteBackup,
  forceDeleteVolume,
  getBackup,
  getVolume,
  makeVolumeImage,
} from '../service.ts'
import { snapshotCreateInput } from '../snapshots/contract.ts'
import { createVolumeType, setTypeSpecs } from '../types/service.ts'
import { forgetKey } from './keys.ts'
import { expectKeys, volumeKeys } from './reconcile.ts'
import { changeEncryption, decryptType, encryptType } from './type.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
let secret: string
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin', projectId: tenant.projectId })
  await runPending(world.deps)
  const type = volumeTypeCreateInput.parse({ name: 'secret', encrypted: true })
  secret = (await createVolumeType(admin, type)).id
})
afterAll(() => world.close())

const db = () => world.deps.root
const host = () => {
  const found = world.hosts.get('a')
  if (!found) throw new Error('the host is gone')
  return found
}
const settle = () => runPending(world.deps)
const create = (patch: object = {}) =>
  createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, type: 'secret', ...patch }))
async function aVolume(patch: object = {}): Promise<string> {
  const { id } = await create(patch)
  await settle()
  expect((await getVolume(tenant, { id })).state).toBe('available')
  return id
}
const keyAt = (id: string) => host().volumes.volumes.get(id)?.key
const aBackup = async (volumeId: string) => {
  const { id } = await createBackup(tenant, backupCreateInput.parse({ volumeId }))
  await settle()
  return id
}

describe('an encrypted volume', () => {
  test('has a random key that is told to its host and stands nowhere in the clear', async () => {
    const [one, two] = [await aVolume(), await aVolume()]
    const [a, b] = [keyAt(one), keyAt(two)]
    expect(Buffer.from(a ?? '', 'base64')).toHaveLength(32)
    expect(a).not.toBe(b)
    const view = await getVolume(tenant, { id: one })
    expect(view).toMatchObject({ encrypted: true, keyId: expect.any(String) })
    const rows = [
      ...(await db().volumeKey.findMany()),
      ...(await db().operation.findMany()),
      ...(await db().event.findMany()),
      ...(await db().volume.findMany()),
    ]
    const text = JSON.stringify([rows, view], (_key, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    )
    expect(text).not.toContain(a)
    expect((await getVolume(tenant, { id: await aVolume({ type: 'Standard' }) })).encrypted).toBe(false)
  })

  test('gives its key to what is made of it, and what is plain stays plain', async () => {
    const id = await aVolume()
    const plain = await aVolume({ type: 'Standard' })
    const snapshot = await createSnapshot(tenant, snapshotCreateInput.parse({ volumeId: id }))
    await settle()
    expect(snapshot.encrypted).toBe(true)
    const backupId = await aBackup(id)
    for (const origin of [{ sourceVolumeId: id }, { snapshotId: snapshot.id }, { backupId }])
      expect(keyAt(await aVolume(origin))).toBe(keyAt(id))
    await expectCloudError(
      create({ sourceVolumeId: id, type: 'Standard' }),
      'conflict',
      /Choose a type that encrypts/,
    )
    await expectCloudError(create({ sourceVolumeId: plain }), 'conflict', /is not encrypted/)
    await expectCloudError(
      restoreBackup(tenant, { id: backupId, volumeId: plain }),
      'conflict',
      /is encrypted/,
    )
    const { keyId } = await getVolume(tenant, { id })
    expect(await getBackup(tenant, { id: backupId })).toMatchObject({ encrypted: true, keyId })
    expect(await getBackup(tenant, { id: await aBackup(plain) })).toMatchObject({
      encrypted: false,
      keyId: null,
    })
    const other = await aVolume()
    await expectCloudError(
      restoreBackup(tenant, { id: backupId, volumeId: other }),
      'conflict',
      /different keys/,
    )
    await restoreBackup(tenant, { id: backupId, volumeId: id })
    await settle()
    expect((await getVolume(tenant, { id })).state).toBe('available')
    const image = { id, name: 'i', diskFormat: 'raw', force: false, visibility: 'private', protected: false }
    const retype = volumeRetypeInput.parse({ id: other, type: 'Standard' })
    await expectCloudError(retypeVolume(tenant, retype), 'conflict', /nor an encrypted one plain/)
    await expectCloudError(unmanageVolume(admin, { id: other }), 'conflict', /key of an encrypted volume/)
    await expectCloudError(makeVolumeImage(tenant, image as never), 'conflict', /would not be encrypted/)
  })

  test('is attached, and its host gets the key first, again after it forgot it, and none that it does not need', async () => {
    const id = await aVolume()
    const { instances } = await launchInstances(tenant, aLaunch(world))
    await settle()
    await attachVolume(tenant, { id: instances[0]?.id ?? '', volumeId: id })
    await settle()
    expect((await getVolume(tenant, { id })).state).toBe('in-use')
    const guest = host().hypervisor.state.instances[instances[0]?.id ?? '']
    expect(guest?.spec.volumes).toMatchObject([{ id, encrypted: true }])
    const keys = host().volumes.keys as Map<string, string>
    expect([...keys]).toEqual([[id, keyAt(id)]])
    const compare = async () => {
      const asked = vi.spyOn(host().volumes, 'keepKeys')
      await volumeKeys.run(world.system)
      const { length } = asked.mock.calls
      asked.mockRestore()
      return length
    }
    // The attachment is compared once, because a comparison may have been under way, and then nobody is asked.
    expect([await compare(), await compare()]).toEqual([1, 0])
    const { id: hostId } = await db().host.findFirstOrThrow()
    const restart = async () => {
      keys.clear()
      const facts = { start: crypto.randomUUID() }
      await db().hostBeat.upsert({ where: { hostId }, create: { hostId, facts }, update: { facts } })
    }
    await restart()
    keys.set(crypto.randomUUID(), 'old')
    host().volumes.failNext('keepKeys', new DriverError('unavailable', 'away'))
    expect([await compare(), await compare(), await compare()]).toEqual([1, 1, 0])
    expect([...keys]).toEqual([[id, keyAt(id)]])
    // An attachment in the middle of a comparison is not forgotten by the end of that one.
    await restart()
    vi.spyOn(host().volumes, 'giveKeys').mockImplementationOnce(async () =>
      expectKeys(world.system, hostId, [id]),
    )
    expect([await compare(), await compare(), await compare()]).toEqual([1, 1, 0])
    expect([...keys]).toEqual([[id, keyAt(id)]])
    // A key that the host does not need any more goes within some minutes.
    keys.set(crypto.randomUUID(), 'old')
    await db().volumeKeyHost.updateMany({ data: { at: new Date(Date.now() - 301_000) } })
    expect(await compare()).toBe(1)
    expect([...keys]).toEqual([[id, keyAt(id)]])
  })

  test('is not offered for taking over when its row is lost, because nobody has its key', async () => {
    const [id, plain] = [await aVolume(), await aVolume({ type: 'Standard' })]
    await db().volume.deleteMany({ where: { id: { in: [id, plain] } } })
    // A database that was restored knows nothing of them.
    await db().tombstone.deleteMany()
    const found = await manageableVolumes(admin, { pool: 'secret-name-a@local' })
    const problemOf = (of: string) => found.find((one) => one.id === of)?.problem
    expect([problemOf(plain), problemOf(id)]).toEqual([null, expect.stringMatching(/does not have its key/)])
    for (const one of [id, plain]) (host().volumes.volumes as Map<string, unknown>).delete(one)
  })

  test('leaves no key when the last two that have it go at once', async () => {
    const first = await aVolume()
    const second = await aVolume({ sourceVolumeId: first })
    const { keyId } = await db().volume.findUniqueOrThrow({ where: { id: first } })
    const bothGone = Promise.withResolvers<void>()
    let gone = 0
    const drop = (id: string) =>
      inTransaction(world.system, async (tx) => {
        await tx.db.volume.delete({ where: { id } })
        gone += 1
        if (gone === 2) bothGone.resolve()
        await bothGone.promise
        await forgetKey(tx, keyId)
        // Whoever does not wait for the other transaction has decided by now.
        await sleep(300)
      })
    await Promise.all([drop(first), drop(second)])
    expect(await db().volumeKey.count({ where: { id: keyId ?? '' } })).toBe(0)
    await settle()
  })

  test('leaves no key when it and its backups are gone, also at a failure of any step', async () => {
    const count = () => db().volumeKey.count()
    const before = await count()
    await failEveryStep(world.deps, {
      action: 'volume.create',
      async start() {
        const { id: resourceId } = await create()
        const operation = await db().operation.findFirstOrThrow({
          where: { resourceId, action: 'volume.create' },
        })
        return { operationId: operation.id, resourceId }
      },
      async afterFailure(id, at) {
        await forceDeleteVolume(admin, { id })
        await settle()
        expect(await count(), at).toBe(before)
      },
      async afterSuccess(id, at) {
        const backupId = await aBackup(id)
        await forceDeleteVolume(admin, { id })
        await settle()
        expect(await count(), at).toBe(before + 1)
        const text = await exportBackup(tenant, { id: backupId })
        const row = await db().volumeBackup.delete({ where: { id: backupId } })
        await db().volumeKey.delete({ where: { id: row.keyId ?? '' } })
        await importBackup(admin, { record: text })
        await settle()
        expect(await db().volumeBackup.findUnique({ where: { id: backupId } }), at).toMatchObject({
          ...{ state: 'available', keyId: row.keyId },
        })
        await forceDeleteBackup(admin, { id: backupId })
        await settle()
        expect(await count(), at).toBe(before)
      },
    })
  }, 60_000)
})

test('an import of an encrypted backup waits for its key before it locks the quota', async () => {
  const backupId = await aBackup(await aVolume())
  const record = await exportBackup(tenant, { id: backupId })
  const { keyId } = await db().volumeBackup.delete({ where: { id: backupId } })
  const begun = Promise.withResolvers<void>()
  const imported = begun.promise.then(() => importBackup(admin, { record }))
  // Like a deletion of something else that has the key.
  await inTransaction(world.system, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "VolumeKey" WHERE "id" = ${keyId}::uuid FOR UPDATE`
    begun.resolve()
    // The import has come to its first lock by now.
    await sleep(500)
    await tx.db
      .$queryRaw`SELECT 1 FROM "QuotaUsage" WHERE "projectId" = ${tenant.projectId} FOR UPDATE NOWAIT`
  })
  expect((await imported).id).toBe(backupId)
  await settle()
})

test('the encryption of a type changes only while no volume has the type', async () => {
  const wish = { cipher: null, keySize: null }
  await expectCloudError(encryptType(admin, { id: secret, ...wish }), 'invalid_input', /already/)
  await expectCloudError(decryptType(admin, { id: secret }), 'invalid_input', /have this type/)
  await expectCloudError(
    changeEncryption(admin, { id: secret, keySize: 256 }),
    'invalid_input',
    /have this type/,
  )
  const { id } = await createVolumeType(admin, volumeTypeCreateInput.parse({ name: 'other' }))
  await expectCloudError(encryptType(tenant, { id, ...wish }), 'forbidden')
  expect((await encryptType(admin, { id, ...wish })).encryption).toMatchObject({ provider: 'luks' })
  expect((await changeEncryption(admin, { id, keySize: 256 })).encryption).toMatchObject({ keySize: 256 })
  await setTypeSpecs(admin, { id, specs: { multiattach: '<is> True' } })
  await expectCloudError(create({ type: 'other' }), 'conflict', /several instances/)
  expect((await decryptType(admin, { id })).encryption).toBeNull()
  await expectCloudError(decryptType(admin, { id }), 'not_found')
})
