import { setTimeout as sleep } from 'node:timers/promises'
import type { DocumentKeeper, HostDocument, Receipt } from '@stratolith/drivers/documents/interface'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { launchInstances } from '../compute/instances/launch.ts'
import { aLaunch, type FakeHost, testTenant, testWorld, type World } from '../compute/testing.ts'
import type { Ctx } from '../kernel/context.ts'
import { plainOp } from '../kernel/hosts.ts'
import { reconcilerNamed } from '../kernel/reconciler.ts'
import { runOperation } from '../kernel/run.ts'
import { runPending, testCtx } from '../kernel/testing.ts'
import { networkCreateInput, ruleCreateInput } from '../networking/contract.ts'
import { deleteFloatingIp } from '../networking/floating-ips/service.ts'
import { createNetwork } from '../networking/networks/service.ts'
import { addRouterInterface } from '../networking/routers/service.ts'
import { newSecurityGroupRule, removeSecurityGroupRule } from '../networking/security-groups/service.ts'
import { deliver, deliverAll, deliverKnown, deliverTo, doubt } from './documents.ts'
import { beat } from './reconcile.ts'
import { fenceHost } from './service.ts'

/** Tests of receipts: each belongs to one generation and is recorded in the name of the system. */
let world: World
beforeEach(async () => {
  world = await testWorld(['a'])
})
afterEach(() => world.close())

type Tenant = Ctx & { projectId: string }
const db = () => world.deps.root
const host = () => world.hosts.get('a') as FakeHost
const hostId = async () => (await db().host.findFirstOrThrow()).id
async function launched(tenant: Tenant, wish: object = {}): Promise<string> {
  const { instances } = await launchInstances(tenant, aLaunch(world, wish))
  return instances[0]?.id ?? ''
}
const portOf = (deviceId: string) => db().port.findFirstOrThrow({ where: { deviceId } })
async function opened(tenant: Tenant, portMin: number): Promise<string> {
  const group = await db().securityGroup.findFirstOrThrow({
    where: { projectId: tenant.projectId, isDefault: true },
  })
  const rule = { securityGroupId: group.id, direction: 'ingress', protocol: 'tcp', portMin }
  return newSecurityGroupRule(tenant, ruleCreateInput.parse(rule))
}
const isOpen = (portId: string, portMin: number) =>
  host()
    .network.state.ports.get(portId)
    ?.rules.some((rule) => rule.portMin === portMin)
/** Makes the host answer by `apply` from now on; returns the function that restores its own answers. */
function answering(apply: DocumentKeeper['apply']): () => void {
  const { documents } = host()
  host().documents = { ...documents, list: (op, kind) => documents.list(op, kind), apply }
  return () => {
    host().documents = documents
  }
}

test('a delivery for one tenant writes events of other tenants in the name of the system', async () => {
  const [a, b] = [await testTenant(world), await testTenant(world)]
  await launched(a)
  await runPending(world.deps)
  const id = await launched(b)
  await opened(a, 4444)
  const { id: operationId } = await db().operation.findFirstOrThrow({
    where: { action: 'securityGroup.apply', projectId: a.projectId },
  })
  await runOperation(world.deps, operationId, { last: true })
  const { id: portId } = await portOf(id)
  const events = await db().event.findMany({ where: { resourceId: portId }, orderBy: { id: 'asc' } })
  expect(events.map((event) => [event.kind, event.actorId, event.requestId])).toEqual([
    ['port.created', b.actor.userId, b.requestId],
    ['port.updated', 'system', 'hosts.documents'],
  ])
})

test('a change that mends a failed document does not fail because of the earlier receipt', async () => {
  const tenant = await testTenant(world)
  const id = await launched(tenant)
  await runPending(world.deps)
  const { id: portId } = await portOf(id)
  await db()
    .$executeRaw`UPDATE "HostDocument" SET "error" = 'invalid: it cannot', "attempts" = 3, "confirmed" = 0,
    "dueAt" = now() + interval '4 seconds' WHERE "thing" = ${portId}::uuid`
  world.faults.set('a', 'slow')
  world.slowMs = 1_300
  await opened(tenant, 4445)
  const { id: operationId } = await db().operation.findFirstOrThrow({
    where: { action: 'securityGroup.apply', state: 'queued' },
  })
  expect(await runOperation(world.deps, operationId, {})).toBe('waiting')
  world.faults.clear()
  await runPending(world.deps)
  expect(await db().operation.findUnique({ where: { id: operationId } })).toMatchObject({
    state: 'succeeded',
  })
  expect(isOpen(portId, 4445)).toBe(true)
})

