import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { portCreateInput } from '../contract.ts'
import { createFloatingIp, listFloatingIps } from '../floating-ips/service.ts'
import { createNetwork, getNetwork } from '../networks/service.ts'
import { addRouterInterface, createRouter, getRouter, plugRouter, unplugRouter } from '../routers/service.ts'
import { createSecurityGroup } from '../security-groups/service.ts'
import { updateSubnet } from '../subnets/service.ts'
import {
  addPlane,
  type Cloud,
  eventsOf,
  floatingIp,
  network,
  newPort,
  page,
  router,
  testCloud,
  usage,
} from '../testing.ts'
import { createPort, deletePort, updatePort } from './change.ts'
import { getPort } from './service.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud()
})
afterAll(() => cloud.close())

async function tenant() {
  const ctx = await testCtx(cloud.deps)
  const made = await createNetwork(ctx, network())
  return { ...ctx, networkId: made.id, subnetId: made.subnets[0]?.id ?? '' }
}
const input = (networkId: string, patch: object = {}) => portCreateInput.parse({ networkId, ...patch })

describe('a port without an instance', () => {
  it('has an address and the default group, and leaves nothing behind when it is deleted', async () => {
    const ctx = await tenant()
    const port = await createPort(ctx, input(ctx.networkId, { name: 'p' }))
    expect(port).toMatchObject({ name: 'p', deviceId: '', state: 'down' })
    expect(port.securityGroups.map((g) => g.name)).toEqual(['default'])
    expect(port.addresses).toHaveLength(1)
    await runPending(cloud.deps)
    await deletePort(ctx, port)
    await runPending(cloud.deps)
    expect(await eventsOf(cloud, port.id)).toEqual(['port.created', 'port.deleted'])
    expect((await usage(cloud, ctx.projectId)).ports).toBeUndefined()
    expect(await cloud.deps.root.portAddress.count({ where: { portId: port.id } })).toBe(0)
  })

  it('is announced to the hosts where a rule names its group', async () => {
    const ctx = await tenant()
    const host = await addPlane(cloud)
    const other = await createSecurityGroup(ctx, { name: 'other', description: '' })
    await newPort(ctx, ctx.networkId, { hostId: host.id })
    const port = await createPort(ctx, input(ctx.networkId))
    await runPending(cloud.deps)
    const [own] = await cloud.deps.root.securityGroup.findMany({
      where: { projectId: ctx.projectId, isDefault: true },
    })
    const members = () => host.plane.state.sets.get(own?.id ?? '')?.addresses ?? []
    const [guest] = await cloud.deps.root.port.findMany({ where: { hostId: host.id } })
    await updatePort(ctx, { id: guest?.id ?? '', name: 'guest' })
    await runPending(cloud.deps)
    expect(members()).toContain(port.addresses[0]?.address)
    await updatePort(ctx, { id: port.id, securityGroupIds: [other.id] })
    await runPending(cloud.deps)
    expect(members()).not.toContain(port.addresses[0]?.address)
  })

  it('changes its addresses: the named ones stay, the others go, except one with a floating IP', async () => {
    const ctx = await tenant()
    const lan = await createRouter(ctx, router({ externalNetworkId: cloud.externalId }))
    await addRouterInterface(ctx, { id: lan.id, subnetId: ctx.subnetId })
    const port = await createPort(ctx, input(ctx.networkId, { fixedIps: [{ address: '10.0.0.50' }] }))
    const wish = [{ address: '10.0.0.50' }, { subnetId: ctx.subnetId }]
    const two = await updatePort(ctx, { id: port.id, fixedIps: wish })
    expect(two.addresses).toHaveLength(2)
    const fip = await createFloatingIp(ctx, floatingIp({ portId: port.id, fixedAddress: '10.0.0.50' }))
    expect(fip.fixedAddress).toBe('10.0.0.50')
    const without = { id: port.id, fixedIps: [{ address: '10.0.0.60' }] }
    await expectCloudError(updatePort(ctx, without), 'conflict', /1 floating IP leads/)
    await deletePort(ctx, port)
    await runPending(cloud.deps)
    expect((await listFloatingIps(ctx, page())).items).toMatchObject([{ portId: null, state: 'down' }])
  })

  it('cannot pose as another’s: device owners of routers and instances are refused (A12)', async () => {
    const ctx = await tenant()
    const port = await createPort(ctx, input(ctx.networkId))
    for (const deviceOwner of ['network:router_interface', 'network:dhcp', 'compute:nova']) {
      const wish = { deviceOwner, deviceId: crypto.randomUUID() }
      await expectCloudError(createPort(ctx, input(ctx.networkId, wish)), 'invalid_input')
      await expectCloudError(updatePort(ctx, { id: port.id, ...wish }), 'invalid_input')
    }
    const guest = await newPort(ctx, ctx.networkId)
    await expectCloudError(updatePort(ctx, { id: guest, deviceId: '', deviceOwner: '' }), 'conflict')
    await expectCloudError(deletePort(ctx, { id: guest }), 'conflict', /instance/)
    const stranger = await tenant()
    await expectCloudError(deletePort(stranger, port), 'not_found')
    await expectCloudError(createPort(stranger, input(ctx.networkId)), 'not_found')
  })

  it('may be without port security only when it is in no group', async () => {
    const ctx = await tenant()
    const port = await createPort(ctx, input(ctx.networkId))
    await expectCloudError(
      updatePort(ctx, { id: port.id, portSecurity: false }),
      'conflict',
      /security groups/,
    )
    await updatePort(ctx, { id: port.id, portSecurity: false, securityGroupIds: [] })
    const groups = await cloud.deps.root.securityGroup.findMany({ where: { projectId: ctx.projectId } })
    const wish = { id: port.id, securityGroupIds: groups.map((g) => g.id) }
    await expectCloudError(updatePort(ctx, wish), 'conflict', /not filtered/)
  })

  it('becomes a router’s interface at a chosen address, and is deleted when the router leaves', async () => {
    const ctx = await tenant()
    const [lan, other] = [await createRouter(ctx, router()), await createRouter(ctx, router())]
    const port = await createPort(ctx, input(ctx.networkId, { fixedIps: [{ address: '10.0.0.77' }] }))
    expect(await plugRouter(ctx, { id: lan.id, portId: port.id })).toMatchObject({ subnetId: ctx.subnetId })
    expect((await getRouter(ctx, lan)).interfaces).toMatchObject([{ address: '10.0.0.77' }])
    expect((await getPort(ctx, port)).securityGroups).toEqual([])
    await expectCloudError(plugRouter(ctx, { id: other.id, portId: port.id }), 'conflict')
    await expectCloudError(unplugRouter(ctx, { id: other.id, portId: port.id }), 'not_found')
    await unplugRouter(ctx, { id: lan.id, portId: port.id })
    await expectCloudError(getPort(ctx, port), 'not_found')
    const stranger = await tenant()
    const theirs = await createPort(stranger, input(stranger.networkId))
    await expectCloudError(plugRouter(ctx, { id: lan.id, portId: theirs.id }), 'not_found')
    await expectCloudError(plugRouter(ctx, { id: lan.id, subnetId: stranger.subnetId }), 'not_found')
  })
})

