import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '@stratolith/drivers/errors'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hostListInput, unconfirmedInput } from '../hosts/contract.ts'
import { deliverAll } from '../hosts/documents.ts'
import { listHosts } from '../hosts/service.ts'
import { listUnconfirmed, tellNow } from '../hosts/telling.ts'
import type { Ctx } from '../kernel/context.ts'
import { expectCloudError, queriesOf, runPending, testCtx } from '../kernel/testing.ts'
import { associateFloatingIp, deleteFloatingIp } from '../networking/floating-ips/service.ts'
import {
  addSecurityGroupRule,
  createSecurityGroup,
  deleteSecurityGroup,
} from '../networking/security-groups/service.ts'
import { rule } from '../networking/testing.ts'
import { deleteInstance } from './instances/actions.ts'
import { launchInstances } from './instances/launch.ts'
import { instanceWaiting } from './instances/waiting.ts'
import { aLaunch, type FakeHost, testTenant, testWorld, type World } from './testing.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let admin: Ctx
let hostId: string
beforeEach(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin' })
  hostId = (await world.deps.root.host.findFirstOrThrow()).id
})
afterEach(() => world.close())

async function launched(name = 'web', patch: object = {}): Promise<string> {
  const { instances } = await launchInstances(tenant, aLaunch(world, { name, ...patch }))
  await runPending(world.deps)
  return instances[0]?.id ?? ''
}
/** Stops the agent of host a and marks the host as down. */
async function silence(): Promise<void> {
  world.faults.set('a', 'refuses')
  await world.deps.root.host.update({ where: { id: hostId }, data: { state: 'down' } })
}
const list = (patch: object = {}, ctx = admin) =>
  listUnconfirmed(ctx, unconfirmedInput.parse({ id: hostId, ...patch }))
const defaultGroup = async () =>
  (
    await world.deps.root.securityGroup.findFirstOrThrow({
      where: { projectId: tenant.projectId, isDefault: true },
    })
  ).id
/** Allows traffic from members of a new group to everything in the default group. */
async function letGroupIn(name = 'peers'): Promise<string> {
  const peers = await createSecurityGroup(tenant, { name, description: '' })
  await addSecurityGroupRule(
    tenant,
    rule(await defaultGroup(), { portMin: undefined, protocol: undefined, remoteGroupId: peers.id }),
  )
  return peers.id
}

