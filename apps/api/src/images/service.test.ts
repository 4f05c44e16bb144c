import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '@stratolith/drivers/errors'
import { backgroundOp } from '@stratolith/drivers/op'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Ctx, systemCtx } from '../kernel/context.ts'
import { LeaseLost } from '../kernel/lease.ts'
import { expectCloudError, runPending, testCtx } from '../kernel/testing.ts'
import { adoptImage } from './adopt.ts'
import { imageCreateInput, imageListInput } from './contract.ts'
import { reconcileImages } from './reconcile.ts'
import {
  createImage,
  deleteImage,
  downloadImage,
  findBootImage,
  getImage,
  listImages,
  updateImage,
  uploadImage,
} from './service.ts'
import { imageStore } from './store.ts'
import { type ImageWorld, imageWorld } from './testing.ts'
import { qcow2 } from './testing-qcow2.ts'
import { listImageTrash, takeBackBlob } from './trash.ts'
import { uploadPatience } from './upload.ts'
import { dropUnused } from './workflows.ts'

let world: ImageWorld
beforeAll(async () => {
  world = await imageWorld()
})
afterAll(() => world.close())

const rawBytes = (length = 4096) => crypto.randomBytes(length).fill(0, 0, 1)
const make = (ctx: Ctx, over: object = {}) =>
  createImage(ctx, imageCreateInput.parse({ name: 'disk', diskFormat: 'raw', ...over }))
const upload = (ctx: Ctx, id: string, bytes: Buffer) =>
  uploadImage(ctx, { id, source: Readable.from([bytes]) })
async function active(ctx: Ctx, bytes = rawBytes(), over: object = {}) {
  const image = await make(ctx, over)
  await upload(ctx, image.id, bytes)
  await runPending(world.deps)
  return getImage(ctx, image)
}
const list = (ctx: Ctx, over: object = {}) => listImages(ctx, imageListInput.parse(over))
const usage = async (ctx: Ctx & { projectId: string }) =>
  Object.fromEntries(
    (await world.deps.root.quotaUsage.findMany({ where: { projectId: ctx.projectId } })).map((u) => [
      u.resource,
      u.used,
    ]),
  )

describe('an image that moves or is deleted while a request waits for it', () => {
  /** `asked` waits for the lock of the image's row, and goes on when the row has changed to `data`. */
  async function meanwhile(id: string, data: object, asked: () => Promise<unknown>) {
    let answer: Promise<unknown> = Promise.resolve()
    await world.deps.root.$transaction(async (tx) => {
      await tx.image.update({ where: { id }, data })
      answer = asked()
      answer.catch(() => undefined)
      await vi.waitFor(async () => {
        const waiting = await world.deps.root.$queryRaw<unknown[]>`
          SELECT FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')`
        expect(waiting.length).toBeGreaterThan(0)
      })
    })
    await expectCloudError(answer, 'not_found')
  }

  test('that moved to another project cannot be deleted by the old project, and stays', async () => {
    const [ctx, other] = [await testCtx(world.deps), await testCtx(world.deps)]
    for (const ask of [deleteImage, (_: Ctx, { id }: { id: string }) => upload(ctx, id, rawBytes())]) {
      const image = await make(ctx)
      await meanwhile(image.id, { projectId: other.projectId }, () => ask(ctx, image))
      expect((await getImage(other, image)).state).toBe('queued')
    }
  })

  test('that was deleted is not found, as it is a moment later', async () => {
    const ctx = await testCtx(world.deps)
    const image = await make(ctx)
    await meanwhile(image.id, { state: 'deleted' }, () => deleteImage(ctx, image))
  })
})

