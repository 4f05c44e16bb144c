import type { Op } from '@stratolith/drivers/op'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { deleteInstance } from '../compute/instances/actions.ts'
import { launchInstances } from '../compute/instances/launch.ts'
import { aLaunch, type FakeHost, restartHost, testTenant, testWorld, type World } from '../compute/testing.ts'
import type { Ctx } from '../kernel/context.ts'
import { expectCloudError } from '../kernel/testing.ts'
import { ruleCreateInput } from '../networking/contract.ts'
import { patience } from '../networking/heard.ts'
import { updatePort } from '../networking/ports/change.ts'
import {
  createSecurityGroup,
  newSecurityGroupRule,
  removeSecurityGroupRule,
} from '../networking/security-groups/service.ts'
import { startWorker } from '../start-worker.ts'
import { beat } from './reconcile.ts'

/**
 * Three hosts and a real worker: `well` works, `slow` answers after a long time, `away` does not answer at
 * all and comes back as a new process.
 */
const usual = { ...patience }
/** Much longer than everything takes on the host that works, also on a busy machine. */
const slowMs = 60_000

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let stop: () => Promise<void>
beforeEach(async () => {
  patience.silentMs = 1_500
  world = await testWorld(['well', 'slow', 'away'], { onDisk: true })
  world.slowMs = slowMs
  const member = await testTenant(world)
  tenant = { ...member, roles: new Set(['admin', 'member', 'reader']) }
  stop = await startWorker(world.deps, {
    id: crypto.randomUUID(),
    reconcilers: ['hosts.documents'],
    onLost: () => undefined,
  })
})
afterEach(async () => {
  world.faults.clear()
  await stop()
  await world.close()
  Object.assign(patience, usual)
})

const db = () => world.deps.root
const host = (name: string): FakeHost => world.hosts.get(name) as FakeHost
const stateOf = (name: string) => host(name).network.state
async function begin(hostName: string, groupId: string): Promise<string> {
  const wish = aLaunch(world, { hostName: `secret-name-${hostName}`, securityGroupIds: [groupId] })
  const { instances } = await launchInstances(tenant, wish)
  return instances[0]?.id ?? ''
}
const built = (id: string) =>
  vi.waitFor(
    async () => expect((await db().instance.findUnique({ where: { id } }))?.vmState).toBe('active'),
    { timeout: 60_000, interval: 50 },
  )
const launched = async (hostName: string, groupId: string): Promise<string> => {
  const id = await begin(hostName, groupId)
  await built(id)
  return id
}
const portOf = (instanceId: string) =>
  db().port.findFirstOrThrow({ where: { deviceId: instanceId }, include: { addresses: true } })
const addressOf = async (instanceId: string) => (await portOf(instanceId)).addresses[0]?.address ?? ''
const ended = (resourceId: string, action: string) =>
  vi.waitFor(
    async () => {
      const row = await db().operation.findFirst({
        where: { resourceId, action },
        orderBy: { createdAt: 'desc' },
      })
      expect([row?.state, row?.errorMessage]).toEqual(['succeeded', null])
    },
    { timeout: 60_000, interval: 50 },
  )
const allows = (name: string, portId: string, portMin: number) =>
  stateOf(name)
    .ports.get(portId)
    ?.rules.some((rule) => rule.portMin === portMin) ?? false
const newRule = (securityGroupId: string, portMin: number) =>
  newSecurityGroupRule(
    tenant,
    ruleCreateInput.parse({ securityGroupId, direction: 'ingress', protocol: 'tcp', portMin }),
  )

/** The number of documents that a host has not confirmed. */
const owed = async (name: string): Promise<number> => {
  const [row] = await db().$queryRaw<{ count: number }[]>`
    SELECT count(*)::int FROM "HostDocument" h JOIN "Document" d ON d."kind" = h."kind" AND d."thing" = h."thing"
    JOIN "Host" o ON o."id" = h."hostId" AND o."endpoint" = ${`fake:${name}`} WHERE h."confirmed" < d."generation"`
  return row?.count ?? 0
}
/** Marks the host as down, as the heartbeat does when a host has been silent for a while. */
const isDown = (name: string) =>
  db().host.updateMany({ where: { endpoint: `fake:${name}` }, data: { state: 'down' } })

