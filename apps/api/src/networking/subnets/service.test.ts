import { bounds } from '@stratolith/drivers/bounds'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toCloudError } from '../../kernel/errors.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { subnetCreateInput } from '../contract.ts'
import { createNetwork, getNetwork } from '../networks/service.ts'
import {
  addPlane,
  type Cloud,
  network,
  newPort,
  setQuota,
  type Tenant,
  testCloud,
  usage,
} from '../testing.ts'
import { createSubnet, deleteSubnet } from './service.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud()
})
afterAll(() => cloud.close())

async function bare(): Promise<{ ctx: Tenant; networkId: string }> {
  const ctx = await testCtx(cloud.deps)
  return { ctx, networkId: (await createNetwork(ctx, network({ subnet: undefined }))).id }
}
const add = (ctx: Tenant, networkId: string, patch: object = {}) =>
  createSubnet(ctx, subnetCreateInput.parse({ networkId, cidr: '10.0.0.0/24', ...patch }))

describe('a subnet', () => {
  it('is refused when the network has as many subnets as a host takes', async () => {
    const { ctx, networkId } = await bare()
    await setQuota(cloud, ctx.projectId, 'subnets', 1_000)
    for (let n = 0; n < bounds.subnetsOfNetwork; n++)
      await add(ctx, networkId, { cidr: `10.0.${n}.0/24`, dhcp: false })
    await expectCloudError(
      add(ctx, networkId, { cidr: '10.9.0.0/24' }),
      'quota_exceeded',
      /at most 64 subnets/,
    )
  })

  it('has a gateway, a pool and a DHCP address, unless told otherwise', async () => {
    const { ctx, networkId } = await bare()
    await add(ctx, networkId)
    await add(ctx, networkId, {
      cidr: '10.0.1.0/24',
      gatewayIp: null,
      dhcp: false,
      dns: ['9.9.9.9'],
      pool: { start: '10.0.1.10', end: '10.0.1.19' },
    })
    const { subnets } = await getNetwork(ctx, { id: networkId })
    expect(subnets).toMatchObject([
      {
        gatewayIp: '10.0.0.1',
        dhcp: true,
        pools: [{ start: '10.0.0.2', end: '10.0.0.254' }],
        addressesTotal: 252,
      },
      {
        gatewayIp: null,
        dhcp: false,
        dns: ['9.9.9.9'],
        pools: [{ start: '10.0.1.10', end: '10.0.1.19' }],
        addressesTotal: 10,
      },
    ])
    const rows = await cloud.deps.root.subnet.findMany({ where: { networkId }, orderBy: { cidr: 'asc' } })
    expect(rows.map((row) => row.dhcpIp)).toEqual(['10.0.0.2', null])
  })

  it('has its DHCP server outside of the pool and not at the gateway’s address', async () => {
    const { ctx, networkId } = await bare()
    await add(ctx, networkId, { gatewayIp: '10.0.0.2', pool: { start: '10.0.0.3', end: '10.0.0.9' } })
    expect(await cloud.deps.root.subnet.findFirst({ where: { networkId } })).toMatchObject({
      dhcpIp: '10.0.0.1',
    })
  })

  it('reaches the hosts that have guests of the network, and is removed from them again', async () => {
    const { ctx, networkId } = await bare()
    const { id: hostId, plane } = await addPlane(cloud)
    await add(ctx, networkId)
    await newPort(ctx, networkId, { hostId })
    const grown = await add(ctx, networkId, { cidr: '10.9.0.0/24' })
    await runPending(cloud.deps)
    const cidrs = () =>
      plane.state.networks
        .get(networkId)
        ?.subnets.map((s) => s.cidr)
        .sort()
    expect(cidrs()).toEqual(['10.0.0.0/24', '10.9.0.0/24'])
    const added = grown.subnets.find((subnet) => subnet.cidr === '10.9.0.0/24')
    await deleteSubnet(ctx, { id: added?.id ?? '' })
    await runPending(cloud.deps)
    expect(cidrs()).toEqual(['10.0.0.0/24'])
  })

  it.each([
    ['10.0.0.0/7', /between \/8 and \/30/],
    ['10.0.0.0/31', /between \/8 and \/30/],
    ['10.0.0.0/32', /between \/8 and \/30/],
    ['10.0.0.128/24', /Did you mean 10\.0\.0\.0\/24/],
    ['127.0.0.0/24', /reserved/],
    ['169.254.0.0/24', /reserved/],
    ['0.0.0.0/8', /reserved/],
    ['224.0.0.0/24', /reserved/],
    ['255.255.255.0/24', /reserved/],
  ])('is refused as %s (A09.4)', async (cidr, why) => {
    const { ctx, networkId } = await bare()
    const error = await expectCloudError(add(ctx, networkId, { cidr }), 'invalid_input', why)
    expect(error.field).toBe('cidr')
    expect(await usage(cloud, ctx.projectId)).toEqual({ networks: 1 })
  })

  it.each(['10.0.0.0/33', '10.0.0/24', '10.0.0.0', '10.0.0.0/24\n', '::/64', '010.0.0.0/24', 'x'])(
    'cannot be written as %j',
    (cidr) => {
      expect(subnetCreateInput.safeParse({ networkId: crypto.randomUUID(), cidr }).success).toBe(false)
    },
  )

  it.each([
    [{ gatewayIp: '10.0.1.1' }, 'gatewayIp'],
    [{ gatewayIp: '10.0.0.0' }, 'gatewayIp'],
    [{ gatewayIp: '10.0.0.255' }, 'gatewayIp'],
    [{ pool: { start: '10.0.0.20', end: '10.0.0.10' } }, 'pool'],
    [{ pool: { start: '10.0.0.0', end: '10.0.0.10' } }, 'pool'],
    [{ pool: { start: '10.0.0.2', end: '10.0.1.10' } }, 'pool'],
  ])('is refused with %j (A09.4)', async (patch, field) => {
    const { ctx, networkId } = await bare()
    const error = await expectCloudError(add(ctx, networkId, patch), 'invalid_input')
    expect(error.field).toBe(field)
  })

  it('may have the range of another network’s subnet, but must not overlap with its own network’s', async () => {
    const { ctx, networkId } = await bare()
    await add(ctx, networkId, { cidr: '10.0.0.0/16' })
    for (const cidr of ['10.0.0.0/16', '10.0.5.0/24', '10.0.0.0/8'])
      await expectCloudError(
        add(ctx, networkId, { cidr }),
        'conflict',
        /overlaps with another subnet.*10\.0\.0\.0\/16.*another/,
      )
    await add(ctx, networkId, { cidr: '10.1.0.0/16' })
    const other = await createNetwork(ctx, network({ subnet: undefined }))
    expect((await add(ctx, other.id, { cidr: '10.0.0.0/16' })).subnets).toHaveLength(1)
  })

  it('is made once when two callers ask for it at once', async () => {
    const { ctx, networkId } = await bare()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, (_, i) => add(ctx, networkId, { cidr: `10.0.${i}.0/${i === 0 ? 16 : 24}` })),
    )
    const { subnets } = await getNetwork(ctx, { id: networkId })
    expect(outcomes.filter((o) => o.status === 'fulfilled')).toHaveLength(subnets.length)
    expect(subnets.some((subnet) => subnet.cidr === '10.0.0.0/16') && subnets.length > 1).toBe(false)
    expect(await usage(cloud, ctx.projectId)).toEqual({ networks: 1, subnets: subnets.length })
  })

  it('counts against the quota', async () => {
    const { ctx, networkId } = await bare()
    await setQuota(cloud, ctx.projectId, 'subnets', 1)
    await add(ctx, networkId)
    await expectCloudError(
      add(ctx, networkId, { cidr: '10.1.0.0/24' }),
      'quota_exceeded',
      /1 of 1 are in use/,
    )
  })
})

