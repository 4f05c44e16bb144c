import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { networkListInput } from '../contract.ts'
import { listRouters } from '../routers/service.ts'
import { createSubnet } from '../subnets/service.ts'
import { type Cloud, eventsOf, network, newPort, page, setQuota, testCloud, usage } from '../testing.ts'
import {
  createNetwork,
  deleteNetwork,
  getNetwork,
  listNetworks,
  starterNetwork,
  updateNetwork,
} from './service.ts'
import { starterOffer } from './starter.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud()
})
afterAll(() => cloud.close())

const list = (patch: object = {}) => networkListInput.parse(patch)

describe('a network', () => {
  it('is made with its subnet, history, event and quota, and can be read back', async () => {
    const ctx = await testCtx(cloud.deps)
    const made = await createNetwork(ctx, network({ name: 'web', description: 'for the web' }))
    expect(made).toMatchObject({
      name: 'web',
      description: 'for the web',
      projectId: ctx.projectId,
      state: 'active',
      mtu: 1500,
      external: false,
      shared: false,
      own: true,
      ports: 0,
      router: null,
      subnets: [{ cidr: '10.0.0.0/24', gatewayIp: '10.0.0.1', dhcp: true, addressesUsed: 0 }],
    })
    expect(await getNetwork(ctx, { id: made.id })).toEqual(made)
    expect(await eventsOf(cloud, made.id)).toEqual(['network.created', 'network.updated'])
    expect(await usage(cloud, ctx.projectId)).toEqual({ networks: 1, subnets: 1 })
    const operations = await cloud.deps.root.operation.findMany({ where: { resourceId: made.id } })
    expect(operations.map((o) => [o.action, o.state])).toEqual([['network.create', 'succeeded']])
  })

  it('is renamed, found by its name, and deleted with everything that it paid for', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id } = await createNetwork(ctx, network())
    expect(await updateNetwork(ctx, { id, name: 'Blue' })).toMatchObject({ name: 'Blue' })
    expect((await listNetworks(ctx, list({ search: 'bLU', external: false }))).items).toHaveLength(1)
    expect(await deleteNetwork(ctx, { id })).toMatchObject({ state: 'deleting' })
    await runPending(cloud.deps)
    await expectCloudError(getNetwork(ctx, { id }), 'not_found')
    expect(await usage(cloud, ctx.projectId)).toEqual({})
    expect((await eventsOf(cloud, id)).at(-1)).toBe('network.deleted')
  })

  it.each(['%', '_', '\\'])('takes %s in a search for an ordinary character (A16.4)', async (search) => {
    const ctx = await testCtx(cloud.deps)
    await createNetwork(ctx, network({ name: 'plain' }))
    const odd = await createNetwork(ctx, network({ name: `odd${search}name` }))
    const found = await listNetworks(ctx, list({ search, external: false }))
    expect(found.items.map((item) => item.id)).toEqual([odd.id])
  })

  it('is listed newest first, page by page', async () => {
    const ctx = await testCtx(cloud.deps)
    const ids: string[] = []
    for (let i = 0; i < 3; i++) ids.unshift((await createNetwork(ctx, network())).id)
    const first = await listNetworks(ctx, list({ external: false, limit: 2 }))
    expect(first).toMatchObject({ total: 3, items: [{ id: ids[0] }, { id: ids[1] }] })
    const second = await listNetworks(ctx, list({ external: false, limit: 2, marker: first.next }))
    expect(second).toMatchObject({ next: null, items: [{ id: ids[2] }] })
  })

  it('leaves no row when its subnet is refused', async () => {
    const ctx = await testCtx(cloud.deps)
    const wish = network({ subnet: { cidr: '10.0.0.5/24' } })
    await expectCloudError(createNetwork(ctx, wish), 'invalid_input', /Did you mean 10\.0\.0\.0\/24/)
    expect(await usage(cloud, ctx.projectId)).toEqual({})
    expect(await cloud.deps.root.network.count({ where: { projectId: ctx.projectId } })).toBe(0)
    expect(await cloud.deps.root.event.count({ where: { projectId: ctx.projectId } })).toBe(0)
  })

  it.each(["x'; DROP TABLE", '$(reboot)', '{{7*7}}', '--opt', '<b>'])(
    'keeps the name %s as it is (A11.1)',
    async (name) => {
      const ctx = await testCtx(cloud.deps)
      expect((await createNetwork(ctx, network({ name, description: name }))).name).toBe(name)
    },
  )
})