test('while one host is slow and one is away, everything goes on on the third, and both get what they missed in order', async () => {
  const { id: groupId } = await createSecurityGroup(tenant, { name: 'web', description: '' })
  const revoked = await newRule(groupId, 4_000)
  const guests = Object.fromEntries(
    await Promise.all(
      ['well', 'mover', 'well2', 'slow', 'away', 'away2'].map(async (name) => [
        name,
        await launched(name === 'mover' ? 'well' : name.replace('2', ''), groupId),
      ]),
    ),
  ) as Record<'well' | 'mover' | 'well2' | 'slow' | 'away' | 'away2', string>
  const ports = Object.fromEntries(
    await Promise.all(Object.entries(guests).map(async ([name, id]) => [name, (await portOf(id)).id])),
  ) as typeof guests
  for (const name of ['well', 'slow', 'away'] as const) expect(allows(name, ports[name], 4_000)).toBe(true)

  world.faults.set('slow', 'slow')
  world.faults.set('away', 'refuses')
  await isDown('away')
  const silentSince = Date.now()
  // The launch waits for the slow host.
  const patient = await begin('slow', groupId)
  await vi.waitFor(() => expect(host('slow').waiting).toBeGreaterThan(0), { timeout: 10_000 })

  await removeSecurityGroupRule(tenant, { id: revoked })
  await newRule(groupId, 5_000)
  const addresses = { mover: await addressOf(guests.mover), away: await addressOf(guests.away) }
  const elsewhere = (last: number) => addresses.away.replace(/\d+$/, String(last))
  const { subnetId = '' } = (await portOf(guests.well)).addresses[0] ?? {}
  /** Moves a port to the address as soon as the host has released the address. */
  const moved = (id: string, address: string) =>
    vi.waitFor(() => updatePort(tenant, { id, fixedIps: [{ subnetId, address }] }), 10_000)
  await Promise.all([
    ended(groupId, 'securityGroup.apply'),
    launched('well', groupId),
    deleteInstance(tenant, { id: guests.well2 }).then(() => ended(guests.well2, 'instance.delete')),
    // An address moves from one port to another.
    moved(ports.mover, elsewhere(250))
      .then(() => moved(ports.well, addresses.mover))
      .then(() => ended(ports.well, 'port.apply')),
    moved(ports.away, elsewhere(251)),
    deleteInstance(tenant, { id: guests.away2 }).then(() => ended(guests.away2, 'instance.delete')),
  ])
  await vi.waitFor(() => {
    expect(allows('well', ports.well, 4_000)).toBe(false)
    expect(allows('well', ports.well, 5_000)).toBe(true)
    expect(stateOf('well').ports.get(ports.well)?.addresses[0]?.ip).toBe(addresses.mover)
  }, 10_000)
  expect(Date.now() - silentSince, 'all of it while the slow one was silent').toBeLessThan(slowMs)
  expect(host('slow').waiting).toBeGreaterThan(0)
  const taken = { id: ports.mover, fixedIps: [{ subnetId, address: addresses.away }] }
  await expectCloudError(updatePort(tenant, taken), 'conflict', /machine that does not answer/)
  expect(allows('slow', ports.slow, 4_000)).toBe(true)
  expect(await owed('slow')).toBeGreaterThan(0)

  // The slow host answers and is told what it missed.
  world.slowMs = 0
  await vi.waitFor(() => expect(allows('slow', ports.slow, 4_000)).toBe(false), { timeout: 30_000 })
  await built(patient)
  await vi.waitFor(async () => expect(await owed('slow')).toBe(0), { timeout: 30_000, interval: 100 })

  // The absent host comes back as a new process; the changes that it missed are old.
  await db().$executeRaw`UPDATE "Document" SET "changedAt" = now() - interval '10 minutes'`
  await db().$executeRaw`UPDATE "HostDocument" SET "dueAt" = NULL`
  const order = watched('away')
  restartHost(world, 'away')
  world.faults.delete('away')
  await beat(world.system)
  await vi.waitFor(async () => expect(await owed('away')).toBe(0), { timeout: 12_000, interval: 50 })
  expect(allows('away', ports.away, 4_000)).toBe(false)
  expect(allows('away', ports.away, 5_000)).toBe(true)
  expect(stateOf('away').ports.get(ports.away)?.addresses[0]?.ip).toBe(elsewhere(251))
  expect(stateOf('away').ports.has(ports.away2)).toBe(false)
  expect(host('away').hypervisor.state.instances[guests.away2]).toBeUndefined()
  // Changes (a rule that was revoked) come first, and a guest is removed before its port.
  const first = (text: string) => order.indexOf(text)
  const [change, guest] = [first(`ensurePort ${ports.away}`), first(`remove ${guests.away2}`)]
  expect(change).toBeGreaterThanOrEqual(0)
  expect(guest).toBeGreaterThan(change)
  expect(first(`removePort ${ports.away2}`)).toBeGreaterThan(guest)
  expect(await db().hostDocument.count({ where: { wanted: false } })).toBe(0)
})

