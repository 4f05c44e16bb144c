import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deliver } from '../../hosts/service.ts'
import { inTransaction } from '../../kernel/context.ts'
import { plainOp } from '../../kernel/hosts.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { createFloatingIp, deleteFloatingIp } from '../floating-ips/service.ts'
import { createNetwork, starterNetwork } from '../networks/service.ts'
import { forgetRouter, setRouterGateway } from '../routers/service.ts'
import {
  addPlane,
  type Cloud,
  floatingIp,
  network,
  newPort,
  setQuota,
  type Tenant,
  testCloud,
} from '../testing.ts'
import { updatePort } from './change.ts'
import { bindPort } from './of-instances.ts'
import { deletePortRows } from './rows.ts'

let cloud: Cloud
let ctx: Tenant
let hostId: string
beforeAll(async () => {
  cloud = await testCloud()
})
beforeEach(async () => {
  ctx = await testCtx(cloud.deps)
  hostId = (await addPlane(cloud)).id
})
afterAll(() => cloud.close())

const db = () => cloud.deps.root
/** Delivers everything to the host, which confirms it. */
const answer = (id = hostId) => deliver(cloud.system, plainOp(cloud.system), id)
const silent = () => db().host.update({ where: { id: hostId }, data: { state: 'down' } })
const remove = (id: string) => inTransaction(cloud.system, (tx) => deletePortRows(tx, [id]))
const addressOf = async (portId: string) =>
  (await db().portAddress.findFirstOrThrow({ where: { portId } })).address
/** Makes a network with five addresses for guests, .2 to .6, one of which is the DHCP server's. */
const small = async () => (await createNetwork(ctx, network({ subnet: { cidr: '10.9.0.0/29' } }))).id
const held = () => db().heldAddress.findMany({ where: { hostId }, orderBy: { address: 'asc' } })

