import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inTransaction } from '../../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { createNetwork, deleteNetwork, starterNetwork } from '../networks/service.ts'
import { deletePortRows } from '../ports/rows.ts'
import { getPort, listPorts } from '../ports/service.ts'
import {
  addPlane,
  type Cloud,
  eventsOf,
  floatingIp,
  network,
  newPort,
  page,
  setQuota,
  type Tenant,
  testCloud,
  usage,
} from '../testing.ts'
import { associateFloatingIp, createFloatingIp, deleteFloatingIp, listFloatingIps } from './service.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud()
})
afterAll(() => cloud.close())

async function tenant(): Promise<Tenant & { networkId: string; routerId: string }> {
  const ctx = await testCtx(cloud.deps)
  const made = await starterNetwork(ctx, { name: 'net' })
  return { ...ctx, networkId: made.id, routerId: made.router?.id ?? '' }
}
const free = (ctx: Tenant) => createFloatingIp(ctx, floatingIp())
const operationsOf = (id: string) => cloud.deps.root.operation.findMany({ where: { resourceId: id } })

describe('a floating IP', () => {
  it('is taken, listed, and given back', async () => {
    const ctx = await tenant()
    const fip = await createFloatingIp(ctx, floatingIp({ description: 'for the web' }))
    expect(fip).toMatchObject({
      address: expect.stringMatching(/^172\.24\.4\.\d+$/),
      description: 'for the web',
      networkName: 'public',
      state: 'down',
      portId: null,
      instanceId: null,
    })
    expect((await listFloatingIps(ctx, page({ search: fip.address }))).items).toEqual([fip])
    expect((await listFloatingIps(ctx, page({ search: '%' }))).items).toEqual([])
    expect((await operationsOf(fip.id)).map((o) => o.action)).toEqual(['floatingIp.create'])
    await deleteFloatingIp(ctx, { id: fip.id })
    expect((await usage(cloud, ctx.projectId)).floatingIps).toBeUndefined()
    expect(await eventsOf(cloud, fip.id)).toEqual(['floatingIp.created', 'floatingIp.deleted'])
    const address = { address: fip.address, subnet: { networkId: cloud.externalId } }
    expect(await cloud.deps.root.portAddress.count({ where: address })).toBe(0)
    await expectCloudError(deleteFloatingIp(ctx, { id: fip.id }), 'not_found')
  })

  it('leads to an instance by its router, at the host, until it is taken off', async () => {
    const ctx = await tenant()
    const { id: hostId, plane } = await addPlane(cloud)
    const instanceId = crypto.randomUUID()
    const portId = await newPort(ctx, ctx.networkId, { hostId, instanceId })
    const { id } = await createFloatingIp(ctx, floatingIp({ portId }))
    await runPending(cloud.deps)
    const [fip] = (await listFloatingIps(ctx, page())).items
    expect(fip).toMatchObject({ id, state: 'active', portId, instanceId })
    const routed = () =>
      plane.state.routers
        .get(ctx.routerId)
        ?.floatingIps.map(({ address, fixedAddress }) => [address, fixedAddress])
    expect(routed()).toEqual([[fip?.address, fip?.fixedAddress]])
    expect((await getPort(ctx, { id: portId })).addresses[0]?.floatingIp).toEqual({
      id,
      address: fip?.address,
    })
    expect(await associateFloatingIp(ctx, { id, portId })).toMatchObject({ portId })
    expect(await associateFloatingIp(ctx, { id, portId: null })).toMatchObject({
      portId: null,
      state: 'down',
    })
    await runPending(cloud.deps)
    expect(routed()).toEqual([])
  })

  it('is deleted while it is in use, and its host forgets it', async () => {
    const ctx = await tenant()
    const { id: hostId, plane } = await addPlane(cloud)
    const portId = await newPort(ctx, ctx.networkId, { hostId })
    const { id } = await createFloatingIp(ctx, floatingIp({ portId }))
    await runPending(cloud.deps)
    await deleteFloatingIp(ctx, { id })
    await runPending(cloud.deps)
    expect(plane.state.routers.get(ctx.routerId)?.floatingIps).toEqual([])
  })

  it('is free again when its port is deleted', async () => {
    const ctx = await tenant()
    const portId = await newPort(ctx, ctx.networkId)
    const { id } = await createFloatingIp(ctx, floatingIp({ portId }))
    await inTransaction(ctx, (tx) => deletePortRows(tx, [portId]))
    const [fip] = (await listFloatingIps(ctx, page())).items
    expect(fip).toMatchObject({ id, portId: null, fixedAddress: null, state: 'down' })
  })

  it('keeps its external network from being deleted', async () => {
    const ctx = await tenant()
    await free(ctx)
    const admin = await testCtx(cloud.deps, { role: 'admin' })
    await expectCloudError(
      deleteNetwork(admin, { id: cloud.externalId }),
      'conflict',
      /floating IPs on it first/,
    )
  })
})

