import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { inTransaction } from '../../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { portListInput } from '../contract.ts'
import { createNetwork, starterNetwork } from '../networks/service.ts'
import { createSecurityGroup, ensureDefaultSecurityGroup } from '../security-groups/service.ts'
import { createSubnet } from '../subnets/service.ts'
import {
  addPlane,
  type Cloud,
  eventsOf,
  network,
  newPort,
  setQuota,
  type Tenant,
  testCloud,
  usage,
} from '../testing.ts'
import { take } from './allocate.ts'
import { updatePort } from './change.ts'
import { deletePortRows } from './rows.ts'
import { getPort, listPorts } from './service.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud()
})
afterAll(() => cloud.close())

async function tenant(cidr = '10.0.0.0/24'): Promise<Tenant & { networkId: string; defaultId: string }> {
  const ctx = await testCtx(cloud.deps)
  const { id: networkId } = await createNetwork(ctx, network({ subnet: { cidr } }))
  return { ...ctx, networkId, defaultId: await ensureDefaultSecurityGroup(ctx, ctx.projectId) }
}
const remove = (ctx: Tenant, ids: string[]) => inTransaction(ctx, (tx) => deletePortRows(tx, ids))
const list = (patch: object = {}) => portListInput.parse(patch)
const group = (ctx: Tenant, name = 'web') => createSecurityGroup(ctx, { name, description: '' })

describe('a port', () => {
  it('has a MAC address of the cloud’s range, an address of the pool and the default group', async () => {
    const ctx = await tenant()
    const id = await newPort(ctx, ctx.networkId)
    const port = await getPort(ctx, { id })
    expect(port).toMatchObject({
      networkId: ctx.networkId,
      deviceOwner: 'compute:nova',
      securityGroups: [{ id: ctx.defaultId, name: 'default' }],
      addresses: [{ address: expect.stringMatching(/^10\.0\.0\.\d+$/), floatingIp: null }],
    })
    expect(port.mac).toMatch(/^fa:16:3e(:[0-9a-f]{2}){3}$/)
    expect(['10.0.0.1', '10.0.0.2']).not.toContain(port.addresses[0]?.address)
    expect(await eventsOf(cloud, id)).toEqual(['port.created'])
  })

  it('never has the MAC address of another port on its network, even when random numbers repeat', async () => {
    const ctx = await tenant()
    const draws = [1, 1, 2, 3]
    let again = false
    const random = vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
      if (array instanceof Uint8Array) array.fill(again ? (draws.shift() ?? 9) : 1)
      return array
    })
    try {
      const first = await getPort(ctx, { id: await newPort(ctx, ctx.networkId) })
      again = true
      const second = await getPort(ctx, { id: await newPort(ctx, ctx.networkId) })
      expect(first.mac).toBe('fa:16:3e:01:01:01')
      expect(second.mac).not.toBe(first.mac)
    } finally {
      random.mockRestore()
    }
  })

  it('is listed by network and by device, without the ports of others', async () => {
    const ctx = await tenant()
    const other = await tenant()
    const deviceId = crypto.randomUUID()
    const id = await newPort(ctx, ctx.networkId, { instanceId: deviceId })
    await newPort(ctx, ctx.networkId)
    expect((await listPorts(ctx, list())).total).toBe(2)
    expect((await listPorts(ctx, list({ deviceId }))).items.map((port) => port.id)).toEqual([id])
    // The IDs of other projects in filters find nothing (A12.2).
    for (const filter of [{ deviceId }, { networkId: ctx.networkId }])
      expect((await listPorts(other, list(filter))).total).toBe(0)
    await expectCloudError(listPorts(other, list({ allProjects: true })), 'forbidden')
  })

  it("of another project does not exist, and another project's groups do not either (A12.1)", async () => {
    const ctx = await tenant()
    const other = await tenant()
    const id = await newPort(ctx, ctx.networkId)
    await expectCloudError(getPort(other, { id }), 'not_found')
    await expectCloudError(updatePort(other, { id, name: 'mine' }), 'not_found')
    const foreign = await group(other)
    const own = await group(ctx)
    const wish = { id, securityGroupIds: [own.id, foreign.id] }
    await expectCloudError(updatePort(ctx, wish), 'not_found', /Security group/)
    // An administrator is refused, too: the port would be in a group whose owner never sees it.
    const admin = await testCtx(cloud.deps, { role: 'admin', projectId: other.projectId })
    await expectCloudError(updatePort(admin, wish), 'not_found')
    expect((await getPort(ctx, { id })).securityGroups.map((g) => g.id)).toEqual([ctx.defaultId])
    await expectCloudError(newPort(ctx, ctx.networkId, { groups: [foreign.id] }), 'not_found')
    const reader = await testCtx(cloud.deps, { role: 'reader', projectId: ctx.projectId })
    await expectCloudError(updatePort(reader, { id, name: 'x' }), 'forbidden')
  })

  it('changes its groups live at its host, and writes an event', async () => {
    const ctx = await tenant()
    const { id: hostId, plane } = await addPlane(cloud)
    const id = await newPort(ctx, ctx.networkId, { hostId })
    const own = await group(ctx)
    expect(await updatePort(ctx, { id, name: 'p', securityGroupIds: [own.id] })).toMatchObject({
      name: 'p',
      securityGroups: [{ id: own.id }],
    })
    await runPending(cloud.deps)
    // A group without ingress rules lets nothing in; the default group lets its members in.
    expect(plane.state.ports.get(id)?.rules.map((rule) => rule.direction)).toEqual(['egress', 'egress'])
    await updatePort(ctx, { id, securityGroupIds: [] })
    await runPending(cloud.deps)
    expect(plane.state.ports.get(id)?.rules).toEqual([])
    expect((await eventsOf(cloud, id)).filter((kind) => kind === 'port.updated').length).toBeGreaterThan(1)
  })

  it('of a router takes no security groups (A08.7)', async () => {
    const ctx = await testCtx(cloud.deps)
    const made = await starterNetwork(ctx, { name: 'net' })
    const [port] = (await listPorts(ctx, list({ networkId: made.id }))).items
    const id = port?.id ?? ''
    await expectCloudError(updatePort(ctx, { id, securityGroupIds: [] }), 'conflict', /belongs to a router/)
  })
})