describe('deleting a subnet', () => {
  it('is refused while an address is in use, and gives back its quota', async () => {
    const { ctx, networkId } = await bare()
    const id = (await add(ctx, networkId)).subnets[0]?.id ?? ''
    await newPort(ctx, networkId)
    await expectCloudError(deleteSubnet(ctx, { id }), 'conflict', /1 addresses .* Delete the instances/)
    await cloud.deps.root.portAddress.deleteMany({ where: { subnetId: id } })
    expect((await deleteSubnet(ctx, { id })).subnets).toEqual([])
    expect((await usage(cloud, ctx.projectId)).subnets).toBeUndefined()
    await expectCloudError(deleteSubnet(ctx, { id }), 'not_found')
  })

  it('twice, or at the moment when a port is made, is refused with a sentence, and no row is broken', async () => {
    const { ctx, networkId } = await bare()
    const id = (await add(ctx, networkId)).subnets[0]?.id ?? ''
    const outcomes = await Promise.allSettled([
      deleteSubnet(ctx, { id }),
      newPort(ctx, networkId),
      deleteSubnet(ctx, { id }),
    ])
    for (const o of outcomes)
      if (o.status === 'rejected') expect(['conflict', 'not_found']).toContain(toCloudError(o.reason).code)
    const left = await cloud.deps.root.subnet.count({ where: { networkId } })
    expect((await usage(cloud, ctx.projectId)).subnets ?? 0).toBe(left)
  })

  it("is refused as not found for another project's subnet (R2)", async () => {
    const { ctx, networkId } = await bare()
    const id = (await add(ctx, networkId)).subnets[0]?.id ?? ''
    const other = await testCtx(cloud.deps)
    const error = await expectCloudError(deleteSubnet(other, { id }), 'not_found')
    const none = crypto.randomUUID()
    const unknown = await expectCloudError(deleteSubnet(other, { id: none }), 'not_found')
    expect(error.message.replace(id, '')).toBe(unknown.message.replace(none, ''))
    const reader = await testCtx(cloud.deps, { role: 'reader', projectId: ctx.projectId })
    await expectCloudError(deleteSubnet(reader, { id }), 'forbidden')
  })
})