describe('the address of a deleted port', () => {
  it('belongs to nobody until its host has confirmed, and the refusal says why', async () => {
    const networkId = await small()
    const port = await newPort(ctx, networkId, { hostId })
    const address = await addressOf(port)
    await answer()
    await remove(port)
    await expectCloudError(newPort(ctx, networkId, { address }), 'conflict', /given back a moment ago/)
    await silent()
    const error = await expectCloudError(newPort(ctx, networkId, { address }), 'conflict')
    expect(error.message).toBe(
      `IP address ${address} is still in use on a machine that does not answer. Choose another, or ask an administrator.`,
    )
    const others: string[] = []
    const fill = async () => {
      for (;;) others.push(await newPort(ctx, networkId))
    }
    await expectCloudError(fill(), 'conflict', /no free address left, and 1 are still in use on machines/)
    expect(await Promise.all(others.map(addressOf))).not.toContain(address)
    await answer()
    expect(await held()).toEqual([])
    expect(await addressOf(await newPort(ctx, networkId))).toBe(address)
  })

  it('is free at once when no host has heard of it', async () => {
    const networkId = await small()
    const port = await newPort(ctx, networkId)
    const address = await addressOf(port)
    await remove(port)
    expect(await addressOf(await newPort(ctx, networkId, { address }))).toBe(address)
  })

  it('is held by a host that the port has left before, too', async () => {
    const networkId = await small()
    const port = await newPort(ctx, networkId, { hostId })
    const address = await addressOf(port)
    await answer()
    const next = (await addPlane(cloud)).id
    await inTransaction(cloud.system, (tx) => bindPort(tx, port, next))
    await answer(next)
    expect(await held(), 'it is still the port’s').toEqual([])
    await remove(port)
    await answer(next)
    await expectCloudError(newPort(ctx, networkId, { address }), 'conflict')
    await answer()
    expect(await addressOf(await newPort(ctx, networkId, { address }))).toBe(address)
  })

  it('is held when it is taken from a port that stays', async () => {
    const networkId = await small()
    const port = await newPort(ctx, networkId, { hostId })
    const address = await addressOf(port)
    await answer()
    const subnetId = (await db().subnet.findFirstOrThrow({ where: { networkId } })).id
    const other = ['10.9.0.3', '10.9.0.4', '10.9.0.5'].find((one) => one !== address) ?? ''
    await updatePort(ctx, { id: port, fixedIps: [{ subnetId, address: other }] })
    await expectCloudError(newPort(ctx, networkId, { address }), 'conflict', /moment ago/)
    await answer()
    expect(await addressOf(await newPort(ctx, networkId, { address }))).toBe(address)
  })

  it('is refused to a transaction that waited for the deletion', async () => {
    const networkId = await small()
    const port = await newPort(ctx, networkId, { hostId })
    const address = await addressOf(port)
    await answer()
    let next: Promise<unknown> = Promise.resolve()
    await inTransaction(cloud.system, async (tx) => {
      // The row is deleted without its quota: for the counter both transactions would wait before they reach the
      // address.
      await tx.db.port.delete({ where: { id: port } })
      next = expectCloudError(newPort(ctx, networkId, { address }), 'conflict')
      await expect
        .poll(() => db().$queryRaw`SELECT 1 FROM pg_stat_activity WHERE "wait_event_type" = 'Lock'`)
        .not.toEqual([])
    })
    await next
    expect(await db().portAddress.count({ where: { address, subnet: { networkId } } })).toBe(0)
  })

  it('does not make a small subnet full while ports come and go on a host that answers', async () => {
    const networkId = await small()
    for (let n = 0; n < 20; n++) {
      const port = await newPort(ctx, networkId, { hostId })
      // An instance that is deleted does the same: its ports leave the host, the host is told, and then the rows go.
      await inTransaction(cloud.system, (tx) => bindPort(tx, port, null))
      await answer()
      await remove(port)
      expect(await held()).toEqual([])
    }
    // Now the host confirms one round later.
    for (let n = 0; n < 20; n++) {
      const port = await newPort(ctx, networkId, { hostId })
      await answer()
      await remove(port)
      expect(await held()).toHaveLength(1)
    }
  })

  it('is free when the machine is declared fenced, and when the host is forgotten', async () => {
    const networkId = await small()
    const [one, two] = [await newPort(ctx, networkId, { hostId }), await newPort(ctx, networkId, { hostId })]
    await answer()
    await db().host.update({ where: { id: hostId }, data: { state: 'fenced' } })
    await remove(one)
    expect(await held()).toEqual([])
    await silent()
    await remove(two)
    expect(await held()).toHaveLength(1)
    await db().host.delete({ where: { id: hostId } })
    expect(await db().heldAddress.count({ where: { hostId } })).toBe(0)
  })
})