describe('addresses', () => {
  it('are given out once each, also to fifty concurrent callers, until there are none', async () => {
    const ctx = await tenant('10.0.0.0/26')
    const ids = await Promise.all(Array.from({ length: 50 }, () => newPort(ctx, ctx.networkId)))
    const rows = await cloud.deps.root.portAddress.findMany({ where: { portId: { in: ids } } })
    expect(new Set(rows.map((row) => row.address)).size).toBe(50)
    // There are 62 usable addresses, of which the gateway and the DHCP server have two.
    for (let i = 50; i < 60; i++) ids.push(await newPort(ctx, ctx.networkId))
    await expectCloudError(
      newPort(ctx, ctx.networkId),
      'conflict',
      /10\.0\.0\.0\/26 has no free address left\. Delete something/,
    )
    expect((await usage(cloud, ctx.projectId)).ports).toBe(60)
    const [first = ''] = ids
    const freed = rows.find((row) => row.portId === first)?.address
    await remove(ctx, [first])
    const again = await getPort(ctx, { id: await newPort(ctx, ctx.networkId) })
    expect(again.addresses[0]?.address).toBe(freed)
  })

  it('go to one of many callers when one is left', async () => {
    const ctx = await tenant('10.0.0.0/29') // six usable, four for guests
    for (let i = 0; i < 3; i++) await newPort(ctx, ctx.networkId)
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => newPort(ctx, ctx.networkId)))
    expect(outcomes.filter((o) => o.status === 'fulfilled')).toHaveLength(1)
    expect((await usage(cloud, ctx.projectId)).ports).toBe(4)
  })

  it('are never waited for: two transactions that want each other’s addresses cannot deadlock', async () => {
    const ctx = await tenant()
    const subnet = await cloud.deps.root.subnet.findFirstOrThrow({ where: { networkId: ctx.networkId } })
    const [a, b] = [await newPort(ctx, ctx.networkId), await newPort(ctx, ctx.networkId)]
    await cloud.deps.root.portAddress.deleteMany({ where: { portId: { in: [a, b] } } })
    await inTransaction(ctx, async (one) => {
      expect(await take(one, subnet.id, '10.0.0.10', a)).toBe(true)
      await inTransaction(ctx, async (two) => {
        expect(await take(two, subnet.id, '10.0.0.11', b)).toBe(true)
        expect(await take(two, subnet.id, '10.0.0.10', b)).toBe(false)
        expect(await take(one, subnet.id, '10.0.0.11', a)).toBe(false)
      })
    })
    const rows = await cloud.deps.root.portAddress.findMany({ where: { portId: { in: [a, b] } } })
    expect(new Map(rows.map((row) => [row.portId, row.address]))).toEqual(
      new Map([
        [a, '10.0.0.10'],
        [b, '10.0.0.11'],
      ]),
    )
  })

  it('stay inside the pool', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id } = await createNetwork(ctx, network({ subnet: undefined }))
    await createSubnet(ctx, {
      networkId: id,
      name: '',
      cidr: '10.0.0.0/24',
      dhcp: true,
      dns: [],
      pool: { start: '10.0.0.100', end: '10.0.0.102' },
    })
    const ids = [await newPort(ctx, id), await newPort(ctx, id), await newPort(ctx, id)]
    const rows = await cloud.deps.root.portAddress.findMany({ where: { portId: { in: ids } } })
    expect(rows.map((row) => row.address).sort()).toEqual(['10.0.0.100', '10.0.0.101', '10.0.0.102'])
  })
})

describe('quota', () => {
  it('is exact for parallel callers, free again after a failure, and zero after the last deletion (A21.1)', async () => {
    const ctx = await tenant()
    await setQuota(cloud, ctx.projectId, 'ports', 10)
    const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => newPort(ctx, ctx.networkId)))
    const ids = outcomes.flatMap((o) => (o.status === 'fulfilled' ? o.value : []))
    expect(ids).toHaveLength(10)
    await remove(ctx, ids)
    const failing = inTransaction(ctx, async (tx) => {
      await newPort({ ...ctx, ...tx, projectId: ctx.projectId }, ctx.networkId)
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    expect((await usage(cloud, ctx.projectId)).ports).toBeUndefined()
  })
})