/** Records the calls on a host from now on, in order, as "method ID". */
function watched(name: string): string[] {
  const { network, hypervisor } = host(name)
  const order: string[] = []
  for (const method of ['ensurePort', 'removePort', 'ensureNetwork'] as const) {
    const work = network[method].bind(network) as (op: Op, what: string | { id: string }) => Promise<never>
    network[method] = (op: Op, what: string | { id: string }) => {
      order.push(`${method} ${typeof what === 'string' ? what : what.id}`)
      return work(op, what)
    }
  }
  const remove = hypervisor.remove.bind(hypervisor)
  hypervisor.remove = (op, id) => {
    order.push(`remove ${id}`)
    return remove(op, id)
  }
  return order
}

test('when one of two hosts restarts in the middle of every delivery, the other is not affected and both end right', async () => {
  const { id: groupId } = await createSecurityGroup(tenant, { name: 'web', description: '' })
  const guests = { well: await launched('well', groupId), away: await launched('away', groupId) }
  const ports = { well: (await portOf(guests.well)).id, away: (await portOf(guests.away)).id }
  let restarts = 0
  const restarting = setInterval(() => {
    restarts++
    restartHost(world, 'away')
  }, 150)
  const rules: string[] = []
  for (let portMin = 6_000; portMin < 6_010; portMin++) {
    rules.push(await newRule(groupId, portMin))
    const [oldest] = rules
    if (rules.length > 2 && oldest) await removeSecurityGroupRule(tenant, { id: rules.shift() ?? oldest })
    await vi.waitFor(() => expect(allows('well', ports.well, portMin)).toBe(true), { timeout: 10_000 })
  }
  const id = await launched('away', groupId)
  clearInterval(restarting)
  await ended(groupId, 'securityGroup.apply')
  for (const name of ['well', 'away'] as const) {
    await vi.waitFor(async () => expect(await owed(name)).toBe(0), { timeout: 30_000, interval: 50 })
    const open = stateOf(name)
      .ports.get(ports[name])
      ?.rules.flatMap((rule) => rule.portMin ?? [])
    expect(open?.sort()).toEqual([6_008, 6_009])
  }
  expect(stateOf('away').ports.has((await portOf(id)).id)).toBe(true)
  expect(restarts).toBeGreaterThan(3)
})

test('a newer wish is delivered at once, however often the host failed to carry out the previous one', async () => {
  const { id: groupId } = await createSecurityGroup(tenant, { name: 'web', description: '' })
  const { id } = await portOf(await launched('well', groupId))
  await db().hostDocument.updateMany({
    where: { kind: 'port', thing: id },
    data: {
      confirmed: 0,
      attempts: 9,
      error: 'invalid: no',
      dueAt: new Date(Date.now() + 256_000),
    },
  })
  await newRule(groupId, 7_000)
  await vi.waitFor(() => expect(allows('well', id, 7_000)).toBe(true), { timeout: 20_000 })
})
