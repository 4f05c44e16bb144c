import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKeyPair } from '../compute/key-pairs/service.ts'
import { imageCreateInput } from '../images/contract.ts'
import { createImage } from '../images/service.ts'
import { inTransaction } from '../kernel/context.ts'
import { quotaResources, quotaWords } from '../kernel/quota.ts'
import { testCtx } from '../kernel/testing.ts'
import { createNetwork } from '../networking/networks/service.ts'
import { type Cloud, network, testCloud, usage } from '../networking/testing.ts'
import { proveUsage } from './reconcile.ts'
import { reserveQuota, userOwner } from './service.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud()
})
afterAll(() => cloud.close())
const db = () => cloud.deps.root

describe('the counters', () => {
  it('are corrected by the rows, upwards and downwards', async () => {
    const ctx = await testCtx(cloud.deps)
    await createNetwork(ctx, network())
    const right = await usage(cloud, ctx.projectId)
    await db().quotaUsage.updateMany({ where: { projectId: ctx.projectId }, data: { used: 7 } })
    await proveUsage(cloud.system)
    expect(await usage(cloud, ctx.projectId)).toEqual(right)
    await db().quotaUsage.updateMany({ where: { projectId: ctx.projectId }, data: { used: 0 } })
    await proveUsage(cloud.system)
    expect(await usage(cloud, ctx.projectId)).toEqual(right)
  })

  it('keep a reservation that is made during the correction (A21)', async () => {
    const ctx = await testCtx(cloud.deps)
    await createNetwork(ctx, network())
    // A wrong counter, because only a counter that looks wrong is locked.
    await db().quotaUsage.updateMany({
      where: { projectId: ctx.projectId, resource: 'networks' },
      data: { used: 7 },
    })
    let proving: Promise<void> = Promise.resolve()
    await inTransaction(ctx, async (tx) => {
      await reserveQuota(tx, ctx.projectId, { networks: 1 })
      await tx.db.network.create({ data: { id: crypto.randomUUID(), projectId: ctx.projectId, name: 'x' } })
      proving = proveUsage(cloud.system)
      // The transaction does not end before the connection of the correction waits for its lock.
      await expect
        .poll(
          async () =>
            (
              await db().$queryRaw<unknown[]>`SELECT 1 FROM pg_stat_activity
              WHERE "datname" = current_database() AND "wait_event_type" = 'Lock'`
            ).length,
          { timeout: 15_000 },
        )
        .toBeGreaterThan(0)
    })
    await proving
    expect((await usage(cloud, ctx.projectId)).networks).toBe(2)
  })

  it('of images are corrected by the rows, of which deleted images and images without bytes use nothing', async () => {
    const ctx = await testCtx(cloud.deps)
    const create = (name: string) => createImage(ctx, imageCreateInput.parse({ name, diskFormat: 'raw' }))
    const [kept, empty, gone] = [await create('kept'), await create('empty'), await create('gone')]
    const bytes = { blobId: 'b'.repeat(64), sizeBytes: 1n, virtualBytes: (3n << 30n) + 1n }
    await db().image.updateMany({ where: { id: { in: [kept.id, gone.id] } }, data: bytes })
    await db().image.update({ where: { id: gone.id }, data: { state: 'deleted' } })
    await db().image.update({ where: { id: empty.id }, data: { sizeBytes: 1n << 40n } })
    const { projectId } = ctx
    await db().quotaUsage.upsert({
      where: { projectId_resource: { projectId, resource: 'imageGib' } },
      create: { projectId, resource: 'imageGib', used: 77 },
      update: { used: 77 },
    })
    await proveUsage(cloud.system)
    expect(await usage(cloud, projectId)).toEqual({ images: 2, imageGib: 4 })
  })

  it('have rows that prove them, without an exception', () => {
    const counted = quotaResources().filter((resource) => !quotaWords(resource).each)
    expect(counted.filter((resource) => !quotaWords(resource).rows)).toEqual([])
  })

  it('of a user are corrected by the rows of the user', async () => {
    const ctx = await testCtx(cloud.deps)
    const owner = userOwner(ctx.actor.userId)
    await createKeyPair(ctx, { name: 'mine' })
    await db().quotaUsage.updateMany({ where: { projectId: owner }, data: { used: 4 } })
    await proveUsage(cloud.system)
    expect(await usage(cloud, owner)).toEqual({ keyPairs: 1 })
  })
})