describe('an instance', () => {
  test('with nothing unconfirmed waits for nothing', async () => {
    const id = await launched()
    expect(await instanceWaiting(tenant, { id })).toEqual({ host: null, parts: [] })
    expect(await list()).toEqual({ items: [], next: null, total: 0 })
  })

  test('says which parts wait for its silent host, and names the host only to administrators', async () => {
    const id = await launched('web', { publicIp: true })
    const port = await world.deps.root.port.findFirstOrThrow({
      where: { deviceId: id },
      include: { addresses: true, floatingIps: true },
    })
    await silence()
    const group = await letGroupIn()
    await world.deps.root.router.updateMany({ data: { adminUp: false } })
    await world.deps.root.instance.update({ where: { id }, data: { hostname: 'renamed' } })
    const waiting = await instanceWaiting(tenant, { id })
    const about = new Map(waiting.parts.map((part) => [part.kind, part]))
    expect([...about.keys()].sort()).toEqual(['addressSet', 'instance', 'port', 'router'])
    expect(about.get('instance')).toMatchObject({ thing: id, name: 'web', wanted: true })
    expect(about.get('port')).toMatchObject({ thing: port.id, name: port.addresses[0]?.address })
    expect(about.get('addressSet')).toMatchObject({ thing: group, name: 'peers' })
    expect(about.get('router')).toMatchObject({ name: 'net-router', itself: true })
    for (const part of waiting.parts) {
      expect(part).toMatchObject({ why: 'silent', message: null, detail: null })
      expect(Date.now() - Date.parse(part.since)).toBeLessThan(60_000)
    }
    expect(JSON.stringify(waiting)).not.toMatch(new RegExp(`secret-name|${hostId}`))
    expect((await instanceWaiting(admin, { id })).host).toEqual({ id: hostId, name: 'secret-name-a' })
    await expectCloudError(instanceWaiting(await testCtx(world.deps), { id }), 'not_found')
  })

  test('names a router only for changes of its own floating IPs, not for those of other instances', async () => {
    const [id, other] = [
      await launched('web', { publicIp: true }),
      await launched('other', { publicIp: true }),
    ]
    const fipOf = (instance: string) =>
      world.deps.root.floatingIp.findFirstOrThrow({ where: { port: { deviceId: instance } } })
    const [mine, theirs] = [await fipOf(id), await fipOf(other)]
    await silence()
    await sleep(1_100) // a change confirmed just before the silence may be listed once more
    const beat = { missed: 9, lastSeenAt: new Date() }
    await world.deps.root.hostBeat.upsert({
      where: { hostId },
      create: { hostId, facts: {}, ...beat },
      update: beat,
    })
    const routers = async () =>
      (await instanceWaiting(tenant, { id })).parts.filter((p) => p.kind === 'router')
    await world.deps.root.floatingIp.update({ where: { id: theirs.id }, data: { fixedAddress: '10.0.0.99' } })
    expect(await routers()).toEqual([])
    await associateFloatingIp(tenant, { id: mine.id, portId: null })
    expect(await routers()).toMatchObject([{ floatingIps: [], released: [mine.address], itself: false }])
    await deleteFloatingIp(tenant, { id: theirs.id })
    expect(await routers()).toMatchObject([
      { released: [mine.address, theirs.address].sort(), itself: false },
    ])
    await associateFloatingIp(tenant, { id: mine.id, portId: mine.portId })
    expect(await routers()).toMatchObject([{ floatingIps: [mine.address], itself: false }])
  })

  test('names changes that an answering host has refused, also when the router was changed since', async () => {
    const [id, other] = [
      await launched('web', { publicIp: true }),
      await launched('other', { publicIp: true }),
    ]
    const fipOf = (instance: string) =>
      world.deps.root.floatingIp.findFirstOrThrow({ where: { port: { deviceId: instance } } })
    const [mine, theirs] = [await fipOf(id), await fipOf(other)]
    await associateFloatingIp(tenant, { id: mine.id, portId: null })
    await world.deps.root.$executeRaw`UPDATE "FloatingIp" SET "updatedAt" = now() - interval '5 minutes'`
    await associateFloatingIp(tenant, { id: theirs.id, portId: null })
    const beat = { missed: 0, lastSeenAt: new Date() }
    await world.deps.root.hostBeat.upsert({
      where: { hostId },
      create: { hostId, facts: {}, ...beat },
      update: beat,
    })
    await world.deps.root.$executeRaw`
      UPDATE "HostDocument" h SET "told" = d."generation", "error" = 'failed: no', "attempts" = 3
      FROM "Document" d WHERE d."kind" = 'router' AND h."kind" = 'router' AND d."thing" = h."thing"`
    const { parts } = await instanceWaiting(tenant, { id })
    expect(parts.filter((part) => part.kind === 'router')).toMatchObject([
      { why: 'refused', released: expect.arrayContaining([mine.address]) },
    ])
  })

  test('says whether its host is being asked, is silent or is declared to be off', async () => {
    const id = await launched()
    await letGroupIn()
    const whyWhen = async (state: string, missed: number) => {
      await world.deps.root.host.update({ where: { id: hostId }, data: { state } })
      const beat = { missed, lastSeenAt: new Date() }
      await world.deps.root.hostBeat.upsert({
        where: { hostId },
        create: { hostId, facts: {}, ...beat },
        update: beat,
      })
      const { parts } = await instanceWaiting(tenant, { id })
      return new Set(parts.map((part) => part.why))
    }
    expect(await whyWhen('up', 1)).toEqual(new Set(['telling']))
    expect(await whyWhen('suspect', 3)).toEqual(new Set(['missing']))
    expect(await whyWhen('suspect', 0)).toEqual(new Set(['telling']))
    expect(await whyWhen('down', 9)).toEqual(new Set(['silent']))
    expect(await whyWhen('down', 0)).toEqual(new Set(['telling']))
    expect(await whyWhen('fenced', 9)).toEqual(new Set(['fenced']))
    expect(await whyWhen('fenced', 0)).toEqual(new Set(['fenced']))
  })

  test('says what its host could not do; only administrators see the words of the host', async () => {
    const id = await launched()
    world.hosts.get('a')?.network.failNext('ensurePort', new DriverError('invalid', 'nft: line 7'))
    await letGroupIn()
    await runPending(world.deps)
    const { parts } = await instanceWaiting(tenant, { id })
    expect(parts).toMatchObject([
      { kind: 'port', why: 'refused', message: 'The host cannot do what was asked of it.', detail: null },
    ])
    expect(parts[0]?.nextTryAt).not.toBeNull()
    expect((await instanceWaiting(admin, { id })).parts[0]?.detail).toBe('invalid: nft: line 7')
  })

  test('shows things of other projects without their names', async () => {
    const other = await testTenant(world)
    await world.deps.root.network.update({ where: { id: other.networkId }, data: { shared: true } })
    const id = await launched('guest', { networkIds: [other.networkId] })
    await silence()
    await world.deps.root.router.updateMany({
      where: { projectId: other.projectId },
      data: { adminUp: false },
    })
    const isRouter = { kind: 'router', why: 'silent' }
    expect((await instanceWaiting(tenant, { id })).parts).toMatchObject([
      { ...isRouter, thing: null, name: null },
    ])
    expect((await instanceWaiting(admin, { id })).parts).toMatchObject([{ ...isRouter, name: 'net-router' }])
  })
})

