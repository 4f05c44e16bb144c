import { DriverError } from '@stratolith/drivers/errors'
import { backgroundOp } from '@stratolith/drivers/op'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { deliverAll } from '../hosts/documents.ts'
import { inTransaction } from '../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../kernel/testing.ts'
import { createFloatingIp } from './floating-ips/service.ts'
import { starterNetwork } from './networks/service.ts'
import { bindPort } from './ports/of-instances.ts'
import { deletePortRows } from './ports/rows.ts'
import { getPort } from './ports/service.ts'
import { reconcileHost, reconcileNetworks } from './reconcile.ts'
import { addSecurityGroupRule, createSecurityGroup } from './security-groups/service.ts'
import { addPlane, type Cloud, floatingIp, newPort, rule, type Tenant, testCloud } from './testing.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud()
})
afterAll(() => cloud.close())

type Place = Awaited<ReturnType<typeof addPlane>>
type Guest = Tenant & { networkId: string; routerId: string; portId: string; groupId: string; host: Place }
const op = () => backgroundOp(cloud.deps.log)
const db = () => cloud.deps.root
const settle = (host: Place) => reconcileHost(cloud.system, host.id)
/** Makes ports look old: the reconciler leaves a young port to its workflow. */
const age = (id?: string) =>
  db().port.updateMany({ where: { id }, data: { createdAt: new Date(Date.now() - 3_600_000) } })

/** Makes a guest with a router, a group whose rule names the group itself, and a floating IP, all on a new host. */
async function guest(): Promise<Guest> {
  const ctx = await testCtx(cloud.deps)
  const host = await addPlane(cloud)
  const made = await starterNetwork(ctx, { name: 'net' })
  const { id: groupId } = await createSecurityGroup(ctx, { name: 'web', description: '' })
  const portId = await newPort(ctx, made.id, { hostId: host.id, groups: [groupId] })
  await addSecurityGroupRule(ctx, rule(groupId, { remoteGroupId: groupId }))
  await createFloatingIp(ctx, floatingIp({ portId }))
  await runPending(cloud.deps)
  await age(portId)
  return { ...ctx, networkId: made.id, routerId: made.router?.id ?? '', portId, groupId, host }
}