describe('a subnet', () => {
  it('changes; its DHCP server gets a free address beside the ports that exist', async () => {
    const ctx = await tenant()
    const id = ctx.subnetId
    await updateSubnet(ctx, { id, dhcp: false })
    for (const address of ['10.0.0.2', '10.0.0.3'])
      await createPort(ctx, input(ctx.networkId, { fixedIps: [{ address }] }))
    const on = { id, name: 'new', dhcp: true, dns: ['9.9.9.9'], gatewayIp: null }
    const { subnets } = await updateSubnet(ctx, on)
    expect(subnets[0]).toMatchObject({ name: 'new', dhcp: true, dns: ['9.9.9.9'], gatewayIp: null })
    const row = await cloud.deps.root.subnet.findUniqueOrThrow({ where: { id } })
    expect(['10.0.0.2', '10.0.0.3']).not.toContain(row.dhcpIp)
    const taken = createPort(ctx, input(ctx.networkId, { fixedIps: [{ address: row.dhcpIp }] }))
    await expectCloudError(taken, 'conflict', /in use/)
    await expectCloudError(updateSubnet(ctx, { id, gatewayIp: '10.0.0.2' }), 'conflict', /in use/)
    await expectCloudError(updateSubnet(ctx, { id, gatewayIp: '10.9.0.1' }), 'invalid_input')
    await expectCloudError(updateSubnet(await tenant(), { id, name: 'x' }), 'not_found')
    expect((await getNetwork(ctx, { id: ctx.networkId })).subnets).toHaveLength(1)
  })
})