describe('a host', () => {
  test('lists unconfirmed things by name and page, in a few queries', async () => {
    const id = await launched()
    const gone = await launched('old')
    const { id: portId, addresses } = await world.deps.root.port.findFirstOrThrow({
      where: { deviceId: gone },
      include: { addresses: true },
    })
    const silentSince = Date.now()
    await silence()
    const peers = await letGroupIn()
    await deleteInstance(tenant, { id: gone })
    const askedAt = Date.now()
    await runPending(world.deps)
    const { items, total } = await list()
    expect(total).toBe(items.length)
    const of = (kind: string, wanted: boolean) =>
      items.filter((item) => item.kind === kind && item.wanted === wanted)
    const project = {
      id: tenant.projectId,
      name: tenant.scope.kind === 'project' && tenant.scope.projectName,
    }
    expect(of('instance', false)).toMatchObject([{ thing: gone, name: 'old', isThere: false, project }])
    expect(of('addressSet', true)).toMatchObject([
      { thing: peers, name: 'peers', isThere: true, project },
      { name: 'default', project },
    ])
    expect(of('port', true)).toMatchObject([{ instance: { id, name: 'web' }, project, error: null }])
    expect(of('port', false)).toMatchObject([
      {
        thing: portId,
        name: addresses[0]?.address,
        isThere: false,
        instance: { id: gone, name: 'old' },
        project,
      },
    ])
    // The rows of the instance and its port were deleted later; both are waited for since the request, as before.
    for (const item of [...of('instance', false), ...of('port', false)])
      expect(Date.parse(item.since)).toBeLessThanOrEqual(askedAt)
    for (const item of items) expect(Date.parse(item.since)).toBeGreaterThan(silentSince - 1_000)
    const paged: string[] = []
    for (let next: string | undefined; ; ) {
      const page = await list({ limit: 1, marker: next })
      expect(page.total).toBe(total)
      paged.push(...page.items.map((item) => item.id))
      if (page.next === null) break
      next = page.next
    }
    expect(paged).toEqual(items.map((item) => item.id))
    expect(await queriesOf(() => list())).toBeLessThanOrEqual(14)
    const { items: hosts } = await listHosts(admin, hostListInput.parse({}))
    expect(hosts[0]?.unconfirmed).toBe(total)
    await expectCloudError(list({}, tenant), 'forbidden')
  })

  test('knows the names of deleted things from their history', async () => {
    await launched()
    const peers = await letGroupIn()
    await runPending(world.deps)
    await silence()
    await world.deps.root.securityGroupRule.deleteMany({ where: { remoteGroupId: peers } })
    await deleteSecurityGroup(tenant, { id: peers })
    expect((await list()).items).toContainEqual(
      expect.objectContaining({ kind: 'addressSet', thing: peers, name: 'peers', wanted: false }),
    )
  })

  test('lacks a thing only since the host needs it', async () => {
    const old = new Date(Date.now() - 86_400_000)
    const document = { kind: 'network', thing: tenant.networkId, changedAt: old }
    await world.deps.root.document.deleteMany({ where: { thing: tenant.networkId } })
    await world.deps.root.document.create({ data: document })
    await launchInstances(tenant, aLaunch(world))
    const network = (await list()).items.find((item) => item.thing === tenant.networkId)
    expect(Date.now() - Date.parse(network?.since ?? '')).toBeLessThan(60_000)
  })

  test('is told at once on request what it failed to do and would hear again later', async () => {
    await launched()
    const plane = world.hosts.get('a')?.network
    plane?.failNext('ensurePort', new DriverError('failed', 'busy'))
    await letGroupIn()
    await deliverAll(world.system)
    const [item] = (await list()).items
    expect(item).toMatchObject({ attempts: 1, error: { detail: 'failed: busy' } })
    await world.deps.root.hostDocument.updateMany({
      where: { error: { not: null } },
      data: { dueAt: new Date(Date.now() + 300_000) },
    })
    await deliverAll(world.system)
    expect((await list()).total).toBe(1)
    await expectCloudError(tellNow(tenant, { id: hostId }), 'forbidden')
    expect(await tellNow(admin, { id: hostId })).toEqual({ told: 1 })
    await deliverAll(world.system)
    expect((await list()).total).toBe(0)
    const told = { action: 'host.tell', resourceId: hostId, actorId: admin.actor.userId }
    expect(await world.deps.root.operation.count({ where: told })).toBe(1)
    expect(await tellNow(admin, { id: hostId })).toEqual({ told: 0 })
    expect(await world.deps.root.operation.count({ where: told })).toBe(1)
  })

  test('says what it waits for, for as long as its work takes', async () => {
    const id = await launched()
    const machine = world.hosts.get('a') as FakeHost
    const { documents } = machine
    const working = { outcome: 'working', for: 'the guest to let go of its interface' } as const
    machine.documents = {
      list: (op, kind) => documents.list(op, kind),
      apply: async (_op, told) => told.map(({ body: _, ...about }) => ({ ...about, ...working })),
    }
    await world.deps.root.instance.update({ where: { id }, data: { hostname: 'renamed' } })
    await deliverAll(world.system)
    const row = () => world.deps.root.hostDocument.findFirst({ where: { kind: 'instance', thing: id } })
    expect(await row()).toMatchObject({ error: null, waitsFor: working.for, attempts: 1 })
    const asItSays = { error: null, waitsFor: working.for }
    expect((await list()).items).toMatchObject([asItSays, asItSays])
    const why = { why: 'working', message: working.for, detail: null, nextTryAt: null }
    expect((await instanceWaiting(tenant, { id })).parts).toMatchObject([why, why])
    for (let i = 0; i < 8; i++) {
      await world.deps.root.hostDocument.updateMany({ data: { dueAt: new Date() } })
      await deliverAll(world.system)
    }
    const dueInMs = Number((await row())?.dueAt) - Date.now()
    expect(dueInMs).toBeGreaterThan(20_000)
    expect(dueInMs).toBeLessThan(40_000)
    const dueAt = (await row())?.dueAt
    await deliverAll(world.system)
    expect((await row())?.dueAt, 'it is not asked all the time').toEqual(dueAt)
    await world.deps.root.instance.update({ where: { id }, data: { hostname: 'again' } })
    await deliverAll(world.system)
    expect((await row())?.dueAt, 'another wish is told at once').not.toEqual(dueAt)
    machine.documents = documents
    await tellNow(admin, { id: hostId })
    await deliverAll(world.system)
    expect(await row()).toMatchObject({ error: null, waitsFor: null })
  })

  test('that does not answer is told when it answers again, and not before', async () => {
    await launched()
    await silence()
    await letGroupIn()
    await expectCloudError(tellNow(admin, { id: hostId }), 'conflict', /does not answer/)
    world.faults.delete('a')
    await world.deps.root.host.update({ where: { id: hostId }, data: { state: 'up' } })
    await deliverAll(world.system)
    expect((await list()).total).toBe(0)
  })
})