describe('competing claims', () => {
  it('of one address by two instances: one instance has it, the other request is refused', async () => {
    const ctx = await tenant()
    for (let i = 0; i < 5; i++) {
      const { id } = await free(ctx)
      const ports = [await newPort(ctx, ctx.networkId), await newPort(ctx, ctx.networkId)]
      const outcomes = await Promise.allSettled(
        ports.map((portId) => associateFloatingIp(ctx, { id, portId })),
      )
      expect(outcomes.filter((o) => o.status === 'fulfilled')).toHaveLength(1)
      const lost = outcomes.find((o) => o.status === 'rejected')
      expect(lost?.reason).toMatchObject({ code: 'conflict', message: expect.stringMatching(/in use/) })
      const winner = ports[outcomes.findIndex((o) => o.status === 'fulfilled')]
      expect((await cloud.deps.root.floatingIp.findUnique({ where: { id } }))?.portId).toBe(winner)
    }
  })

  it('of one instance by two addresses: the instance gets one', async () => {
    const ctx = await tenant()
    const portId = await newPort(ctx, ctx.networkId)
    const fips = [await free(ctx), await free(ctx), await free(ctx)]
    const outcomes = await Promise.allSettled(fips.map(({ id }) => associateFloatingIp(ctx, { id, portId })))
    expect(outcomes.filter((o) => o.status === 'fulfilled')).toHaveLength(1)
    for (const o of outcomes)
      if (o.status === 'rejected') expect(o.reason).toMatchObject({ code: 'conflict' })
  })

  it('association and deletion at once leave neither an address nor a counter behind', async () => {
    const ctx = await tenant()
    const { id } = await free(ctx)
    const portId = await newPort(ctx, ctx.networkId)
    const outcomes = await Promise.allSettled([
      deleteFloatingIp(ctx, { id }),
      deleteFloatingIp(ctx, { id }),
      associateFloatingIp(ctx, { id, portId }),
    ])
    for (const o of outcomes)
      if (o.status === 'rejected') expect(o.reason).toMatchObject({ code: 'not_found' })
    expect(await cloud.deps.root.floatingIp.count({ where: { id } })).toBe(0)
    expect((await usage(cloud, ctx.projectId)).floatingIps).toBeUndefined()
  })

  it('never get the same address twice, and an empty pool is refused with a sentence', async () => {
    const admin = await testCtx(cloud.deps, { role: 'admin' })
    const small = await createNetwork(admin, network({ external: true, subnet: { cidr: '198.51.100.0/28' } }))
    const tenants = await Promise.all(Array.from({ length: 4 }, () => testCtx(cloud.deps)))
    const claims = tenants.flatMap((ctx) =>
      Array.from({ length: 4 }, () => createFloatingIp(ctx, floatingIp({ networkId: small.id }))),
    )
    const outcomes = await Promise.allSettled(claims)
    const made = outcomes.flatMap((o) => (o.status === 'fulfilled' ? o.value.address : []))
    expect(made).toHaveLength(13) // 14 usable, one of them the gateway
    expect(new Set(made).size).toBe(13)
    for (const o of outcomes)
      if (o.status === 'rejected')
        expect(o.reason).toMatchObject({
          code: 'conflict',
          message: expect.stringMatching(/no free address/),
        })
  })

  it('stop exactly at the quota', async () => {
    const ctx = await tenant()
    await setQuota(cloud, ctx.projectId, 'floatingIps', 2)
    const made = await Promise.allSettled(Array.from({ length: 8 }, () => free(ctx)))
    expect(made.filter((o) => o.status === 'fulfilled')).toHaveLength(2)
    expect((await usage(cloud, ctx.projectId)).floatingIps).toBe(2)
  })
})

describe('a floating IP does not lead to', () => {
  it('a network without a way out, and the error says what to do', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id: networkId } = await createNetwork(ctx, network({ name: 'island' }))
    const portId = await newPort(ctx, networkId)
    await expectCloudError(
      createFloatingIp(ctx, floatingIp({ portId })),
      'conflict',
      /No router leads from network “island” .* Create a router with a gateway/,
    )
    expect((await usage(cloud, ctx.projectId)).floatingIps).toBeUndefined()
  })

  it('a router’s own port', async () => {
    const ctx = await tenant()
    const [own] = (await listPorts(ctx, { ...page(), networkId: ctx.networkId })).items
    const wish = floatingIp({ portId: own?.id ?? '' })
    await expectCloudError(createFloatingIp(ctx, wish), 'invalid_input', /port of an instance/)
  })

  it('anything of another project: neither their port nor their address exists (A12.1)', async () => {
    const ctx = await tenant()
    const other = await tenant()
    const fip = await free(ctx)
    const theirs = await newPort(other, other.networkId)
    const mine = await newPort(ctx, ctx.networkId)
    await expectCloudError(associateFloatingIp(ctx, { id: fip.id, portId: theirs }), 'not_found', /^Port/)
    await expectCloudError(associateFloatingIp(other, { id: fip.id, portId: theirs }), 'not_found')
    await expectCloudError(deleteFloatingIp(other, { id: fip.id }), 'not_found')
    await expectCloudError(createFloatingIp(ctx, floatingIp({ portId: theirs })), 'not_found')
    await expectCloudError(createFloatingIp(ctx, floatingIp({ networkId: other.networkId })), 'not_found')
    await expectCloudError(
      createFloatingIp(ctx, floatingIp({ networkId: ctx.networkId })),
      'invalid_input',
      /not a valid external network/,
    )
    expect((await listFloatingIps(other, page())).total).toBe(0)
    // Even an administrator cannot join a floating IP and a port of two projects.
    const admin = await testCtx(cloud.deps, { role: 'admin' })
    await expectCloudError(associateFloatingIp(admin, { id: fip.id, portId: theirs }), 'invalid_input')
    const reader = await testCtx(cloud.deps, { role: 'reader', projectId: ctx.projectId })
    await expectCloudError(associateFloatingIp(reader, { id: fip.id, portId: mine }), 'forbidden')
    await expectCloudError(free(reader), 'forbidden')
  })
})
