import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { launchInstances } from '../compute/instances/launch.ts'
import { aLaunch, type FakeHost, testTenant, testWorld, type World } from '../compute/testing.ts'
import type { Ctx } from '../kernel/context.ts'
import { reconcilerNamed } from '../kernel/reconciler.ts'
import { runPending } from '../kernel/testing.ts'
import { ruleCreateInput } from '../networking/contract.ts'
import { newSecurityGroupRule, removeSecurityGroupRule } from '../networking/security-groups/service.ts'
import { deliverAll, deliverTo, doubt } from './documents.ts'
import { makeDue } from './unconfirmed.ts'

/** Tests of which deliveries wait for each other. */
let world: World
beforeEach(async () => {
  world = await testWorld(['a'])
})
afterEach(() => world.close())
const db = () => world.deps.root
const host = () => world.hosts.get('a') as FakeHost
const hostId = async () => (await db().host.findFirstOrThrow()).id

async function running(): Promise<{ tenant: Ctx & { projectId: string }; id: string; portId: string }> {
  const tenant = await testTenant(world)
  const { instances } = await launchInstances(tenant, aLaunch(world, {}))
  await runPending(world.deps)
  const id = instances[0]?.id ?? ''
  const { id: portId } = await db().port.findFirstOrThrow({ where: { deviceId: id } })
  return { tenant, id, portId }
}
const documentOf = (thing: string) => db().hostDocument.findFirstOrThrow({ where: { thing } })

test('a revocation does not wait for the removal of many guests', async () => {
  const { tenant, id, portId } = await running()
  const { id: securityGroupId } = await db().securityGroup.findFirstOrThrow({
    where: { projectId: tenant.projectId, isDefault: true },
  })
  const wish = { securityGroupId, direction: 'ingress', protocol: 'tcp', portMin: 4444 }
  const rule = await newSecurityGroupRule(tenant, ruleCreateInput.parse(wish))
  await runPending(world.deps)
  const isOpen = () =>
    host()
      .network.state.ports.get(portId)
      ?.rules.some((one) => one.portMin === 4444)
  expect(isOpen()).toBe(true)
  await db()
    .$executeRaw`INSERT INTO "Document" ("kind", "thing") SELECT 'instance', gen_random_uuid() FROM generate_series(1, 200)`
  await db().$executeRaw`INSERT INTO "HostDocument" ("hostId", "kind", "thing", "wanted")
    SELECT ${await hostId()}::uuid, 'instance', "thing", false FROM "Document" WHERE "kind" = 'instance' AND "thing" <> ${id}::uuid`
  let removed = 0
  const remove = host().hypervisor.remove.bind(host().hypervisor)
  host().hypervisor.remove = async (op, one) => {
    await sleep(20)
    removed++
    return remove(op, one)
  }
  const all = deliverTo(world.system, await hostId())
  await expect.poll(() => removed).toBeGreaterThan(0)
  await removeSecurityGroupRule(tenant, { id: rule })
  await deliverAll(world.system)
  await expect.poll(isOpen).toBe(false)
  expect(removed).toBeLessThan(100)
  await all
  expect(removed).toBe(200)
})

test('a doubted guest is delivered again at once, and a failed one when an administrator asks for it', async () => {
  const { id } = await running()
  await doubt(world.system, await hostId(), 'instance', [id])
  await deliverAll(world.system)
  expect((await documentOf(id)).confirmed).toBeGreaterThan(0n)

  // The document has failed often, and its next try is far away.
  const { generation } = await db().document.findFirstOrThrow({ where: { thing: id } })
  const dueAt = new Date(Date.now() + 290_000)
  const failed = { confirmed: 0, told: generation, attempts: 8, error: 'failed: no', dueAt }
  await db().hostDocument.updateMany({ where: { thing: id }, data: failed })
  expect(await makeDue(world.system, await hostId())).toBe(1)
  await deliverAll(world.system)
  expect((await documentOf(id)).confirmed).toBeGreaterThan(0n)
})