test('a rule that is revoked while the host fails at an older wish does not wait for the next try of that wish', async () => {
  const tenant = await testTenant(world)
  const id = await launched(tenant)
  await runPending(world.deps)
  const { id: portId } = await portOf(id)
  const rule = await opened(tenant, 22)
  await runPending(world.deps)
  await db()
    .$executeRaw`UPDATE "HostDocument" SET "confirmed" = 0, "attempts" = 7, "dueAt" = now(), "error" = 'failed: busy'
    WHERE "thing" = ${portId}::uuid`
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>()
  const putBack = answering(async (_op, documents) => {
    await mayAnswer
    return documents.map((one) => ({
      kind: one.kind,
      id: one.id,
      generation: one.generation,
      outcome: 'failed',
      code: 'failed',
      message: 'nft: busy',
    }))
  })
  const first = deliver(world.system, plainOp(world.system), await hostId())
  await sleep(200)
  await removeSecurityGroupRule(tenant, { id: rule })
  answer()
  await first
  putBack()
  await deliverAll(world.system)
  expect(isOpen(portId, 22)).toBe(false)
})

test('no host is told to remove a guest because its row is missing', async () => {
  const tenant = await testTenant(world)
  const id = await launched(tenant)
  await runPending(world.deps)
  await db().instance.deleteMany({ where: { id } })
  await db()
    .$executeRaw`SELECT stratolith_need(ARRAY[${await hostId()}::uuid], ARRAY['instance'], ARRAY[${id}::uuid])::text`
  await db()
    .$executeRaw`UPDATE "HostDocument" SET "dueAt" = now() - interval '2 minutes' WHERE "kind" = 'instance'`
  await deliverAll(world.system)
  expect(host().hypervisor.state.instances[id]?.power).toBe('running')
  expect(host().storage.disks.has(id)).toBe(true)
})

test('a fenced host that answers releases a floating IP that others may have by now', async () => {
  const tenant = await testTenant(world)
  const admin = await testCtx(world.deps, { role: 'admin' })
  await launched(tenant, { publicIp: true })
  await runPending(world.deps)
  const { id, address } = await db().floatingIp.findFirstOrThrow({ where: { projectId: tenant.projectId } })
  const answersTo = () =>
    [...host().network.state.routers.values()].flatMap((router) =>
      router.floatingIps.map((fip) => fip.address),
    )
  expect(answersTo()).toEqual([address])
  world.faults.set('a', 'refuses')
  await db().host.updateMany({ data: { state: 'down' } })
  await beat(world.system)
  await fenceHost(admin, { id: await hostId() })
  await deleteFloatingIp(tenant, { id })
  await runPending(world.deps)
  world.faults.delete('a')
  await beat(world.system)
  expect(answersTo()).toEqual([])
  expect(await db().host.findFirst()).toMatchObject({ state: 'fenced' })
})

test('a receipt with an absurdly high generation is refused', async () => {
  const tenant = await testTenant(world)
  const id = await launched(tenant)
  await runPending(world.deps)
  const { id: thing } = await portOf(id)
  await db().$executeRaw`UPDATE "HostDocument" SET "confirmed" = 0 WHERE "thing" = ${thing}::uuid`
  const putBack = answering(async (_op, documents) =>
    documents.map(({ kind, id, generation }) => ({
      kind,
      id,
      generation,
      outcome: 'older',
      known: Number.MAX_SAFE_INTEGER,
    })),
  )
  await deliver(world.system, plainOp(world.system), await hostId())
  putBack()
  expect(await db().document.findFirst({ where: { thing } })).toMatchObject({ generation: 1n })
  expect(await db().hostDocument.findFirst({ where: { thing } })).toMatchObject({
    error: expect.stringContaining('claims'),
  })
})