describe('the states of an image', () => {
  test('an image is queued, saving, active; its bytes do not change; it is deleted when unused', async () => {
    const ctx = await testCtx(world.deps)
    const bytes = rawBytes(10_000)
    const image = await make(ctx)
    expect(image).toMatchObject({ state: 'queued', sizeBytes: null, own: true })
    const saving = await upload(ctx, image.id, bytes)
    const md5 = crypto.createHash('md5').update(bytes).digest('hex')
    expect(saving).toMatchObject({
      state: 'saving',
      sizeBytes: 10_000,
      virtualBytes: 10_240,
      checksumMd5: md5,
    })
    await runPending(world.deps)
    expect(await getImage(ctx, image)).toMatchObject({ state: 'active', uploadedBytes: 10_000 })
    const { open, sizeBytes } = await downloadImage(ctx, image)
    expect(Buffer.concat(await (await open()).toArray())).toEqual(bytes)
    expect(sizeBytes).toBe(10_000)
    expect(await usage(ctx)).toMatchObject({ images: 1, imageGib: 1 })
    await deleteImage(ctx, image)
    await runPending(world.deps)
    await expectCloudError(getImage(ctx, image), 'not_found')
    expect(await usage(ctx)).toMatchObject({ images: 0, imageGib: 0 })
    const { blobs, staged } = await imageStore(world.deps).list()
    expect(blobs.map((b) => b.id)).not.toContain(saving.sha256)
    expect(staged).toEqual([])
    expect([...world.storage.bases.keys()]).not.toContain(saving.sha256)
  })

  test('refused bytes set the image to killed with the reason, and leave nothing behind', async () => {
    const ctx = await testCtx(world.deps)
    const image = await make(ctx)
    const vmdk = Buffer.from('# Disk DescriptorFile\nversion=1\nRW 1 FLAT "/etc/passwd" 0\n')
    await expectCloudError(upload(ctx, image.id, vmdk), 'invalid_input', /VMDK/)
    const killed = await getImage(ctx, image)
    expect(killed).toMatchObject({ state: 'killed', errorMessage: expect.stringMatching(/VMDK/) })
    expect(killed.errorMessage).not.toMatch(/passwd/)
    expect((await imageStore(world.deps).list()).staged).toEqual([])
    await expectCloudError(upload(ctx, image.id, rawBytes()), 'conflict', /killed/)
    expect((await usage(ctx)).imageGib ?? 0).toBe(0)
  })

  test('an upload that breaks off can be tried again', async () => {
    const ctx = await testCtx(world.deps)
    const image = await make(ctx)
    async function* broken() {
      yield rawBytes()
      throw new Error('ECONNRESET')
    }
    await expectCloudError(
      uploadImage(ctx, { id: image.id, source: Readable.from(broken()) }),
      'invalid_input',
      /Upload it again/,
    )
    expect(await getImage(ctx, image)).toMatchObject({ state: 'queued' })
    expect((await imageStore(world.deps).list()).staged).toEqual([])
    await upload(ctx, image.id, rawBytes())
    await runPending(world.deps)
    expect(await getImage(ctx, image)).toMatchObject({ state: 'active', errorMessage: null })
  })

  test('a second upload, also at the same time as the first, is a conflict; the bytes never change', async () => {
    const ctx = await testCtx(world.deps)
    const image = await active(ctx)
    await expectCloudError(upload(ctx, image.id, rawBytes()), 'conflict', /active/)
    expect(await getImage(ctx, image)).toMatchObject({ sha256: image.sha256, state: 'active' })
    const fresh = await make(ctx)
    const both = await Promise.allSettled([
      upload(ctx, fresh.id, rawBytes()),
      upload(ctx, fresh.id, rawBytes()),
    ])
    expect(both.filter((r) => r.status === 'fulfilled')).toHaveLength(1)
    await runPending(world.deps)
    expect(await getImage(ctx, fresh)).toMatchObject({ state: 'active' })
  })

  test('a converter that refuses the image sets it to killed, and its quota is released', async () => {
    const ctx = await testCtx(world.deps)
    const image = await make(ctx)
    await upload(ctx, image.id, rawBytes())
    world.storage.failNext('ensureBase', new DriverError('invalid', 'qemu-img: /secret/path'))
    await runPending(world.deps)
    const killed = await getImage(ctx, image)
    expect(killed).toMatchObject({ state: 'killed', errorMessage: expect.stringMatching(/damaged/) })
    expect(killed.errorMessage).not.toMatch(/secret/)
    expect(await usage(ctx)).toMatchObject({ images: 1, imageGib: 0 })
  })
})

