import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectCloudError, testCtx } from '../kernel/testing.ts'
import { networkListInput, ownedListInput, portCreateInput, portListInput } from './contract.ts'
import { createFloatingIp, getFloatingIp, listFloatingIps } from './floating-ips/service.ts'
import { createNetwork, listNetworks } from './networks/service.ts'
import { createPort, updatePort } from './ports/change.ts'
import { listPorts } from './ports/service.ts'
import { createRouter, listRouters, updateRouter } from './routers/service.ts'
import { createSecurityGroup, listSecurityGroups } from './security-groups/service.ts'
import { type Cloud, floatingIp, network, newPort, router, type Tenant, testCloud } from './testing.ts'

let cloud: Cloud
let ann: Tenant
let bob: Tenant
let admin: Tenant
beforeAll(async () => {
  cloud = await testCloud()
  ann = await testCtx(cloud.deps)
  bob = await testCtx(cloud.deps)
  admin = await testCtx(cloud.deps, { role: 'admin' })
})
afterAll(() => cloud.close())

const lists = {
  networks: (ctx: Tenant, projectId: string) => listNetworks(ctx, networkListInput.parse({ projectId })),
  routers: (ctx: Tenant, projectId: string) => listRouters(ctx, ownedListInput.parse({ projectId })),
  ports: (ctx: Tenant, projectId: string) => listPorts(ctx, portListInput.parse({ projectId })),
  floatingIps: (ctx: Tenant, projectId: string) => listFloatingIps(ctx, ownedListInput.parse({ projectId })),
  groups: (ctx: Tenant, projectId: string) => listSecurityGroups(ctx, ownedListInput.parse({ projectId })),
}

describe('lists of one project', () => {
  it('are complete for an administrator, and show another project’s things to nobody else', async () => {
    const net = await createNetwork(ann, network())
    const made = {
      networks: net.id,
      routers: (await createRouter(ann, router())).id,
      ports: (await createPort(ann, portCreateInput.parse({ networkId: net.id }))).id,
      floatingIps: (await createFloatingIp(ann, floatingIp())).id,
      groups: (await createSecurityGroup(ann, { name: 'web', description: '' })).id,
    }
    await createNetwork(bob, network({ name: 'of bob' }))
    for (const [what, list] of Object.entries(lists)) {
      const id = made[what as keyof typeof made]
      const seen = (await list(admin, ann.projectId)).items
      expect(
        seen.map((one) => one.id),
        what,
      ).toContain(id)
      expect(new Set(seen.map((one) => one.projectId)), what).toEqual(new Set([ann.projectId]))
      expect(
        (await list(ann, ann.projectId)).items.map((one) => one.id),
        what,
      ).toContain(id)
      await expectCloudError(list(bob, ann.projectId), 'forbidden')
    }
    expect((await getFloatingIp(ann, { id: made.floatingIps })).projectId).toBe(ann.projectId)
    await expectCloudError(getFloatingIp(bob, { id: made.floatingIps }), 'not_found')
  })

  it('distinguish own networks from those that others have opened', async () => {
    const ids = async (own: boolean) =>
      (await listNetworks(bob, networkListInput.parse({ own }))).items.map(({ name }) => name)
    expect(await ids(true)).toEqual(['of bob'])
    expect(await ids(false)).toEqual(['public'])
  })

  it('find ports by what they are attached to', async () => {
    const eve = await testCtx(cloud.deps)
    const net = await createNetwork(eve, network())
    const free = await createPort(eve, portCreateInput.parse({ networkId: net.id }))
    const used = await newPort(eve, net.id)
    const ids = async (use: string) =>
      (await listPorts(eve, portListInput.parse({ use }))).items.map(({ id }) => id)
    expect(await ids('free')).toEqual([free.id])
    expect(await ids('instance')).toEqual([used])
    expect(await ids('router')).toEqual([])
  })
})

describe('what pages show of', () => {
  it('a port: description, admin state and port security, which change', async () => {
    const net = await createNetwork(ann, network({ name: 'two' }))
    const port = await createPort(
      ann,
      portCreateInput.parse({ networkId: net.id, description: 'for the printer' }),
    )
    expect(port).toMatchObject({ description: 'for the printer', adminUp: true, portSecurity: true })
    const change = { id: port.id, adminUp: false, portSecurity: false, securityGroupIds: [] }
    expect(await updatePort(ann, change)).toMatchObject({ adminUp: false, portSecurity: false })
  })

  it('a network and a router: whether they are switched on', async () => {
    const net = await createNetwork(ann, network({ name: 'three' }))
    expect(net).toMatchObject({ adminUp: true, portSecurity: true })
    expect(net.subnets[0]).toMatchObject({ description: '' })
    const made = await createRouter(ann, router())
    expect(await updateRouter(ann, { id: made.id, adminUp: false })).toMatchObject({ adminUp: false })
  })
})
