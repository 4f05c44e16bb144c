import { setTimeout as sleep } from 'node:timers/promises'
import { Prisma } from '@stratolith/db'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inTransaction } from '../kernel/context.ts'
import { testCtx } from '../kernel/testing.ts'
import { bindPort } from './instance-ports.ts'
import { createNetwork } from './networks/service.ts'
import { addSecurityGroupRule, createSecurityGroup } from './security-groups/service.ts'
import { addPlane, type Cloud, network, newPort, rule, testCloud } from './testing.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud()
})
afterAll(() => cloud.close())
const db = () => cloud.deps.root

/** A network, and two groups of which each names the other one. */
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

it('counts once a transaction, however much it changes', async () => {
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

it('counts what a savepoint has changed, and not what it has taken back', async () => {
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

it('finds what a port needs, whether it is bound first or its member first', async () => {
  const { ctx, networkId, web, data, host } = await place()
  const portId = await newPort(ctx, networkId, { hostId: host.id, groups: [web] })
  expect(await needsOf(host.id)).toEqual([portId, networkId, data].sort())
  // Another group, beside another change of the same port; and one that is bound with its memberships.
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

it('takes off all hosts in one order, whatever the order in which they came to need it', async () => {
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
