import { setTimeout as sleep } from 'node:timers/promises'
import { Prisma } from '@stratolith/db'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { testCtx } from '../kernel/testing.ts'
import { createNetwork, updateNetwork } from './networks/service.ts'
import { bindPort } from './ports/of-instances.ts'
import { addRouterInterface, createRouter } from './routers/service.ts'
import { addSecurityGroupRule, createSecurityGroup, newSecurityGroupRule } from './security-groups/service.ts'
import { addPlane, type Cloud, network, newPort, router, rule, testCloud } from './testing.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud()
})
afterAll(() => cloud.close())
const db = () => cloud.deps.root

/** Makes a network and two groups, each with a rule that names the other group. */
async function place() {
  const ctx = await testCtx(cloud.deps)
  const { id: networkId } = await createNetwork(ctx, network())
  const groups: string[] = []
  for (const name of ['web', 'data'])
    groups.push((await createSecurityGroup(ctx, { name, description: '' })).id)
  const [web = '', data = ''] = groups
  await addSecurityGroupRule(ctx, rule(web, { remoteGroupId: data }))
  await addSecurityGroupRule(ctx, rule(data, { remoteGroupId: web }))
  return { ctx, networkId, web, data, host: await addPlane(cloud) }
}
const generationOf = async (kind: string, thing: string) =>
  Number((await db().document.findUnique({ where: { kind_thing: { kind, thing } } }))?.generation ?? 0)
const needsOf = async (hostId: string) =>
  (await db().hostDocument.findMany({ where: { hostId, wanted: true } })).map((one) => one.thing).sort()

it('raises a generation once in a transaction, however much the transaction changes', async () => {
  const { ctx, networkId, web, host } = await place()
  const portId = await newPort(ctx, networkId, { hostId: host.id, groups: [web] })
  expect(await generationOf('port', portId)).toBe(1)
  expect(await generationOf('addressSet', web)).toBe(1)
  await inTransaction(ctx, async (tx) => {
    await tx.db.port.update({ where: { id: portId }, data: { adminUp: false } })
    await tx.db.portAddress.deleteMany({ where: { portId } })
    await tx.db.portSecurityGroup.deleteMany({ where: { portId } })
  })
  expect(await generationOf('port', portId)).toBe(2)
  expect(await generationOf('addressSet', web)).toBe(2)
})

it('counts the changes of a savepoint, but not those that were rolled back', async () => {
  const { ctx, networkId, web, host } = await place()
  const portId = await newPort(ctx, networkId, { hostId: host.id, groups: [web] })
  await inTransaction(ctx, async ({ db: tx }) => {
    await tx.$executeRaw`SELECT stratolith_changed('port', ARRAY[${portId}::uuid])`
    await tx.$executeRaw`SAVEPOINT a`
    await tx.$executeRaw`SELECT stratolith_changed('addressSet', ARRAY[${web}::uuid])`
    await tx.$executeRaw`ROLLBACK TO a`
    await tx.$executeRaw`SELECT stratolith_changed('addressSet', ARRAY[${web}::uuid])`
    await tx.$executeRaw`SELECT stratolith_changed('port', ARRAY[${portId}::uuid])`
  })
  expect([await generationOf('port', portId), await generationOf('addressSet', web)]).toEqual([2, 2])
})

it('finds the documents that a port needs, whether the port or the member of its group is bound first', async () => {
  const { ctx, networkId, web, data, host } = await place()
  const portId = await newPort(ctx, networkId, { hostId: host.id, groups: [web] })
  expect(await needsOf(host.id)).toEqual([portId, networkId, data].sort())
  // The port joins another group, beside another change of the same port; a second port is bound together with its
  // memberships.
  await inTransaction(ctx, async (tx) => {
    await tx.db.port.update({ where: { id: portId }, data: { adminUp: false } })
    await tx.db.portSecurityGroup.create({ data: { portId, groupId: data } })
  })
  expect(await needsOf(host.id)).toEqual([portId, networkId, data, web].sort())
  const other = await addPlane(cloud)
  await inTransaction(ctx, async (tx) => {
    await bindPort(tx, portId, other.id)
    await tx.db.portSecurityGroup.deleteMany({ where: { portId, groupId: data } })
  })
  expect(await needsOf(other.id)).toEqual([portId, networkId, data].sort())
})

it('withdraws a document from all hosts in one order, whatever the order in which the hosts came to need it', async () => {
  const hosts = [await addPlane(cloud), await addPlane(cloud)].map(({ id }) => id).sort()
  const [first = '', last = ''] = hosts
  const thing = crypto.randomUUID()
  for (const hostId of [last, first])
    await db()
      .$executeRaw`SELECT stratolith_need(ARRAY[${hostId}::uuid], ARRAY['addressSet'], ARRAY[${thing}::uuid])`
  const lock = (hostId: string) =>
    Prisma.sql`SELECT 1 FROM "HostDocument" WHERE "thing" = ${thing}::uuid AND "hostId" = ${hostId}::uuid FOR UPDATE`
  const away = await db().$transaction(async (tx) => {
    await tx.$queryRaw(lock(first))
    const gone = db().$executeRaw`SELECT stratolith_unwanted('addressSet', ${thing}::uuid, NULL)`.then(
      () => 1,
    )
    await sleep(300)
    await tx.$queryRaw(lock(last))
    return { gone }
  })
  expect(await away.gone).toBe(1)
  expect(await db().hostDocument.count({ where: { thing, wanted: false } })).toBe(2)
})