describe('a host', () => {
  it('that has everything as it should be is left alone', async () => {
    const { host } = await guest()
    await settle(host)
    const before = { ...host.plane.calls }
    await settle(host)
    expect(host.plane.calls).toEqual({ ...before, list: (before.list ?? 0) + 1 })
  })

  it.each(['portId', 'routerId', 'networkId', 'groupId'] as const)('gets back a lost %s', async (what) => {
    const ctx = await guest()
    const before = await ctx.host.plane.list(op())
    ctx.host.plane.lose(ctx[what])
    expect(await ctx.host.plane.list(op())).not.toEqual(before)
    await settle(ctx.host)
    expect(await ctx.host.plane.list(op())).toEqual(before)
  })

  it('gets back everything after it lost everything', async () => {
    const ctx = await guest()
    const before = await ctx.host.plane.list(op())
    for (const part of Object.values(ctx.host.plane.state)) part.clear()
    await settle(ctx.host)
    expect(await ctx.host.plane.list(op())).toEqual(before)
  })

  it('gets back its own things when other hosts get theirs in the same round', async () => {
    const guests = [await guest(), await guest(), await guest()]
    const before = await Promise.all(guests.map((one) => one.host.plane.list(op())))
    for (const { host, portId, groupId } of guests) for (const id of [portId, groupId]) host.plane.lose(id)
    await reconcileNetworks(cloud.system)
    expect(await Promise.all(guests.map((one) => one.host.plane.list(op())))).toEqual(before)
  })

  it('that still has what its unchanged documents say is compared again only after a while', async () => {
    const ctx = await guest()
    await settle(ctx.host)
    const ports = () => ctx.host.plane.state.ports.get(ctx.portId)?.rules.map((one) => one.portMin)
    const before = ports()
    // No statement of ours may do so: without triggers nobody counts the change.
    await inTransaction(cloud.system, async (tx) => {
      await tx.db.$executeRaw`SET LOCAL session_replication_role = 'replica'`
      await tx.db.securityGroupRule.updateMany({
        where: { groupId: ctx.groupId, portMin: 22 },
        data: { portMin: 21 },
      })
    })
    await settle(ctx.host)
    expect(ports()).toEqual(before)
    const later = Date.now() + 20 * 60_000
    vi.spyOn(Date, 'now').mockReturnValue(later)
    try {
      await settle(ctx.host)
    } finally {
      vi.restoreAllMocks()
    }
    expect(ports()).toEqual(before?.map((port) => (port === 22 ? 21 : port)))
    expect(ports()).not.toEqual(before)
  })

  it('that missed a change gets it: rules, members, floating IPs, subnets (A08, OSSA-2015-021)', async () => {
    const ctx = await guest()
    const { state } = ctx.host.plane
    const port = state.ports.get(ctx.portId)
    const routerSpec = state.routers.get(ctx.routerId)
    const networkSpec = state.networks.get(ctx.networkId)
    if (!port || !routerSpec || !networkSpec) throw new Error('the guest is not on its host')
    const wide = { ...port, rules: [{ ...port.rules[0], direction: 'ingress', protocol: null }] }
    state.ports.set(port.id, wide as typeof port)
    state.routers.set(routerSpec.id, { ...routerSpec, floatingIps: [] })
    state.networks.set(networkSpec.id, {
      ...networkSpec,
      subnets: networkSpec.subnets.map((s) => ({ ...s, dns: ['9.9.9.9'] })),
    })
    state.sets.set(ctx.groupId, { id: ctx.groupId, addresses: ['10.0.0.99'] })
    await settle(ctx.host)
    expect(state.ports.get(port.id)).toEqual(port)
    expect(state.routers.get(routerSpec.id)).toEqual(routerSpec)
    expect(state.networks.get(networkSpec.id)).toEqual(networkSpec)
    expect(state.sets.get(ctx.groupId)?.addresses).toEqual(port.addresses.map((a) => a.ip))
  })

  it('gives an address to its new port when the port that had the address is gone (A19.3)', async () => {
    const ctx = await guest()
    const { addresses } = await getPort(ctx, { id: ctx.portId })
    await db().floatingIp.updateMany({
      where: { portId: ctx.portId },
      data: { portId: null, fixedAddress: null },
    })
    // The deletion of an instance does the same while its host is down.
    await inTransaction(cloud.system, (tx) => deletePortRows(tx, [ctx.portId]))
    const wish = { address: addresses[0]?.address ?? '' }
    await expectCloudError(newPort(ctx, ctx.networkId, wish), 'conflict', /has not let go of it yet/)
    await deliverAll(cloud.system)
    const next = await newPort(ctx, ctx.networkId, wish)
    await bindPort(cloud.system, next, ctx.host.id)
    await deliverAll(cloud.system)
    expect((await ctx.host.plane.list(op())).ports.map((port) => port.id)).toEqual([next])
  })

  it('keeps things that no row knows until their time is over: port, router, network, members (A19.3)', async () => {
    const ctx = await guest()
    const before = await ctx.host.plane.list(op())
    const { state } = ctx.host.plane
    const id = () => crypto.randomUUID()
    const [networkId, external] = [id(), state.networks.get(cloud.externalId)]
    const net = state.networks.get(ctx.networkId)
    const port = state.ports.get(ctx.portId)
    if (!net || !port || !external) throw new Error('the guest is not on its host')
    await ctx.host.plane.ensureNetwork(op(), { ...net, id: networkId, tag: 9_001 })
    await ctx.host.plane.ensurePort(op(), { ...port, id: id(), tag: 9_002, networkId })
    const orphan = { id: id(), tag: 9_003, adminUp: true, external: null, interfaces: [], floatingIps: [] }
    await ctx.host.plane.ensureRouter(op(), orphan)
    await ctx.host.plane.ensureAddressSet(op(), { id: id(), addresses: ['10.0.0.9'] })
    const strange = await ctx.host.plane.list(op())
    await settle(ctx.host)
    expect(await ctx.host.plane.list(op())).toEqual(strange)
    const { id: hostId } = ctx.host
    const strays = await db().stray.findMany({ where: { hostId }, orderBy: { kind: 'asc' } })
    expect(strays.map((stray) => stray.kind)).toEqual(['addressSet', 'network', 'port', 'router'])
    await db().stray.updateMany({ where: { hostId }, data: { firstSeenAt: new Date(0) } })
    await settle(ctx.host)
    expect(await ctx.host.plane.list(op())).toEqual(before)
    expect(await db().stray.count({ where: { hostId } })).toBe(0)
  })

  it('leaves routers and members alone while an unknown guest may use them', async () => {
    const ctx = await guest()
    const { plane } = ctx.host
    const { state } = plane
    const [networkId, portId] = [crypto.randomUUID(), crypto.randomUUID()]
    const net = state.networks.get(ctx.networkId)
    const port = state.ports.get(ctx.portId)
    const router = state.routers.get(ctx.routerId)
    const set = state.sets.get(ctx.groupId)
    const [leg] = router?.interfaces ?? []
    if (!net || !port || !router || !set || !leg) throw new Error('the guest is not on its host')
    await plane.ensureNetwork(op(), { ...net, id: networkId, tag: 9_011 })
    await plane.ensurePort(op(), { ...port, id: portId, tag: 9_012, networkId })
    const wider = [
      ...router.interfaces,
      { ...leg, portId: crypto.randomUUID(), networkId, address: '10.9.9.1' },
    ]
    await plane.ensureRouter(op(), { ...router, interfaces: wider })
    await plane.ensureAddressSet(op(), { ...set, addresses: [...set.addresses, '10.9.9.9'] })
    await settle(ctx.host)
    expect(state.routers.get(router.id)?.interfaces).toEqual(wider)
    expect(state.sets.get(set.id)?.addresses).toContain('10.9.9.9')
    // A stray that has vanished from the host serves nobody there any more.
    plane.lose(ctx.groupId)
    await settle(ctx.host)
    expect(state.sets.get(set.id)).toEqual(set)
    await plane.removePort(op(), portId)
    await plane.ensureRouter(op(), { ...router, floatingIps: [] })
    await plane.removeNetwork(op(), networkId)
    await settle(ctx.host)
    expect(state.routers.get(router.id)).toEqual(router)
  })

  it('loses what was deleted while it was away: router, network, members', async () => {
    const ctx = await guest()
    const { state } = ctx.host.plane
    await inTransaction(ctx, (tx) => deletePortRows(tx, [ctx.portId]))
    const interfaces = await db().port.findMany({ where: { deviceId: ctx.routerId } })
    await inTransaction(ctx, (tx) =>
      deletePortRows(
        tx,
        interfaces.map((one) => one.id),
      ),
    )
    await db().floatingIp.deleteMany({ where: { routerId: ctx.routerId } })
    await db().router.delete({ where: { id: ctx.routerId } })
    await db().subnet.deleteMany({ where: { networkId: ctx.networkId } })
    await db().network.delete({ where: { id: ctx.networkId } })
    await db().securityGroup.delete({ where: { id: ctx.groupId } })
    await settle(ctx.host)
    expect([
      state.ports.size,
      state.routers.size,
      state.networks.has(ctx.networkId),
      state.sets.size,
    ]).toEqual([0, 0, false, 0])
    expect(await db().stray.count({ where: { hostId: ctx.host.id } })).toBe(0)
  })

  it('loses the members of deleted groups, however many groups a tenant has deleted at once', async () => {
    const ctx = await guest()
    const { plane } = ctx.host
    const ids = Array.from({ length: 12 }, () => crypto.randomUUID())
    for (const id of ids) {
      await db().securityGroup.create({ data: { id, projectId: ctx.projectId, name: id } })
      await plane.ensureAddressSet(op(), { id, addresses: ['10.0.0.9'] })
    }
    await settle(ctx.host)
    await db().securityGroup.deleteMany({ where: { id: { in: ids } } })
    await settle(ctx.host)
    expect(ids.filter((id) => plane.state.sets.has(id))).toEqual([])
    expect(await db().brake.count({ where: { hostId: ctx.host.id } })).toBe(0)
  })

  it('loses a port whose row is gone, and a port that is bound to another host', async () => {
    const ctx = await guest()
    const other = await addPlane(cloud)
    const moved = await newPort(ctx, ctx.networkId, { hostId: ctx.host.id })
    await age(moved)
    await settle(ctx.host)
    await inTransaction(ctx, (tx) => deletePortRows(tx, [ctx.portId]))
    await bindPort(ctx, moved, other.id)
    await settle(ctx.host)
    await settle(other)
    const ports = async (host: Place) => (await host.plane.list(op())).ports.map((port) => port.id)
    expect([await ports(ctx.host), await ports(other)]).toEqual([[], [moved]])
  })

  it('is left alone where a workflow is at work, and where a port is new', async () => {
    const ctx = await guest()
    const fresh = await newPort(ctx, ctx.networkId, { hostId: ctx.host.id })
    ctx.host.plane.lose(ctx.portId)
    const port = await db().port.findUniqueOrThrow({ where: { id: ctx.portId } })
    const operation = await db().operation.create({
      data: {
        id: crypto.randomUUID(),
        action: 'instance.start',
        resourceKind: 'instance',
        resourceId: port.deviceId,
        resourceName: 'i',
        state: 'running',
      },
    })
    await deliverAll(cloud.system)
    ctx.host.plane.lose(fresh)
    await settle(ctx.host)
    expect((await ctx.host.plane.list(op())).ports).toEqual([])
    await db().operation.delete({ where: { id: operation.id } })
    await settle(ctx.host)
    expect((await ctx.host.plane.list(op())).ports.map((p) => p.id)).toEqual([ctx.portId])
    await age(fresh)
    await settle(ctx.host)
    expect((await ctx.host.plane.list(op())).ports).toHaveLength(2)
  })

  it('with one port that fails gets the others, and that one later, when it works again (A09.3)', async () => {
    const ctx = await guest()
    const others = [await newPort(ctx, ctx.networkId, { hostId: ctx.host.id }), ctx.portId]
    await age()
    for (const id of others) ctx.host.plane.lose(id)
    ctx.host.plane.failNext('ensurePort', new DriverError('invalid', 'no'))
    await settle(ctx.host)
    expect((await ctx.host.plane.list(op())).ports).toHaveLength(1)
    const states = async () =>
      (await Promise.all(others.map((id) => getPort(ctx, { id })))).map((port) => port.state).sort()
    expect(await states()).toEqual(['active', 'error'])
    await settle(ctx.host)
    expect((await ctx.host.plane.list(op())).ports).toHaveLength(2)
    expect(await states()).toEqual(['active', 'active'])
  })
})