describe('bounds', () => {
  test('more bytes than the quota has room for end the stream', async () => {
    const ctx = await testCtx(world.deps)
    await world.deps.root.quotaLimit.create({
      data: { projectId: ctx.projectId, resource: 'imageGib', limit: 0 },
    })
    const image = await make(ctx)
    let sent = 0
    async function* endless() {
      for (;;) {
        sent++
        yield Buffer.alloc(65_536)
      }
    }
    await expectCloudError(
      uploadImage(ctx, { id: image.id, source: Readable.from(endless()) }),
      'quota_exceeded',
      /quota/,
    )
    expect(sent).toBeLessThan(10)
    expect((await imageStore(world.deps).list()).staged).toEqual([])
    expect(await getImage(ctx, image)).toMatchObject({ state: 'queued' })
  })

  test('uploads at the same time share the quota that is left', async () => {
    const ctx = await testCtx(world.deps)
    await world.deps.root.quotaLimit.create({
      data: { projectId: ctx.projectId, resource: 'imageGib', limit: 1 },
    })
    // Another upload that has already brought nearly all the bytes that the quota has room for.
    const other = await make(ctx)
    await world.deps.root.image.update({
      where: { id: other.id },
      data: { state: 'saving', uploadedBytes: 1024 ** 3 - 65_536 },
    })
    const image = await make(ctx)
    async function* slow() {
      for (let i = 0; i < 200; i++) {
        yield Buffer.alloc(65_536)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    const source = Readable.from(slow())
    await expectCloudError(uploadImage(ctx, { id: image.id, source }), 'quota_exceeded', /still store/)
    expect(await getImage(ctx, image)).toMatchObject({ state: 'queued' })
  })

  test('a small qcow2 with a large virtual disk uses quota for the large disk', async () => {
    const ctx = await testCtx(world.deps)
    const image = await make(ctx, { diskFormat: 'qcow2' })
    const claims = 300n << 30n
    const l1Size = Math.ceil(Number(claims) / 65_536 / 8192)
    await expectCloudError(
      upload(ctx, image.id, qcow2({ virtualSize: claims, l1Size })),
      'quota_exceeded',
      /needs 300 GiB more image storage/,
    )
    expect(await getImage(ctx, image)).toMatchObject({ state: 'queued' })
  })

  test('images count against the quota', async () => {
    const ctx = await testCtx(world.deps)
    await world.deps.root.quotaLimit.create({
      data: { projectId: ctx.projectId, resource: 'images', limit: 1 },
    })
    await make(ctx)
    await expectCloudError(make(ctx), 'quota_exceeded')
  })

  test('an image deleted in the middle of its upload leaves nothing behind, and the quota is right', async () => {
    const ctx = await testCtx(world.deps)
    const image = await make(ctx)
    async function* slow() {
      yield rawBytes()
      await deleteImage(ctx, image)
      yield rawBytes()
    }
    await expectCloudError(
      uploadImage(ctx, { id: image.id, source: Readable.from(slow()) }),
      'conflict',
      /deleted/,
    )
    await runPending(world.deps)
    expect((await imageStore(world.deps).list()).staged).toEqual([])
    expect(await usage(ctx)).toMatchObject({ images: 0 })
    await expectCloudError(getImage(ctx, image), 'not_found')
  })
})

describe('rights on images', () => {
  test('another project’s private image is not found for every action', async () => {
    const [ctx, other] = [await testCtx(world.deps), await testCtx(world.deps)]
    const image = await active(ctx)
    for (const verb of [
      () => getImage(other, image),
      () => updateImage(other, { id: image.id, name: 'x' }),
      () => deleteImage(other, image),
      () => downloadImage(other, image),
      () => upload(other, image.id, rawBytes()),
    ])
      await expectCloudError(verb(), 'not_found')
    expect((await list(other)).items.map((i) => i.id)).not.toContain(image.id)
    expect(await findBootImage(other, image.id)).toBeNull()
  })

  test('everybody sees, launches and downloads a public image; only its owner and admins change it', async () => {
    const [admin, other] = [await testCtx(world.deps, { role: 'admin' }), await testCtx(world.deps)]
    const image = await active(admin, rawBytes(), { visibility: 'public' })
    expect((await list(other)).items.map((i) => i.id)).toContain(image.id)
    expect(await findBootImage(other, image.id)).toMatchObject({ state: 'active', blobId: image.sha256 })
    const { open, sizeBytes } = await downloadImage(other, image)
    expect(sizeBytes).toBe(4096)
    for (let again = 0; again < 3; again++) (await open()).destroy()
    const told = { where: { kind: 'image.downloaded', resourceId: image.id } }
    const once = [{ projectId: other.projectId, actorId: other.actor.userId }]
    expect(await world.deps.root.event.findMany(told), 'where its owner does not see it').toMatchObject(once)
    await expectCloudError(updateImage(other, { id: image.id, name: 'x' }), 'forbidden')
    await expectCloudError(deleteImage(other, image), 'forbidden')
  })

  test('only an administrator publishes an image; readers only see images', async () => {
    const ctx = await testCtx(world.deps)
    await expectCloudError(make(ctx, { visibility: 'public' }), 'forbidden')
    const image = await make(ctx)
    await expectCloudError(updateImage(ctx, { id: image.id, visibility: 'public' }), 'forbidden')
    const reader = await testCtx(world.deps, { role: 'reader', projectId: ctx.projectId })
    expect(await getImage(reader, image)).toMatchObject({ id: image.id })
    await expectCloudError(make(reader), 'forbidden')
    await expectCloudError(upload(reader, image.id, rawBytes()), 'forbidden')
  })

  test('a protected image cannot be deleted', async () => {
    const ctx = await testCtx(world.deps)
    const image = await make(ctx, { protected: true })
    await expectCloudError(deleteImage(ctx, image), 'conflict', /protect/)
    await updateImage(ctx, { id: image.id, protected: false })
    await deleteImage(ctx, image)
  })
})

describe('shared bytes and leftover bytes', () => {
  test('two images of the same bytes share one blob, which stays until the second image is deleted', async () => {
    const ctx = await testCtx(world.deps)
    const bytes = rawBytes()
    const [one, two] = [await active(ctx, bytes), await active(ctx, bytes)]
    expect(one.sha256).toBe(two.sha256)
    await deleteImage(ctx, one)
    await runPending(world.deps)
    const { open } = await downloadImage(ctx, two)
    expect(Buffer.concat(await (await open()).toArray())).toEqual(bytes)
    await deleteImage(ctx, two)
    await runPending(world.deps)
    expect((await imageStore(world.deps).list()).blobs.map((b) => b.id)).not.toContain(one.sha256)
  })

  test('the reconciler requeues an upload whose process died, and removes only deleted bytes', async () => {
    const ctx = await testCtx(world.deps)
    const keep = await active(ctx)
    const dead = await make(ctx)
    await world.deps.root
      .$executeRaw`UPDATE "Image" SET "state" = 'saving', "updatedAt" = now() - interval '5 minutes' WHERE "id" = ${dead.id}::uuid`
    const store = imageStore(world.deps)
    const stray = crypto.randomUUID()
    const { sha256 } = await store.stage(stray, Readable.from([rawBytes()]), { maxBytes: 1e6 })
    await store.commit(stray, sha256)
    await reconcileImages(world.system)
    expect(await getImage(ctx, dead)).toMatchObject({
      state: 'queued',
      errorMessage: expect.stringMatching(/again/),
    })
    const blobs = async () => (await store.list()).blobs.map((b) => b.id)
    expect(await blobs()).toEqual(expect.arrayContaining([sha256, keep.sha256]))
    await world.deps.root.tombstone.create({ data: { kind: 'blob', id: sha256 } })
    await reconcileImages(world.system)
    expect(await blobs()).not.toContain(sha256)
    expect(await blobs()).toContain(keep.sha256)
  })

  test('bytes of no image can be adopted; when their time is over they wait in the trash', async () => {
    const admin = await testCtx(world.deps, { role: 'admin' })
    const store = imageStore(world.deps)
    const id = crypto.randomUUID()
    const { sha256 } = await store.stage(id, Readable.from([rawBytes()]), { maxBytes: 1e6 })
    await store.commit(id, sha256)
    await reconcileImages(world.system)
    const stray = () => world.deps.root.stray.findFirstOrThrow({ where: { thing: sha256 } })
    await world.deps.root.stray.update({
      where: { id: (await stray()).id },
      data: { firstSeenAt: new Date(0) },
    })
    await reconcileImages(world.system)
    expect(await listImageTrash(admin)).toContainEqual(
      expect.objectContaining({ thing: sha256, kind: 'blob', host: null }),
    )
    await expectCloudError(listImageTrash(await testCtx(world.deps)), 'forbidden')
    await takeBackBlob(admin, { sha256 })
    await reconcileImages(world.system)
    const adopted = await adoptImage(admin, {
      strayId: (await stray()).id,
      name: 'recovered',
      diskFormat: 'raw',
    })
    await runPending(world.deps)
    expect(await getImage(admin, adopted)).toMatchObject({ state: 'active', sha256, name: 'recovered' })
    await reconcileImages(world.system)
    expect(await world.deps.root.stray.count({ where: { thing: sha256 } })).toBe(0)
  })

  test('bytes stay while the database is not the one that the data folder follows', async () => {
    const ctx = await testCtx(world.deps)
    const bytes = async () => (await imageStore(world.deps).list()).blobs.map((blob) => blob.id)
    const image = await active(ctx)
    await deleteImage(ctx, image)
    await world.deps.root.operation.deleteMany({ where: { resourceId: image.id } })
    const token = crypto.randomUUID()
    const cloud = { id: crypto.randomUUID(), epoch: 3, epochToken: token }
    await world.deps.root.cloud.create({ data: cloud })
    const file = path.join(world.deps.config.dataDir, 'cloud.json')
    const follow = (epoch: number) => fs.writeFileSync(file, JSON.stringify({ id: cloud.id, epoch, token }))
    try {
      follow(4)
      await reconcileImages(world.system)
      expect(await bytes()).toContain(image.sha256)
      follow(3)
      await reconcileImages(world.system)
      expect(await bytes()).not.toContain(image.sha256)
    } finally {
      fs.rmSync(file)
    }
  })

  test('deleting many images at once does not trip the brake: their deletions remove the bytes', async () => {
    const ctx = await testCtx(world.deps)
    const images = []
    for (let i = 0; i < 6; i++) images.push(await active(ctx))
    for (const image of images) await deleteImage(ctx, image)
    await reconcileImages(world.system)
    expect(await world.deps.root.brake.count({ where: { kind: 'blob' } })).toBe(0)
    const left = async () => (await imageStore(world.deps).list()).blobs.map((blob) => blob.id)
    expect(await left()).toEqual(expect.arrayContaining(images.map((image) => image.sha256)))
    await runPending(world.deps)
    for (const image of images) expect(await left()).not.toContain(image.sha256)
  })

  test('an upload whose bytes take long to reach the disk is not taken for dead', async () => {
    const ctx = await testCtx(world.deps)
    const image = await make(ctx)
    const store = imageStore(world.deps)
    const { stage } = store
    const usual = uploadPatience.tellMs
    const where = { id: image.id }
    store.stage = async (...args) => {
      const staged = await stage(...args)
      await world.deps.root
        .$executeRaw`UPDATE "Image" SET "updatedAt" = now() - interval '1 day' WHERE "id" = ${image.id}::uuid`
      const isOld = async () =>
        Date.now() - (await world.deps.root.image.findUniqueOrThrow({ where })).updatedAt.getTime() > 60_000
      for (const end = Date.now() + 5_000; Date.now() < end && (await isOld()); ) await sleep(20)
      await reconcileImages(world.system)
      return staged
    }
    uploadPatience.tellMs = 50
    try {
      expect(await upload(ctx, image.id, rawBytes())).toMatchObject({ state: 'saving' })
    } finally {
      store.stage = stage
      uploadPatience.tellMs = usual
    }
  })

  test('bytes taken back from the trash stay, also while a host keeps a base made of them', async () => {
    const admin = await testCtx(world.deps, { role: 'admin' })
    const store = imageStore(world.deps)
    const id = crypto.randomUUID()
    const { sha256 } = await store.stage(id, Readable.from([rawBytes()]), { maxBytes: 1e6 })
    await store.commit(id, sha256)
    const op = backgroundOp(world.deps.log, 'test')
    const base = { blobId: sha256, format: 'raw' as const }
    await world.storage.ensureBase(op, { ...base, maxVirtualBytes: 1e6 })
    const disk = { id, instanceId: id, projectId: 'p', sizeGib: 1, base, mode: 'overlay' as const }
    await world.storage.ensureDisk(op, disk)
    await reconcileImages(world.system)
    await world.deps.root.stray.updateMany({ where: { thing: sha256 }, data: { firstSeenAt: new Date(0) } })
    await reconcileImages(world.system)
    const blobs = async () => (await store.list()).blobs.map((blob) => blob.id)
    expect(await blobs()).not.toContain(sha256)
    await takeBackBlob(admin, { sha256 })
    await reconcileImages(world.system)
    expect(await blobs()).toContain(sha256)
    const stray = await world.deps.root.stray.findFirstOrThrow({ where: { thing: sha256 } })
    expect(stray.decision).toBe(null)
    await world.storage.removeDisk(op, id)
  })

  test('a worker that was frozen before it removes bytes does not remove them when it goes on', async () => {
    const store = imageStore(world.deps)
    const id = crypto.randomUUID()
    const { sha256 } = await store.stage(id, Readable.from([rawBytes()]), { maxBytes: 1e6 })
    await store.commit(id, sha256)
    const check = () => {
      throw new LeaseLost()
    }
    const holder = { id: crypto.randomUUID(), check, attach: () => () => undefined }
    // The frozen worker still has the answer that no image uses the bytes, but it has lost its lock.
    const frozen = systemCtx({ ...world.deps, holder }, 'test')
    await expect(dropUnused(frozen, sha256)).rejects.toThrow(LeaseLost)
    expect((await store.list()).blobs.map((blob) => blob.id)).toContain(sha256)
  })

  test('the bytes of a deleted image have a reason to be removed, but shared bytes stay', async () => {
    const ctx = await testCtx(world.deps)
    const bytes = rawBytes()
    const [one, two] = [await active(ctx, bytes), await active(ctx, bytes)]
    await deleteImage(ctx, one)
    await reconcileImages(world.system)
    expect((await imageStore(world.deps).list()).blobs.map((b) => b.id)).toContain(two.sha256)
    expect(await world.deps.root.tombstone.count({ where: { kind: 'blob', id: two.sha256 ?? '' } })).toBe(1)
  })
})