test('a fenced host releases a floating IP also when its router now leads into a network that is new to the host', async () => {
  const tenant = await testTenant(world)
  const admin = await testCtx(world.deps, { role: 'admin' })
  await launched(tenant, { publicIp: true })
  await runPending(world.deps)
  const { id, routerId } = await db().floatingIp.findFirstOrThrow({ where: { projectId: tenant.projectId } })
  world.faults.set('a', 'refuses')
  await db().host.updateMany({ data: { state: 'down' } })
  await beat(world.system)
  await fenceHost(admin, { id: await hostId() })
  await deleteFloatingIp(tenant, { id })
  const wide = networkCreateInput.parse({ name: 'another', subnet: { cidr: '10.77.0.0/20' } })
  const network = await createNetwork(tenant, wide)
  const { id: subnetId } = await db().subnet.findFirstOrThrow({ where: { networkId: network.id } })
  await addRouterInterface(tenant, { id: routerId ?? '', subnetId })
  await runPending(world.deps)
  world.faults.delete('a')
  await beat(world.system)
  const routers = [...host().network.state.routers.values()]
  expect(routers.flatMap((router) => router.floatingIps)).toEqual([])
})

test('a late receipt for an older wish does not change what is shown', async () => {
  const tenant = await testTenant(world)
  const id = await launched(tenant)
  await runPending(world.deps)
  const { id: portId } = await portOf(id)
  await db().port.update({ where: { id: portId }, data: { adminUp: false } })
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>()
  const putBack = answering(async (_op, documents) => {
    await mayAnswer
    return documents.map((one) => ({
      kind: one.kind,
      id: one.id,
      generation: one.generation,
      outcome: 'failed',
      code: 'invalid',
      message: 'It was so.',
    }))
  })
  const first = deliver(world.system, plainOp(world.system), await hostId())
  await sleep(200)
  putBack()
  await db().port.update({ where: { id: portId }, data: { adminUp: true } })
  await deliver(world.system, plainOp(world.system), await hostId())
  answer()
  await first
  expect(await db().port.findUnique({ where: { id: portId } })).toMatchObject({
    state: 'active',
    errorMessage: null,
  })
})

test('stratolith_fill_documents ends when a port is on a host that is gone', async () => {
  const tenant = await testTenant(world)
  const id = await launched(tenant)
  await runPending(world.deps)
  await db().port.updateMany({ where: { deviceId: id }, data: { hostId: crypto.randomUUID() } })
  await db().$executeRawUnsafe('CALL stratolith_fill_documents()')
})

const hostDocument = (thing: string) => db().hostDocument.findFirstOrThrow({ where: { thing } })
/** Makes all documents unconfirmed, as they are some minutes after a restore. */
const confirmNothing = () =>
  db().hostDocument.updateMany({ data: { confirmed: 0, dueAt: new Date(Date.now() - 300_000) } })
/** Makes more documents than one delivery contains. */
async function manyDocuments(): Promise<void> {
  const things = Array.from({ length: 600 }, () => crypto.randomUUID())
  await db().document.createMany({ data: things.map((thing) => ({ kind: 'addressSet', thing })) })
  const id = await hostId()
  await db().hostDocument.createMany({
    data: things.map((thing) => ({ hostId: id, kind: 'addressSet', thing, wanted: false })),
  })
}
/** Makes the host answer each document by `say` from now on, and counts the calls. */
function saying(say: (document: HostDocument) => Receipt): { calls: number; putBack: () => void } {
  const counted = {
    calls: 0,
    putBack: answering(async (_op, documents) => {
      // Stops the test when deliveries do not end.
      if (++counted.calls > 50) throw new Error('told without end')
      return documents.map(say)
    }),
  }
  return counted
}

test('receipts for generations that were not delivered are ignored', async () => {
  const tenant = await testTenant(world)
  const { id: portId } = await portOf(await launched(tenant))
  const rule = await opened(tenant, 22)
  await runPending(world.deps)
  const generationOf = async () =>
    (await db().document.findFirstOrThrow({ where: { thing: portId } })).generation
  const before = await generationOf()
  for (const outcome of [
    { outcome: 'older', known: Number.MAX_SAFE_INTEGER },
    { outcome: 'reached' },
  ] as const) {
    await confirmNothing()
    const { putBack } = saying(({ kind, id }) => ({
      kind,
      id,
      generation: 9_007_199_254_740_990,
      ...outcome,
    }))
    const receipts = await deliver(world.system, plainOp(world.system), await hostId())
    putBack()
    expect(receipts.length).toBeGreaterThan(0)
    for (const receipt of receipts) expect(receipt).toMatchObject({ outcome: 'failed', code: 'unavailable' })
    expect(await generationOf()).toBe(before)
    expect(await hostDocument(portId)).toMatchObject({
      confirmed: 0n,
      told: before,
      error: 'unavailable: The host gave no receipt for this document.',
    })
  }
  await removeSecurityGroupRule(tenant, { id: rule })
  await runPending(world.deps)
  await deliverAll(world.system)
  expect(isOpen(portId, 22)).toBe(false)
})