/** Makes a port without its quota, because every other port of the project would wait for the quota's row. */
const portRow = (tx: Ctx, place: { networkId: string; web: string; host: { id: string } }) =>
  tx.db.port.create({
    data: {
      id: crypto.randomUUID(),
      projectId: 'p',
      networkId: place.networkId,
      mac: crypto.randomUUID(),
      deviceOwner: 'compute:nova',
      deviceId: crypto.randomUUID(),
      hostId: place.host.id,
      securityGroups: { create: { groupId: place.web } },
    },
  })

it('a transaction that makes a port blocks no change of its group or network until its COMMIT', async () => {
  const { ctx, ...there } = await place()
  const { networkId, web: securityGroupId } = there
  const { id: subnetId } = await db().subnet.findFirstOrThrow({ where: { networkId } })
  const { id } = await createRouter(ctx, router())
  await inTransaction(ctx, async (tx) => {
    await portRow(tx, there)
    const changes = [
      addSecurityGroupRule(ctx, rule(securityGroupId, { portMin: 4000, portMax: 4000 })),
      addRouterInterface(ctx, { id, subnetId }),
      updateNetwork(ctx, { id: networkId, mtu: 1400 }),
    ]
    for (const change of changes)
      expect(await Promise.race([change.then(() => 'done'), sleep(10_000, 'waits')])).toBe('done')
  })
})

it('a port that is made later does not overtake a change of its group', async () => {
  const { ctx, ...there } = await place()
  const order: string[] = []
  const waiting = (count: number) =>
    vi.waitFor(async () => {
      const [row] = await db().$queryRaw<{ count: number }[]>`
        SELECT count(*)::int FROM pg_locks WHERE "locktype" = 'advisory' AND NOT "granted"
          AND "database" = (SELECT "oid" FROM pg_database WHERE "datname" = current_database())`
      expect(row?.count).toBe(count)
    }, 10_000)
  const others: Promise<unknown>[] = []
  let later: Promise<{ id: string }> | undefined
  const first = await inTransaction(ctx, async (tx) => {
    const port = await portRow(tx, there)
    await tx.db.$executeRaw`SET CONSTRAINTS ALL IMMEDIATE`
    const changed = newSecurityGroupRule(ctx, rule(there.web, { portMin: 4001, portMax: 4001 }))
    others.push(changed.then(() => order.push('rule')))
    await waiting(1)
    later = inTransaction(ctx, (tx) => portRow(tx, there))
    others.push(later.then(() => order.push('later')))
    await waiting(2)
    order.push('first')
    return port
  })
  await Promise.all(others)
  // Which of the other two is told first is no proof: their answers come over two connections.
  expect(order[0]).toBe('first')
  expect(await generationOf('port', first.id), 'the rule has seen it').toBe(2)
  expect(await generationOf('port', (await later)?.id ?? ''), 'it came after the rule').toBe(1)
})

it('writes down what hosts have from a version without documents, and as unwanted what is being deleted', async () => {
  const { ctx, networkId, web, data, host } = await place()
  const portId = await newPort(ctx, networkId, { hostId: host.id, groups: [web] })
  const leaving = crypto.randomUUID()
  const its = await newPort(ctx, networkId, { hostId: host.id, groups: [web], instanceId: leaving })
  await db().$executeRaw`
    INSERT INTO "Instance" ("id", "projectId", "userId", "name", "hostname", "flavorId", "flavorName", "vcpus", "memoryMib", "diskGib", "hostId", "taskState")
    VALUES (${leaving}::uuid, 'p', 'u', 'i', 'i', 'f', 'f', 1, 1, 1, ${host.id}::uuid, 'deleting')`
  for (let time = 0; time < 2; time++) {
    await db().hostDocument.deleteMany({
      where: { hostId: host.id, thing: { notIn: time === 0 ? [] : [portId] } },
    })
    await db().$executeRaw`CALL stratolith_fill_documents()`
    const unwanted = await db().hostDocument.findMany({ where: { hostId: host.id, wanted: false } })
    expect(unwanted.map(({ thing }) => thing).sort()).toEqual([leaving, its].sort())
    if (time === 0) expect(await needsOf(host.id)).toEqual([portId, networkId, data].sort())
  }
})

it('tells a guest the names of its groups, also after a change of group or of a group’s name', async () => {
  const { ctx, networkId, web, data, host } = await place()
  const instanceId = crypto.randomUUID()
  const portId = await newPort(ctx, networkId, { hostId: host.id, groups: [web], instanceId })
  await db()
    .$executeRaw`SELECT stratolith_need(ARRAY[${host.id}::uuid], ARRAY['instance'], ARRAY[${instanceId}::uuid])`
  const counted = async (change: Promise<unknown>) => {
    const before = await generationOf('instance', instanceId)
    await change
    return (await generationOf('instance', instanceId)) - before
  }
  expect(await counted(db().portSecurityGroup.create({ data: { portId, groupId: data } }))).toBe(1)
  expect(await counted(db().portSecurityGroup.deleteMany({ where: { portId, groupId: data } }))).toBe(1)
  expect(await counted(db().securityGroup.update({ where: { id: web }, data: { name: 'w' } }))).toBe(1)
  expect(await counted(db().securityGroup.update({ where: { id: data }, data: { name: 'd' } }))).toBe(0)
})
