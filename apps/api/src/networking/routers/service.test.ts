import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { associateFloatingIp, createFloatingIp } from '../floating-ips/service.ts'
import { createNetwork, starterNetwork } from '../networks/service.ts'
import { createSubnet } from '../subnets/service.ts'
import {
  addPlane,
  type Cloud,
  eventsOf,
  floatingIp,
  network,
  newPort,
  page,
  router,
  setQuota,
  type Tenant,
  testCloud,
  usage,
} from '../testing.ts'
import {
  addRouterInterface,
  createRouter,
  deleteRouter,
  getRouter,
  listRouters,
  removeRouterInterface,
  setRouterGateway,
} from './service.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud()
})
afterAll(() => cloud.close())

/** Makes a network with one subnet; returns both IDs. */
async function subnetOf(ctx: Tenant, cidr = '10.0.0.0/24', patch: object = {}) {
  const made = await createNetwork(ctx, network({ subnet: { cidr, ...patch } }))
  return { networkId: made.id, subnetId: made.subnets[0]?.id ?? '' }
}
const withGateway = (ctx: Tenant) => createRouter(ctx, router({ externalNetworkId: cloud.externalId }))

describe('a router', () => {
  it('is made with a gateway address, found, and deleted without a trace', async () => {
    const ctx = await testCtx(cloud.deps)
    const made = await withGateway(ctx)
    expect(made).toMatchObject({
      name: 'router',
      external: { networkName: 'public', address: expect.stringMatching(/^172\.24\.4\./) },
      interfaces: [],
    })
    expect(await getRouter(ctx, { id: made.id })).toEqual(made)
    expect((await listRouters(ctx, page({ search: 'ROUT' }))).items).toEqual([made])
    expect(await deleteRouter(ctx, { id: made.id })).toMatchObject({ state: 'deleting' })
    await runPending(cloud.deps)
    await expectCloudError(getRouter(ctx, { id: made.id }), 'not_found')
    expect(await usage(cloud, ctx.projectId)).toEqual({})
    expect((await eventsOf(cloud, made.id)).slice(0, 1)).toEqual(['router.created'])
    expect((await eventsOf(cloud, made.id)).at(-1)).toBe('router.deleted')
    const gateways = { deviceOwner: 'network:router_gateway', deviceId: made.id }
    expect(await cloud.deps.root.port.count({ where: gateways })).toBe(0)
  })

  it('gets an interface in a subnet and loses it', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id } = await withGateway(ctx)
    const { networkId, subnetId } = await subnetOf(ctx)
    expect(await addRouterInterface(ctx, { id, subnetId })).toMatchObject({
      interfaces: [{ networkId, subnetId, cidr: '10.0.0.0/24', address: '10.0.0.1' }],
    })
    await expectCloudError(addRouterInterface(ctx, { id, subnetId }), 'conflict', /on this subnet already/)
    expect((await removeRouterInterface(ctx, { id, subnetId })).interfaces).toEqual([])
    await expectCloudError(removeRouterInterface(ctx, { id, subnetId }), 'not_found')
    expect((await usage(cloud, ctx.projectId)).ports).toBeUndefined()
    expect(await eventsOf(cloud, networkId)).toEqual(Array(4).fill(expect.stringMatching(/^network\./)))
  })

  it('is announced to its hosts, also to one whose only network it has left', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id } = await withGateway(ctx)
    const red = await subnetOf(ctx)
    const blue = await subnetOf(ctx, '10.1.0.0/24')
    const [a, b] = [await addPlane(cloud), await addPlane(cloud)]
    await newPort(ctx, red.networkId, { hostId: a.id })
    await newPort(ctx, blue.networkId, { hostId: b.id })
    for (const { subnetId } of [red, blue]) await addRouterInterface(ctx, { id, subnetId })
    await runPending(cloud.deps)
    const networksOn = (plane: typeof a.plane) =>
      plane.state.routers.get(id)?.interfaces.map((i) => i.networkId)
    expect(networksOn(a.plane)?.sort()).toEqual([red.networkId, blue.networkId].sort())
    await removeRouterInterface(ctx, { id, subnetId: blue.subnetId })
    await runPending(cloud.deps)
    expect(networksOn(a.plane)).toEqual([red.networkId])
    expect(networksOn(b.plane)).toEqual([red.networkId])
    await removeRouterInterface(ctx, { id, subnetId: red.subnetId })
    await runPending(cloud.deps)
    expect(networksOn(a.plane)).toEqual([])
    expect(a.plane.state.routers.get(id)?.external).not.toBeNull()
  })

  it('changes its way out and loses it', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id } = await createRouter(ctx, router())
    const gateway = { id, externalNetworkId: cloud.externalId }
    const address = (await setRouterGateway(ctx, gateway)).external?.address
    expect(address).toMatch(/^172\.24\.4\./)
    expect((await setRouterGateway(ctx, gateway)).external?.address).toBe(address)
    expect((await setRouterGateway(ctx, { id, externalNetworkId: null })).external).toBeNull()
    const { networkId } = await subnetOf(ctx)
    const wrong = setRouterGateway(ctx, { id, externalNetworkId: networkId })
    await expectCloudError(wrong, 'invalid_input', /not external/)
  })

  it('does not join two overlapping ranges (A09.4), or a subnet without a gateway address', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id } = await createRouter(ctx, router())
    const wide = await subnetOf(ctx, '10.0.0.0/16')
    const narrow = await subnetOf(ctx, '10.0.7.0/24')
    await addRouterInterface(ctx, { id, subnetId: wide.subnetId })
    const overlap = addRouterInterface(ctx, { id, subnetId: narrow.subnetId })
    await expectCloudError(overlap, 'conflict', /10\.0\.7\.0\/24 overlaps with 10\.0\.0\.0\/16/)
    const headless = await subnetOf(ctx, '10.9.0.0/24', { gatewayIp: null })
    const noPlace = addRouterInterface(ctx, { id, subnetId: headless.subnetId })
    await expectCloudError(noPlace, 'invalid_input', /no gateway address/)
    const second = await createRouter(ctx, router())
    const taken = addRouterInterface(ctx, { id: second.id, subnetId: wide.subnetId })
    await expectCloudError(taken, 'conflict', /10\.0\.0\.1 is in use/)
    const parallel = await Promise.allSettled(
      Array.from({ length: 4 }, () => addRouterInterface(ctx, { id: second.id, subnetId: narrow.subnetId })),
    )
    expect(parallel.filter((o) => o.status === 'fulfilled')).toHaveLength(1)
  })

  it('counts against the quota, exactly', async () => {
    const ctx = await testCtx(cloud.deps)
    await setQuota(cloud, ctx.projectId, 'routers', 2)
    const made = await Promise.allSettled(Array.from({ length: 6 }, () => createRouter(ctx, router())))
    expect(made.filter((o) => o.status === 'fulfilled')).toHaveLength(2)
    expect(await usage(cloud, ctx.projectId)).toEqual({ routers: 2 })
  })
})

