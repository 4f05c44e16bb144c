import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import type { QuotaResource } from '../../kernel/contract.ts'
import { CloudError } from '../../kernel/errors.ts'
import { expectCloudError, testCtx } from '../../kernel/testing.ts'
import { networkCreateInput } from '../../networking/contract.ts'
import { createNetwork } from '../../networking/networks/service.ts'
import { createRouter } from '../../networking/routers/service.ts'
import { quotaDefaultsInput, quotaSetInput } from '../contract.ts'
import { getQuota, getQuotaDefaults, setQuota, setQuotaDefaults } from './service.ts'
import '../../register.ts'
import { quotaResources, quotaWords } from '../../kernel/quota.ts'
import { quotaMakers } from '../../rooms.testing.ts'

let world: World
let admin: Ctx
beforeAll(async () => {
  world = await testWorld(['a'])
  await world.deps.root.host.updateMany({ data: { vcpus: 10_000, memoryMib: 10_000_000, diskGib: 100_000 } })
  admin = await testCtx(world.deps, { role: 'admin' })
})
afterAll(() => world.close())

const limitOf = async (ctx: Ctx, resource: QuotaResource) =>
  (await getQuota(ctx)).find((q) => q.resource === resource)

describe('quota', () => {
  test('a limit is that of the project, otherwise the default of the cloud, otherwise the one that we ship', async () => {
    const ctx = await testTenant(world)
    expect(await limitOf(ctx, 'instances')).toMatchObject({ used: 0, limit: 20 })
    await setQuotaDefaults(admin, { limits: { routers: 3 } })
    expect(await limitOf(ctx, 'routers')).toMatchObject({ limit: 3 })
    expect((await getQuotaDefaults(ctx)).find((d) => d.resource === 'routers')).toEqual({
      resource: 'routers',
      limit: 3,
      builtIn: 10,
    })
    await setQuota(admin, { projectId: ctx.projectId, limits: { routers: 1 } })
    expect(await limitOf(ctx, 'routers')).toMatchObject({ limit: 1 })
    // The project's starter network has a router already.
    await expectCloudError(createRouter(ctx, { name: 'r', description: '' }), 'quota_exceeded')
    await setQuota(admin, { projectId: ctx.projectId, limits: { routers: null } })
    await createRouter(ctx, { name: 'r', description: '' })
    await setQuotaDefaults(admin, { limits: { routers: null } })
    expect(await limitOf(ctx, 'routers')).toMatchObject({ limit: 10 })
  })

  test('a reservation uses the default of the cloud, too', async () => {
    const ctx = await testTenant(world)
    await setQuotaDefaults(admin, { limits: { routers: 1 } })
    try {
      const error = await createRouter(ctx, { name: 'r', description: '' }).catch((e: unknown) => e)
      expect(error).toBeInstanceOf(CloudError)
      expect((error as CloudError).message).toContain('1 of 1 are in use')
    } finally {
      await setQuotaDefaults(admin, { limits: { routers: null } })
    }
  })

  test.each([-5, 1.5, 2 ** 31, Number.NaN])('a limit of %s is refused and not adjusted', (instances) => {
    expect(quotaSetInput.safeParse({ projectId: 'p', limits: { instances } }).success).toBe(false)
    expect(quotaDefaultsInput.safeParse({ limits: { instances } }).success).toBe(false)
  })

  test('a limit below the use needs force, members may set no limit, and other projects are not found', async () => {
    const ctx = await testTenant(world)
    const { projectId } = ctx
    await expectCloudError(setQuota(admin, { projectId, limits: { networks: 0 } }), 'invalid_input')
    await setQuota(admin, { projectId, limits: { networks: 0 }, force: true })
    await expectCloudError(createNetwork(ctx, networkCreateInput.parse({ name: 'n' })), 'quota_exceeded')
    await expectCloudError(setQuota(ctx, { projectId, limits: { networks: 9 } }), 'forbidden')
    await expectCloudError(setQuotaDefaults(ctx, { limits: {} }), 'forbidden')
    await expectCloudError(getQuota(ctx, { projectId: (await testTenant(world)).projectId }), 'not_found')
    await expectCloudError(setQuota(admin, { projectId: 'f'.repeat(32), limits: {} }), 'not_found')
    expect(await getQuota(admin, { projectId })).toHaveLength((await getQuota(ctx)).length)
  })
})

describe('A21: 100 requests at once, when 10 more are allowed, make exactly 10 more', () => {
  test('is tested for every resource of which things are made one at a time', () => {
    expect(Object.keys(quotaMakers).sort()).toEqual(
      quotaResources()
        .filter((resource) => resource !== 'imageGib' && !quotaWords(resource).each)
        .sort(),
    )
  })

  test.each(Object.entries(quotaMakers))('%s', async (name, maker) => {
    const resource = name as QuotaResource
    const ctx = await testTenant(world)
    const prepared = (await maker.prepare?.(ctx)) ?? ''
    const before = (await limitOf(ctx, resource))?.used ?? 0
    const each =
      resource === 'memoryMib'
        ? (await world.deps.root.flavor.findUniqueOrThrow({ where: { id: '1' } })).memoryMib
        : 1
    await setQuota(admin, { projectId: ctx.projectId, limits: { [resource]: before + 10 * each } })
    const codes = await Promise.all(
      Array.from({ length: 100 }, (_, i) => maker.make(ctx, i, prepared, world).then(() => 'made', codeOf)),
    )
    expect(codes.filter((c) => c === 'made')).toHaveLength(10)
    expect(new Set(codes)).toEqual(new Set(['made', 'quota_exceeded']))
    expect((await limitOf(ctx, resource))?.used).toBe(before + 10 * each)
  })
})

const codeOf = (error: unknown) => (error instanceof CloudError ? error.code : String(error))