describe('deleting a network', () => {
  it('is refused while a port is on it', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id } = await createNetwork(ctx, network())
    await newPort(ctx, id)
    await expectCloudError(deleteNetwork(ctx, { id }), 'conflict', /1 port uses .* Delete the instances/)
    const starter = await starterNetwork(ctx, { name: 's' })
    await expectCloudError(deleteNetwork(ctx, { id: starter.id }), 'conflict', /Detach or delete the router/)
  })

  it('takes the network away for everybody at once, and out of the quota; the hosts follow (A19)', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id } = await createNetwork(ctx, network())
    await deleteNetwork(ctx, { id })
    expect(await usage(cloud, ctx.projectId)).toEqual({})
    const subnet = { networkId: id, name: '', cidr: '10.1.0.0/24', dhcp: true, dns: [] }
    for (const late of [
      () => getNetwork(ctx, { id }),
      () => newPort(ctx, id),
      () => createSubnet(ctx, subnet),
      () => deleteNetwork(ctx, { id }),
    ])
      await expectCloudError(late(), 'not_found')
    await runPending(cloud.deps)
    const operation = { resourceId: id, action: 'network.delete' }
    expect(await cloud.deps.root.operation.findFirst({ where: operation })).toMatchObject({
      state: 'succeeded',
    })
    expect((await eventsOf(cloud, id)).filter((kind) => kind === 'network.deleted')).toHaveLength(1)
  })

  it('and making a port at the same moment: one of the two wins, and the loser gets the reason', async () => {
    for (let i = 0; i < 5; i++) {
      const ctx = await testCtx(cloud.deps)
      const { id } = await createNetwork(ctx, network())
      const outcomes = await Promise.allSettled([deleteNetwork(ctx, { id }), newPort(ctx, id)])
      expect(outcomes.map((o) => o.status).sort()).toEqual(['fulfilled', 'rejected'])
      const lost = outcomes.find((o) => o.status === 'rejected')
      expect(['conflict', 'not_found']).toContain(lost?.reason.code)
      await runPending(cloud.deps)
      expect(await cloud.deps.root.operation.count({ where: { resourceId: id, state: 'failed' } })).toBe(0)
    }
  })
})

describe('authorization of networks', () => {
  it("treats another project's network as one that does not exist (R2)", async () => {
    const ctx = await testCtx(cloud.deps)
    const other = await testCtx(cloud.deps)
    const { id } = await createNetwork(ctx, network({ name: 'secret' }))
    const unknown = crypto.randomUUID()
    const subnet = { name: '', cidr: '10.1.0.0/24', dhcp: true, dns: [] }
    for (const call of [
      (id: string) => getNetwork(other, { id }),
      (id: string) => updateNetwork(other, { id, name: 'mine' }),
      (id: string) => deleteNetwork(other, { id }),
      (id: string) => createSubnet(other, { networkId: id, ...subnet }),
      (id: string) => newPort(other, id),
    ]) {
      const foreign = await expectCloudError(call(id), 'not_found')
      const none = await expectCloudError(call(unknown), 'not_found')
      expect(foreign.message.replace(id, '')).toBe(none.message.replace(unknown, ''))
    }
    expect((await listNetworks(other, list({ external: false }))).total).toBe(0)
    await expectCloudError(listNetworks(other, list({ marker: id })), 'invalid_input', /marker/)
    await expectCloudError(listNetworks(other, list({ allProjects: true })), 'forbidden')
  })

  it('lets readers look and only members change', async () => {
    const ctx = await testCtx(cloud.deps)
    const reader = await testCtx(cloud.deps, { role: 'reader', projectId: ctx.projectId })
    const { id } = await createNetwork(ctx, network())
    expect((await getNetwork(reader, { id })).id).toBe(id)
    await expectCloudError(createNetwork(reader, network()), 'forbidden')
    await expectCloudError(updateNetwork(reader, { id, name: 'x' }), 'forbidden')
    await expectCloudError(deleteNetwork(reader, { id }), 'forbidden')
    await expectCloudError(starterNetwork(reader, { name: 'x' }), 'forbidden')
  })

  it('gives external and shared networks to administrators alone (A12.5)', async () => {
    const ctx = await testCtx(cloud.deps)
    await expectCloudError(createNetwork(ctx, network({ external: true })), 'forbidden')
    await expectCloudError(createNetwork(ctx, network({ shared: true })), 'forbidden')
    expect(await usage(cloud, ctx.projectId)).toEqual({})
  })

  it('shows a shared network to all, but lets nobody else change it or see its router', async () => {
    const admin = await testCtx(cloud.deps, { role: 'admin' })
    const shared = await starterNetwork(admin, { name: 'shared' })
    await cloud.deps.root.network.update({ where: { id: shared.id }, data: { shared: true } })
    const ctx = await testCtx(cloud.deps)
    const seen = await getNetwork(ctx, { id: shared.id })
    expect(seen).toMatchObject({ own: false, shared: true, router: null })
    expect((await getNetwork(admin, { id: shared.id })).router?.name).toBe('shared-router')
    await expectCloudError(updateNetwork(ctx, { id: shared.id, name: 'x' }), 'forbidden')
    await expectCloudError(deleteNetwork(ctx, { id: shared.id }), 'forbidden')
    await newPort(ctx, shared.id)
    await cloud.deps.root.network.update({ where: { id: shared.id }, data: { shared: false } })
  })
})

