import crypto from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Ctx } from '../kernel/context.ts'
import { failEveryStep, runPending, testCtx } from '../kernel/testing.ts'
import { imageCreateInput } from './contract.ts'
import { createImage, deleteImage, uploadImage } from './service.ts'
import { imageStore } from './store.ts'
import { type ImageWorld, imageWorld } from './testing.ts'

let world: ImageWorld
let ctx: Ctx & { projectId: string }
beforeAll(async () => {
  world = await imageWorld()
  ctx = await testCtx(world.deps)
  await world.deps.root.quotaLimit.create({
    data: { projectId: ctx.projectId, resource: 'images', limit: -1 },
  })
})
afterAll(() => world.close())

async function uploaded(): Promise<string> {
  const { id } = await createImage(ctx, imageCreateInput.parse({ name: 'disk', diskFormat: 'raw' }))
  await uploadImage(ctx, { id, source: Readable.from([crypto.randomBytes(2048).fill(0, 0, 1)]) })
  return id
}
const operationOf = async (resourceId: string, action: string) =>
  (await world.deps.root.operation.findFirstOrThrow({ where: { resourceId, action } })).id
const bytesOf = async (resourceId: string) => {
  const row = await world.deps.root.image.findUniqueOrThrow({ where: { id: resourceId } })
  const { blobs, staged } = await imageStore(world.deps).list()
  return {
    blob: blobs.some((b) => b.id === row.sha256),
    staged: staged.some((s) => s.id === resourceId),
    base: world.storage.bases.has(row.sha256 ?? ''),
  }
}

test('every step of image.import may fail and be repeated', async () => {
  await failEveryStep(world.deps, {
    action: 'image.import',
    async start() {
      const resourceId = await uploaded()
      return { operationId: await operationOf(resourceId, 'image.import'), resourceId }
    },
    async afterFailure(id, at) {
      expect(await bytesOf(id), at).toEqual({ blob: false, staged: false, base: false })
      const row = await world.deps.root.image.findUniqueOrThrow({ where: { id } })
      expect(row, at).toMatchObject({ state: 'killed', blobId: null, errorMessage: 'Injected failure.' })
    },
    async afterSuccess(id, at) {
      expect(await bytesOf(id), at).toEqual({ blob: true, staged: false, base: true })
      const row = await world.deps.root.image.findUniqueOrThrow({ where: { id } })
      expect(row.state, at).toBe('active')
    },
  })
  const used = await world.deps.root.quotaUsage.findFirstOrThrow({
    where: { projectId: ctx.projectId, resource: 'imageGib' },
  })
  expect(used.used).toBe(
    await world.deps.root.image.count({ where: { projectId: ctx.projectId, state: 'active' } }),
  )
})

test('every step of image.delete may fail and be repeated', async () => {
  await failEveryStep(world.deps, {
    action: 'image.delete',
    async start() {
      const resourceId = await uploaded()
      await runPending(world.deps)
      await deleteImage(ctx, { id: resourceId })
      return { operationId: await operationOf(resourceId, 'image.delete'), resourceId }
    },
    // Name and quota are free at once; the reconciler removes the bytes that are left.
    async afterFailure(id, at) {
      const row = await world.deps.root.image.findUniqueOrThrow({ where: { id } })
      expect(row.state, at).toBe('deleted')
    },
    async afterSuccess(id, at) {
      expect(await bytesOf(id), at).toEqual({ blob: false, staged: false, base: false })
    },
  })
})