describe('what a project leaves behind on a silent machine', () => {
  /** Makes a network of another project, shared with this one, and sets small quotas. */
  async function onShared() {
    const admin = await testCtx(cloud.deps, { role: 'admin' })
    const { id } = await createNetwork(admin, { ...network(), shared: true })
    for (const [resource, limit] of Object.entries({ ports: 3, routers: 1, floatingIps: 1 }))
      await setQuota(cloud, ctx.projectId, resource, limit)
    const { subnets } = await db().network.findUniqueOrThrow({ where: { id }, include: { subnets: true } })
    return { id, subnetId: subnets[0]?.id ?? '' }
  }
  const more = /given back are still in use on machines.*more than its quota of/

  it('is no more than twice its quota of floating IPs', async () => {
    await onShared()
    const made = await starterNetwork(ctx, { name: 'net' })
    const portId = await newPort(ctx, made.id, { hostId })
    await runPending(cloud.deps)
    await answer()
    await silent()
    for (let n = 0; n < 2; n++) {
      const { id } = await createFloatingIp(ctx, floatingIp({ portId }))
      await deleteFloatingIp(ctx, { id })
    }
    expect(await held()).toHaveLength(2)
    await expectCloudError(createFloatingIp(ctx, floatingIp({ portId })), 'quota_exceeded', more)
    expect(await db().floatingIp.count({ where: { projectId: ctx.projectId } })).toBe(0)
    await answer()
    await createFloatingIp(ctx, floatingIp({ portId }))
  })

  it('is no more than twice its quota of routers', async () => {
    await onShared()
    const made = await starterNetwork(ctx, { name: 'net' })
    await newPort(ctx, made.id, { hostId })
    await runPending(cloud.deps)
    await answer()
    await silent()
    const id = made.router?.id ?? ''
    const { externalNetworkId } = await db().router.findUniqueOrThrow({ where: { id } })
    const gateway = (to: string | null) => setRouterGateway(ctx, { id, externalNetworkId: to })
    for (let n = 0; n < 2; n++) {
      await gateway(null)
      if (n < 1) await gateway(externalNetworkId)
    }
    await expectCloudError(gateway(externalNetworkId), 'quota_exceeded', more)
    await answer()
    await gateway(externalNetworkId)
  })

  it.each(['deleted', 'changed'])('is bounded when ports of a shared network are %s', async (how) => {
    const { id, subnetId } = await onShared()
    const loop = async (portId: string) => {
      if (how === 'deleted') {
        await remove(portId)
        return newPort(ctx, id, { hostId })
      }
      await updatePort(ctx, { id: portId, fixedIps: [] })
      await updatePort(ctx, { id: portId, fixedIps: [{ subnetId }] })
      return portId
    }
    let portId = await newPort(ctx, id, { hostId })
    await answer()
    await silent()
    for (let n = 0; n < 3; n++) portId = await loop(portId)
    await expectCloudError(
      loop(portId).then(() => loop(portId)),
      'quota_exceeded',
      more,
    )
    expect((await held()).length).toBeLessThanOrEqual(5)
  })

  it('counts nothing on the project’s own network', async () => {
    await onShared()
    const { id } = await createNetwork(ctx, network())
    await answer()
    await silent()
    for (let n = 0; n < 6; n++) await remove(await newPort(ctx, id, { hostId }))
    expect((await held()).length).toBeGreaterThan(3)
    await newPort(ctx, id, { hostId })
  })
})

describe('an address of the outside', () => {
  async function outside() {
    const made = await starterNetwork(ctx, { name: 'net' })
    const portId = await newPort(ctx, made.id, { hostId })
    await runPending(cloud.deps)
    const routerId = made.router?.id ?? ''
    return { portId, routerId, networkId: made.id }
  }

  it('that was a floating IP is held until its router’s hosts have let go of it', async () => {
    const { portId, routerId } = await outside()
    const fip = await createFloatingIp(ctx, floatingIp({ portId }))
    await answer()
    await deleteFloatingIp(ctx, { id: fip.id })
    expect(await held()).toMatchObject([{ kind: 'router', thing: routerId, address: fip.address }])
    const admin = await testCtx(cloud.deps, { role: 'admin' })
    const again = { ...floatingIp(), address: fip.address }
    await expectCloudError(createFloatingIp(admin, again), 'conflict', /moment ago/)
    await answer()
    expect(await held()).toEqual([])
    expect((await createFloatingIp(admin, again)).address).toBe(fip.address)
  })

  it.each([
    ['leads nowhere any more', (id: string) => setRouterGateway(ctx, { id, externalNetworkId: null })],
    ['is deleted', (id: string) => forgetRouter(cloud.system, id)],
  ])(
    'that belonged to a router which %s is held until the router’s hosts have let go of it',
    async (_how, go) => {
      const { routerId } = await outside()
      await answer()
      const { externalAddress } = await db().router.findUniqueOrThrow({ where: { id: routerId } })
      await go(routerId)
      expect(await held()).toMatchObject([{ kind: 'router', address: externalAddress }])
      await answer()
      expect(await held()).toEqual([])
    },
  )
})
