import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ctx, type Deps, inTransaction } from '../kernel/context.ts'
import type { CloudError } from '../kernel/errors.ts'
import { quotaResources } from '../kernel/quota.ts'
import { expectCloudError, testCtx, testDeps } from '../kernel/testing.ts'
import '../register.ts'
import { quotaOf, quotaShortfall, releaseQuota, reserveQuota } from './service.ts'

describe('quota', () => {
  let deps: Deps
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ deps, close } = await testDeps())
  })
  afterAll(() => close())

  const take = (ctx: Ctx & { projectId: string }, amount: number) =>
    inTransaction(ctx, (tx) => reserveQuota(tx, ctx.projectId, { networks: amount, ports: amount }))
  const used = async (ctx: Ctx & { projectId: string }, resource: string) =>
    (await quotaOf(ctx, ctx.projectId)).find((q) => q.resource === resource)?.used

  test('exactly 10 of 100 parallel reservations succeed at a limit of 10', async () => {
    const ctx = await testCtx(deps)
    await deps.root.quotaLimit.create({ data: { projectId: ctx.projectId, resource: 'networks', limit: 10 } })
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => take(ctx, 1)))
    const refused = results.filter((r) => r.status === 'rejected').map((r) => r.reason as CloudError)
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(10)
    expect(new Set(refused.map((e) => e.code))).toEqual(new Set(['quota_exceeded']))
    expect(refused[0]?.message).toMatch(
      /needs 1 more network, and 10 of 10 are in use\. Delete something or ask/,
    )
    expect(await used(ctx, 'networks')).toBe(10)
    // The refused reservations gave back the other resource with their transaction.
    expect(await used(ctx, 'ports')).toBe(10)
  })

  test('a reservation of more than the limit is refused although nothing is used', async () => {
    const ctx = await testCtx(deps)
    await expectCloudError(
      take(ctx, 21),
      'quota_exceeded',
      /needs 21 more networks, and 0 of 20 are in use\. Ask an/,
    )
    expect(await used(ctx, 'networks')).toBe(0)
  })

  test('a limit of -1 is unlimited, and giving back never makes the use negative', async () => {
    const ctx = await testCtx(deps)
    await deps.root.quotaLimit.create({ data: { projectId: ctx.projectId, resource: 'networks', limit: -1 } })
    await inTransaction(ctx, (tx) => reserveQuota(tx, ctx.projectId, { networks: 5000 }))
    await releaseQuota(ctx, ctx.projectId, { networks: 9999 })
    expect(await used(ctx, 'networks')).toBe(0)
  })

  test('a reservation outside of a transaction raises an internal error', async () => {
    const ctx = await testCtx(deps)
    await expectCloudError(reserveQuota(ctx, ctx.projectId, { networks: 1 }), 'internal')
  })

  test('quotaShortfall names the resource that would not fit', () => {
    expect(quotaShortfall([{ resource: 'vcpus', limit: 4, used: 3 }], { vcpus: 1 })).toBeNull()
    expect(quotaShortfall([{ resource: 'vcpus', limit: 4, used: 3 }], { vcpus: 2 })).toMatch(
      /2 more vCPUs, and 3 of 4/,
    )
    expect(quotaShortfall([{ resource: 'vcpus', limit: 4, used: 4 }], { vcpus: 1 })).toMatch(
      /needs 1 more vCPU,/,
    )
    expect(quotaShortfall([{ resource: 'memoryMib', limit: 4096, used: 3584 }], { memoryMib: 2048 })).toMatch(
      /needs 2 GiB more memory, and 3\.5 of 4 GiB are in use/,
    )
    expect(quotaShortfall([{ resource: 'vcpus', limit: -1, used: 3 }], { vcpus: 200 })).toBeNull()
  })

  test('counters are locked in the same order as in all earlier versions', () => {
    const before = [
      'instances',
      'vcpus',
      'memoryMib',
      'keyPairs',
      'images',
      'imageGib',
      'networks',
      'subnets',
    ]
    const then = ['ports', 'routers', 'floatingIps', 'securityGroups', 'securityGroupRules', 'serverGroups']
    expect(quotaResources().slice(0, 14)).toEqual([...before, ...then])
  })
})