test('a document that an open transaction of a launch needs is not deleted', async () => {
  const thing = crypto.randomUUID()
  await db()
    .$executeRaw`INSERT INTO "Document" VALUES ('addressSet', ${thing}::uuid, 7, now() - interval '3 hours')`
  const launch = new pg.Client({ connectionString: world.deps.config.databaseUrl })
  await launch.connect()
  await launch.query('BEGIN')
  await launch.query(`SELECT stratolith_need(ARRAY[$1::uuid], ARRAY['addressSet'], ARRAY[$2::uuid])`, [
    await hostId(),
    thing,
  ])
  const forgetting = reconcilerNamed('hosts.documents.forget').run(world.system)
  await expect
    .poll(() => db().$queryRaw`SELECT 1 FROM pg_locks WHERE "locktype" = 'advisory' AND NOT "granted"`)
    .not.toEqual([])
  await launch.query('COMMIT')
  await launch.end()
  await forgetting
  expect(await db().document.findFirst({ where: { thing } })).toMatchObject({ generation: 7n })
  await db().hostDocument.deleteMany({ where: { thing } })
  await reconcilerNamed('hosts.documents.forget').run(world.system)
  expect(await db().document.findFirst({ where: { thing } })).toBeNull()
})

test('constant changes of many things do not hold up the delivery of other documents', async () => {
  const { tenant } = await running()
  const thing = crypto.randomUUID()
  const at = await hostId()
  const busy = 120
  await db()
    .$executeRaw`INSERT INTO "Document" ("kind", "thing") SELECT 'addressSet', "id" FROM "SecurityGroup"
    WHERE "projectId" = ${tenant.projectId} ON CONFLICT DO NOTHING`
  await db().$executeRaw`INSERT INTO "Network" ("id", "projectId", "name")
    SELECT gen_random_uuid(), ${tenant.projectId}, 'busy' FROM generate_series(1, ${busy}::int)`
  const change = () => db()
    .$executeRaw`SELECT stratolith_need(array_agg(${at}::uuid), array_agg('network'::text), array_agg("id")),
    stratolith_changed('network', array_agg("id")) FROM "Network" WHERE "name" = 'busy'`
  await change()
  await deliverTo(world.system, at)
  // The document of a thing without a row, which is delivered last.
  await db().$executeRaw`INSERT INTO "Document" ("kind", "thing") VALUES ('port', ${thing}::uuid)`
  await db()
    .$executeRaw`INSERT INTO "HostDocument" ("hostId", "kind", "thing", "wanted") VALUES (${at}::uuid, 'port', ${thing}::uuid, false)`
  const { ensureNetwork } = host().network
  host().network.ensureNetwork = async (...args) => {
    await sleep(2)
    return ensureNetwork.apply(host().network, args)
  }
  let isOver = false
  const changing = (async () => {
    while (!isOver) {
      await change()
      void deliverAll(world.system)
      await sleep(50)
    }
  })()
  await expect.poll(() => db().hostDocument.count({ where: { thing } }), { timeout: 20_000 }).toBe(0)
  isOver = true
  await changing
  await deliverTo(world.system, at)
})

test('the pump does not deliver documents that an operation is delivering, unless other documents need them', async () => {
  const tenant = await testTenant(world)
  await launchInstances(tenant, aLaunch(world, {}))
  await runPending(world.deps)
  const calls: string[][] = []
  const gate = Promise.withResolvers<void>()
  const { documents } = host()
  const apply = documents.apply.bind(documents)
  documents.apply = async (op, list) => {
    calls.push(list.map((one) => one.kind).sort())
    if (calls.length === 1) await gate.promise
    return apply(op, list)
  }
  await launchInstances(tenant, aLaunch(world, {}))
  const launch = runPending(world.deps)
  await expect.poll(() => calls).toEqual([['addressSet', 'instance', 'port']])
  await deliverTo(world.system, await hostId())
  expect(calls).toHaveLength(1)

  // The pump delivers a port together with its group.
  const { id: port } = await db().port.findFirstOrThrow({
    where: { deviceOwner: 'compute:nova' },
    orderBy: { createdAt: 'asc' },
  })
  await doubt(world.system, await hostId(), 'port', [port])
  await deliverTo(world.system, await hostId())
  expect(calls[1]).toEqual(['addressSet', 'port'])
  gate.resolve()
  await launch
  expect(await db().instance.count({ where: { vmState: 'active' } })).toBe(2)
})
