import { afterAll, beforeAll, expect, it } from 'vitest'
import { runPending, testCtx } from '../../kernel/testing.ts'
import { createFloatingIp } from '../floating-ips/service.ts'
import { createNetwork } from '../networks/service.ts'
import { addRouterInterface, createRouter, updateRouter } from '../routers/service.ts'
import {
  addPlane,
  type Cloud,
  floatingIp,
  network,
  newPort,
  router,
  type Tenant,
  testCloud,
} from '../testing.ts'
import { settleUntold } from './outcomes.ts'

let cloud: Cloud
let admin: Tenant
beforeAll(async () => {
  cloud = await testCloud()
  admin = await testCtx(cloud.deps, { role: 'admin' })
})
afterAll(() => cloud.close())

const db = () => cloud.deps.root
/** Makes a router with a way out and plugs it into a network. */
async function plugged(): Promise<{ id: string; networkId: string; states(): Promise<string[]> }> {
  const made = await createNetwork(admin, network({ subnet: { cidr: '10.0.0.0/24' } }))
  const { id } = await createRouter(admin, router({ externalNetworkId: cloud.externalId }))
  await addRouterInterface(admin, { id, subnetId: made.subnets[0]?.id ?? '' })
  const states = async () => {
    const ports = await db().port.findMany({ where: { deviceId: id }, orderBy: { deviceOwner: 'asc' } })
    return ports.map((port) => port.state)
  }
  return { id, networkId: made.id, states }
}

it('ports of a router are active when it is set up, and down while it is switched off', async () => {
  const { id, states } = await plugged()
  expect(await states()).toEqual(['down', 'down'])
  await runPending(cloud.deps)
  expect(await states()).toEqual(['active', 'active'])
  const events = await db().event.findMany({
    where: { kind: 'port.updated', data: { path: ['deviceId'], equals: id } },
  })
  // The port outside belongs to the cloud itself, so no project hears of it.
  expect(events.map((event) => event.projectId)).toEqual([admin.projectId])
  await updateRouter(admin, { id, adminUp: false })
  await runPending(cloud.deps)
  expect(await states()).toEqual(['down', 'down'])
})

it('they wait for all hosts that need the router and answer, and for no other host', async () => {
  const { networkId, states } = await plugged()
  const { id: hostId } = await addPlane(cloud)
  await newPort(admin, networkId, { hostId })
  await settleUntold(cloud.system)
  expect(await states()).toEqual(['down', 'down'])
  await db().host.update({ where: { id: hostId }, data: { state: 'down' } })
  await settleUntold(cloud.system)
  expect(await states()).toEqual(['active', 'active'])
})

it('they are settled although more routers than one round takes wait for their hosts', async () => {
  const { id: hostId } = await addPlane(cloud)
  const waiting = await plugged()
  await newPort(admin, waiting.networkId, { hostId })
  // The round takes routers in the order of their ids: these come first and are not confirmed.
  const ids = Array.from({ length: 201 }, (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`)
  const { hostDocument, document } = db()
  const [its] = await hostDocument.findMany({ where: { kind: 'router', thing: waiting.id, hostId } })
  const wanted = await document.findFirstOrThrow({ where: { kind: 'router', thing: waiting.id } })
  if (!its) throw new Error('the host does not need the router')
  await db().router.createMany({
    data: ids.map((id) => ({ id, projectId: admin.projectId, name: 'waits', state: 'active' })),
  })
  await document.createMany({ data: ids.map((thing) => ({ ...wanted, thing })), skipDuplicates: true })
  await hostDocument.createMany({ data: ids.map((thing) => ({ ...its, thing })), skipDuplicates: true })
  await db().port.createMany({
    data: ids.map((deviceId, n) => ({
      ...{ id: crypto.randomUUID(), projectId: '', networkId: waiting.networkId, deviceId, state: 'down' },
      ...{ mac: `fa:16:3e:ff:${n >> 7}0:${(n & 127).toString(16).padStart(2, '0')}` },
      deviceOwner: 'network:router_interface',
    })),
  })
  const { states } = await plugged()
  await settleUntold(cloud.system)
  expect(await states()).toEqual(['active', 'active'])
  await db().port.deleteMany({ where: { deviceId: { in: ids } } })
})

it('the port of a floating IP only keeps an address and has the state n/a, also one of an older version', async () => {
  const { id } = await createFloatingIp(admin, floatingIp())
  const where = { deviceId: id }
  expect(await db().port.findFirst({ where })).toMatchObject({ state: 'n/a' })
  await db().port.updateMany({ where, data: { state: 'down' } })
  await settleUntold(cloud.system)
  expect(await db().port.findFirst({ where })).toMatchObject({ state: 'n/a' })
})
