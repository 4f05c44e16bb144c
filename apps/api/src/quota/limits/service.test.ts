import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createServerGroup } from '../../compute/groups/service.ts'
import { launchInstances } from '../../compute/instances/launch.ts'
import { createKeyPair } from '../../compute/key-pairs/service.ts'
import { aLaunch, testTenant, testWorld, type World } from '../../compute/testing.ts'
import { imageCreateInput } from '../../images/contract.ts'
import { createImage } from '../../images/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import type { QuotaResource } from '../../kernel/contract.ts'
import { CloudError } from '../../kernel/errors.ts'
import { expectCloudError, testCtx } from '../../kernel/testing.ts'
import { floatingIpCreateInput, networkCreateInput, ruleCreateInput } from '../../networking/contract.ts'
import { createFloatingIp } from '../../networking/floating-ips/service.ts'
import { createNetwork } from '../../networking/networks/service.ts'
import { createRouter } from '../../networking/routers/service.ts'
import { addSecurityGroupRule, createSecurityGroup } from '../../networking/security-groups/service.ts'
import { createSubnet } from '../../networking/subnets/service.ts'
import { quotaDefaultsInput, quotaSetInput } from '../contract.ts'
import { getQuota, getQuotaDefaults, setQuota, setQuotaDefaults } from './service.ts'
import '../../register.ts'

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
  test('every resource with its limit; the default, a default of the cloud, a limit of the project', async () => {
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
    // The starter network has a router already.
    await expectCloudError(createRouter(ctx, { name: 'r', description: '' }), 'quota_exceeded')
    await setQuota(admin, { projectId: ctx.projectId, limits: { routers: null } })
    await createRouter(ctx, { name: 'r', description: '' })
    await setQuotaDefaults(admin, { limits: { routers: null } })
    expect(await limitOf(ctx, 'routers')).toMatchObject({ limit: 10 })
  })

  test('the default of the cloud holds in the reservation, too', async () => {
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

  test.each([-5, 1.5, 2 ** 31, Number.NaN])('a limit of %s is refused, not made to fit', (instances) => {
    expect(quotaSetInput.safeParse({ projectId: 'p', limits: { instances } }).success).toBe(false)
    expect(quotaDefaultsInput.safeParse({ limits: { instances } }).success).toBe(false)
  })

  test('a limit below the use needs force; members set none; another project is not there', async () => {
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

/** A21: what is made `count` times at once, a resource at a time. */
type Maker = {
  prepare?: (ctx: Tenant) => Promise<string>
  make: (ctx: Tenant, i: number, with_: string) => Promise<unknown>
}
type Tenant = Awaited<ReturnType<typeof testTenant>>
const launch = (ctx: Tenant, i: number) =>
  launchInstances(ctx, aLaunch(world, { name: `i${i}`, networkIds: [ctx.networkId] }))
const group = async (ctx: Tenant) => (await createSecurityGroup(ctx, { name: 'g', description: '' })).id
const makers: Record<Exclude<QuotaResource, 'imageGib'>, Maker> = {
  instances: { make: launch },
  vcpus: { make: launch },
  memoryMib: { make: launch },
  ports: { make: launch },
  keyPairs: { make: (ctx, i) => createKeyPair(ctx, { name: `k${i}` }) },
  images: {
    make: (ctx, i) => createImage(ctx, imageCreateInput.parse({ name: `i${i}`, diskFormat: 'raw' })),
  },
  networks: { make: (ctx, i) => createNetwork(ctx, networkCreateInput.parse({ name: `n${i}` })) },
  subnets: {
    make: (ctx, i) =>
      createSubnet(ctx, { networkId: ctx.networkId, name: '', cidr: `10.9.${i}.0/24`, dhcp: true, dns: [] }),
  },
  serverGroups: { make: (ctx, i) => createServerGroup(ctx, { name: `g${i}`, policy: 'affinity' }) },
  routers: { make: (ctx, i) => createRouter(ctx, { name: `r${i}`, description: '' }) },
  floatingIps: { make: (ctx) => createFloatingIp(ctx, floatingIpCreateInput.parse({})) },
  securityGroups: { make: (ctx, i) => createSecurityGroup(ctx, { name: `g${i}`, description: '' }) },
  securityGroupRules: {
    prepare: group,
    make: (ctx, i, securityGroupId) =>
      addSecurityGroupRule(
        ctx,
        ruleCreateInput.parse({
          securityGroupId,
          direction: 'ingress',
          protocol: 'tcp',
          portMin: i + 1,
          portMax: i + 1,
        }),
      ),
  },
}

describe('A21: 100 at once at a limit of 10 more leave exactly 10 more', () => {
  test.each(Object.entries(makers))('%s', async (name, maker) => {
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
      Array.from({ length: 100 }, (_, i) => maker.make(ctx, i, prepared).then(() => 'made', codeOf)),
    )
    expect(codes.filter((c) => c === 'made')).toHaveLength(10)
    expect(new Set(codes)).toEqual(new Set(['made', 'quota_exceeded']))
    expect((await limitOf(ctx, resource))?.used).toBe(before + 10 * each)
  })
})

const codeOf = (error: unknown) => (error instanceof CloudError ? error.code : String(error))