describe('quota (A21.1)', () => {
  it('is exact under parallel callers, and comes back with every delete', async () => {
    const ctx = await testCtx(cloud.deps)
    await setQuota(cloud, ctx.projectId, 'networks', 3)
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => createNetwork(ctx, network())))
    const made = outcomes.flatMap((o) => (o.status === 'fulfilled' ? o.value : []))
    expect(made).toHaveLength(3)
    for (const o of outcomes)
      if (o.status === 'rejected') expect(o.reason).toMatchObject({ code: 'quota_exceeded' })
    expect(await usage(cloud, ctx.projectId)).toEqual({ networks: 3, subnets: 3 })
    for (const { id } of made) await deleteNetwork(ctx, { id })
    expect(await usage(cloud, ctx.projectId)).toEqual({})
  })
})

describe('the starter network', () => {
  it('comes with a subnet and a router to the outside, and a second one gets a range of its own', async () => {
    const ctx = await testCtx(cloud.deps)
    const first = await starterNetwork(ctx, { name: 'one' })
    const second = await starterNetwork(ctx, { name: 'two' })
    expect([first.subnets[0]?.cidr, second.subnets[0]?.cidr]).toEqual(['10.0.0.0/24', '10.0.1.0/24'])
    expect(first.router?.externalAddress).toMatch(/^172\.24\.4\./)
    const routers = await listRouters(ctx, page())
    expect(routers.items.map((r) => [r.name, r.interfaces[0]?.networkId])).toEqual([
      ['two-router', second.id],
      ['one-router', first.id],
    ])
    await runPending(cloud.deps)
    expect(await usage(cloud, ctx.projectId)).toEqual({ networks: 2, subnets: 2, routers: 2, ports: 2 })
  })

  it('is offered by the few facts that the portal needs', async () => {
    const ctx = await testCtx(cloud.deps)
    const before = await starterOffer(ctx)
    expect([before.hasWayOut, before.names]).toEqual([false, []])
    await createNetwork(ctx, network({ name: 'web' }))
    expect(await starterOffer(ctx)).toEqual({ hasNetwork: true, hasWayOut: false, names: [] })
    await starterNetwork(ctx, { name: 'starter-net-2' })
    expect(await starterOffer(ctx)).toEqual({ hasNetwork: true, hasWayOut: true, names: ['starter-net-2'] })
    const other = await starterOffer(await testCtx(cloud.deps))
    expect([other.hasWayOut, other.names], 'another project').toEqual([false, []])
  })

  it('is refused with the reason when there is no external network', async () => {
    const ctx = await testCtx(cloud.deps)
    await cloud.deps.root.network.update({ where: { id: cloud.externalId }, data: { state: 'down' } })
    await expectCloudError(starterNetwork(ctx, { name: 'x' }), 'conflict', /no external network yet/)
    await cloud.deps.root.network.update({ where: { id: cloud.externalId }, data: { state: 'active' } })
    expect(await usage(cloud, ctx.projectId)).toEqual({})
  })
})