describe('a router with a floating IP behind it', () => {
  it('cannot lose its gateway or its interface, and cannot be deleted', async () => {
    const ctx = await testCtx(cloud.deps)
    const made = await starterNetwork(ctx, { name: 'net' })
    const portId = await newPort(ctx, made.id)
    const fip = await createFloatingIp(ctx, floatingIp({ portId }))
    const id = made.router?.id ?? ''
    const subnetId = made.subnets[0]?.id ?? ''
    for (const refused of [
      () => setRouterGateway(ctx, { id, externalNetworkId: null }),
      () => removeRouterInterface(ctx, { id, subnetId }),
      () => deleteRouter(ctx, { id }),
    ])
      await expectCloudError(refused(), 'conflict', /1 floating IP .* Disassociate them first/)
    await associateFloatingIp(ctx, { id: fip.id, portId: null })
    await deleteRouter(ctx, { id })
    await expectCloudError(deleteRouter(ctx, { id }), 'not_found')
    await expectCloudError(setRouterGateway(ctx, { id, externalNetworkId: null }), 'not_found')
    await expectCloudError(associateFloatingIp(ctx, { id: fip.id, portId }), 'conflict', /No router leads/)
    await expectCloudError(getRouter(ctx, { id }), 'not_found')
    expect((await usage(cloud, ctx.projectId)).routers).toBeUndefined()
  })

  it('is deleted at the moment when a floating IP is taken: one of the two is refused', async () => {
    for (let i = 0; i < 5; i++) {
      const ctx = await testCtx(cloud.deps)
      const made = await starterNetwork(ctx, { name: 'net' })
      const portId = await newPort(ctx, made.id)
      const outcomes = await Promise.allSettled([
        deleteRouter(ctx, { id: made.router?.id ?? '' }),
        createFloatingIp(ctx, floatingIp({ portId })),
      ])
      expect(outcomes.map((o) => o.status).sort()).toEqual(['fulfilled', 'rejected'])
      await runPending(cloud.deps)
    }
  })
})

describe('authorization of routers', () => {
  it("does not know another project's router, subnet or network (A12.1)", async () => {
    const ctx = await testCtx(cloud.deps)
    const other = await testCtx(cloud.deps)
    const { id } = await createRouter(ctx, router())
    const own = await subnetOf(ctx)
    const { id: theirs } = await createRouter(other, router())
    const { subnetId, networkId } = await subnetOf(other, '10.5.0.0/24')
    for (const refused of [
      () => getRouter(other, { id }),
      () => deleteRouter(other, { id }),
      () => setRouterGateway(other, { id, externalNetworkId: null }),
      () => addRouterInterface(other, { id, subnetId }),
      () => removeRouterInterface(other, { id, subnetId: own.subnetId }),
      () => addRouterInterface(ctx, { id, subnetId }),
      () => setRouterGateway(ctx, { id, externalNetworkId: networkId }),
    ])
      await expectCloudError(refused(), 'not_found')
    expect((await listRouters(other, page())).items.map((item) => item.id)).toEqual([theirs])
    const reader = await testCtx(cloud.deps, { role: 'reader', projectId: ctx.projectId })
    await expectCloudError(createRouter(reader, router()), 'forbidden')
    await expectCloudError(addRouterInterface(reader, { id, subnetId: own.subnetId }), 'forbidden')
    await expectCloudError(deleteRouter(reader, { id }), 'forbidden')
  })

  it('does not plug into a shared network of somebody else (OSSA-2014-008)', async () => {
    const admin = await testCtx(cloud.deps, { role: 'admin' })
    const shared = await createNetwork(admin, network({ shared: true }))
    const ctx = await testCtx(cloud.deps)
    const { id } = await createRouter(ctx, router())
    const subnetId = shared.subnets[0]?.id ?? ''
    await expectCloudError(addRouterInterface(ctx, { id, subnetId }), 'invalid_input', /of its own project/)
    const second = { networkId: shared.id, name: '', cidr: '10.8.0.0/24', dhcp: true, dns: [] }
    await expectCloudError(createSubnet(ctx, second), 'forbidden')
  })
})