test('a receipt is refused that says `older` with a known generation that is not newer', async () => {
  const { id: thing } = await portOf(await launched(await testTenant(world)))
  await runPending(world.deps)
  for (const ahead of [0, -1]) {
    await confirmNothing()
    const { putBack } = saying(({ kind, id, generation }) => ({
      ...{ kind, id, generation },
      ...{ outcome: 'older', known: generation + ahead },
    }))
    await deliver(world.system, plainOp(world.system), await hostId())
    putBack()
    expect(await hostDocument(thing)).toMatchObject({ error: expect.stringContaining('claims') })
  }
})

test('only one receipt for each document counts, however many come', async () => {
  await launched(await testTenant(world))
  await runPending(world.deps)
  await confirmNothing()
  const putBack = answering(async (_op, [first]) =>
    Array.from({ length: 200_000 }, () => ({
      ...{ kind: first?.kind ?? 'port', id: first?.id ?? '', generation: first?.generation ?? 0 },
      ...{ outcome: 'failed', code: 'failed', message: 'busy' },
    })),
  )
  const receipts = await deliver(world.system, plainOp(world.system), await hostId())
  putBack()
  expect(receipts).toHaveLength(await db().hostDocument.count())
  expect(receipts.filter((one) => one.outcome === 'failed' && one.message === 'busy')).toHaveLength(1)
})

test('deliveries to a host that confirms none of many documents end', async () => {
  await manyDocuments()
  const failing = saying(({ kind, id, generation }) => ({
    ...{ kind, id, generation },
    ...{ outcome: 'older', known: generation - 1 },
  }))
  await deliverTo(world.system, await hostId())
  await deliverKnown(world.system, await hostId())
  failing.putBack()
  expect(failing.calls).toBe(10)
})

test('deliveries end when all receipts are ignored', async () => {
  await manyDocuments()
  await db().hostDocument.updateMany({ data: { told: 7, dueAt: new Date() } })
  const reaching = saying(({ kind, id, generation }) => ({ kind, id, generation, outcome: 'reached' }))
  await deliverTo(world.system, await hostId())
  await deliverKnown(world.system, await hostId())
  reaching.putBack()
  expect(reaching.calls).toBe(10)
})

test('many documents that the host confirms are all delivered by one call', async () => {
  await manyDocuments()
  await deliverTo(world.system, await hostId())
  expect(await db().hostDocument.count({ where: { NOT: { kind: { startsWith: 'gone ' } } } })).toBe(0)
})

test('rows with a higher generation than the document are mended, and rules that were revoked meanwhile go', async () => {
  const tenant = await testTenant(world)
  const { id: portId } = await portOf(await launched(tenant))
  const rule = await opened(tenant, 22)
  await runPending(world.deps)
  await db().hostDocument.updateMany({
    where: { thing: portId },
    data: { told: 1_000_000, confirmed: 1_000_000, dueAt: null },
  })
  await removeSecurityGroupRule(tenant, { id: rule })
  await runPending(world.deps)
  await deliverAll(world.system)
  expect(isOpen(portId, 22)).toBe(true)
  await reconcilerNamed('hosts.documents.forget').run(world.system)
  await deliverAll(world.system)
  expect(isOpen(portId, 22)).toBe(false)
})

test('a doubted document is delivered again, and counts as known to a host that comes back', async () => {
  const tenant = await testTenant(world)
  const { id: portId } = await portOf(await launched(tenant))
  await runPending(world.deps)
  await db().hostDocument.updateMany({ where: { thing: portId }, data: { told: 1_000_000 } })
  await doubt(world.system, await hostId(), 'port', [portId])
  expect(await hostDocument(portId)).toMatchObject({ told: 1n, confirmed: 0n })
  await deliverKnown(world.system, await hostId())
  const { generation } = await db().document.findFirstOrThrow({ where: { thing: portId } })
  expect(await hostDocument(portId)).toMatchObject({ told: generation, confirmed: generation })
})
