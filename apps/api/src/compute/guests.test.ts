import { afterAll, beforeAll, expect, test } from 'vitest'
import { queriesOf, runPending } from '../kernel/testing.ts'
import {
  floatingIpCreateInput,
  ownedListInput,
  portCreateInput,
  portListInput,
} from '../networking/contract.ts'
import { createFloatingIp, listFloatingIps } from '../networking/floating-ips/service.ts'
import { createPort, updatePort } from '../networking/ports/change.ts'
import { getPort, listPorts } from '../networking/ports/service.ts'
import { launchInstances } from './instances/launch.ts'
import { aLaunch, testTenant, testWorld, type World } from './testing.ts'

let world: World
beforeAll(async () => {
  world = await testWorld()
})
afterAll(() => world.close())
const ports = (patch: object = {}) => portListInput.parse(patch)
const fips = (patch: object = {}) => ownedListInput.parse(patch)

test('lists of ports and floating IPs name instances and routers, in as many queries for ten rows as for one', async () => {
  const tenant = await testTenant(world)
  const launch = aLaunch(world, { publicIp: true })
  const { instances } = await launchInstances(tenant, launch)
  await runPending(world.deps)
  const id = instances[0]?.id ?? ''
  const device = { kind: 'instance', id, name: 'web' }
  const [port] = (await listPorts(tenant, ports({ use: 'instance' }))).items
  expect(port?.device).toEqual(device)
  expect((await getPort(tenant, { id: port?.id ?? '' })).device).toEqual(device)
  const [routed] = (await listPorts(tenant, ports({ use: 'router' }))).items
  expect(routed?.device).toMatchObject({ kind: 'router', name: expect.stringContaining('net') })
  expect((await listFloatingIps(tenant, fips())).items).toMatchObject([
    { instanceId: id, instanceName: 'web' },
  ])

  const few = [
    await queriesOf(() => listPorts(tenant, ports())),
    await queriesOf(() => listFloatingIps(tenant, fips())),
  ]
  await launchInstances(tenant, { ...launch, count: 9 })
  expect([
    await queriesOf(() => listPorts(tenant, ports())),
    await queriesOf(() => listFloatingIps(tenant, fips())),
  ]).toEqual(few)
})

test('the group of a port finds the port, and a device that a user names is not taken for an instance', async () => {
  const tenant = await testTenant(world)
  const free = await createPort(tenant, portCreateInput.parse({ networkId: tenant.networkId }))
  await updatePort(tenant, { id: free.id, deviceOwner: 'baremetal:server', deviceId: 'rack 7' })
  const port = await getPort(tenant, { id: free.id })
  expect(port.device).toEqual({ kind: 'other', id: 'rack 7', name: null })
  const securityGroupId = port.securityGroups[0]?.id
  expect((await listPorts(tenant, ports({ securityGroupId }))).items.map(({ id }) => id)).toEqual([free.id])
  const other = await testTenant(world)
  expect((await listPorts(other, ports({ securityGroupId }))).items).toEqual([])
  await createFloatingIp(tenant, floatingIpCreateInput.parse({ portId: free.id }))
  expect((await listFloatingIps(tenant, fips())).items).toMatchObject([
    { portId: free.id, instanceId: null, instanceName: null },
  ])
})
