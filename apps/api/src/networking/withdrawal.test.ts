import { DriverError } from '@stratolith/drivers/errors'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { deliver } from '../hosts/documents.ts'
import { withdrawFrom } from '../hosts/withdrawal.ts'
import { inTransaction } from '../kernel/context.ts'
import { plainOp } from '../kernel/hosts.ts'
import { runPending, testCtx } from '../kernel/testing.ts'
import { starterNetwork, updateNetwork } from './networks/service.ts'
import { deletePortRows } from './ports/rows.ts'
import { addSecurityGroupRule, createSecurityGroup } from './security-groups/service.ts'
import { addPlane, type Cloud, newPort, rule, type Tenant, testCloud } from './testing.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud()
})
afterAll(() => cloud.close())
const db = () => cloud.deps.root
const tell = (id: string) => deliver(cloud.system, plainOp(cloud.system), id)
type Place = Awaited<ReturnType<typeof addPlane>>
const has = ({ plane: { state } }: Place) =>
  [state.networks, state.routers, state.sets, state.ports].map((map) => map.size)
/** The external network stays on the host, because everybody uses it. */
const theExternal = [1, 0, 0, 0]

/** Makes a guest's port on each of two hosts, with a way out and a rule that names the port's group. */
async function twoHosts() {
  const ctx: Tenant = await testCtx(cloud.deps)
  const { id: networkId } = await starterNetwork(ctx, { name: 'net' })
  const { id: group } = await createSecurityGroup(ctx, { name: 'web', description: '' })
  await addSecurityGroupRule(ctx, rule(group, { remoteGroupId: group }))
  await runPending(cloud.deps)
  const hosts = [await addPlane(cloud), await addPlane(cloud)] as const
  const plug = async (host: Place) => {
    const id = await newPort(ctx, networkId, { hostId: host.id, groups: [group] })
    await tell(host.id)
    return id
  }
  const remove = (id: string) => inTransaction(cloud.system, (tx) => deletePortRows(tx, [id]))
  return { ctx, networkId, hosts, plug, remove }
}

it('withdraws some time later what the last port has left, and brings it back with the next port', async () => {
  const {
    ctx,
    networkId,
    hosts: [host, other],
    plug,
    remove,
  } = await twoHosts()
  const ports = [await plug(host), await plug(other)] as const
  const whole = has(host)
  expect(whole).toEqual([2, 1, 1, 1])
  await remove(ports[0])
  await tell(host.id)
  await withdrawFrom(cloud.system, host.id)
  await tell(host.id)
  expect(has(host), 'the next guest may come soon').toEqual([2, 1, 1, 0])
  await withdrawFrom(cloud.system, host.id, 0)
  await withdrawFrom(cloud.system, other.id, 0)
  await tell(host.id)
  await tell(other.id)
  expect(has(host)).toEqual(theExternal)
  expect(has(other)).toEqual(whole)

  await updateNetwork(ctx, { id: networkId, mtu: 1300 })
  expect(await tell(host.id), 'it hears of the network no more').toEqual([])
  await plug(host)
  expect(has(host)).toEqual(whole)
})

it('a thing that comes back has a newer generation than the host has heard, even when nothing has changed', async () => {
  const {
    networkId,
    hosts: [host],
    plug,
    remove,
  } = await twoHosts()
  await remove(await plug(host))
  await tell(host.id)
  await withdrawFrom(cloud.system, host.id, 0)
  const heard = (await tell(host.id)).find((one) => one.id === networkId)
  expect(heard).toMatchObject({ outcome: 'reached' })
  await plug(host)
  const now = await db().document.findUniqueOrThrow({
    where: { kind_thing: { kind: 'network', thing: networkId } },
  })
  expect(Number(now.generation)).toBeGreaterThan(heard?.generation ?? 0)
  expect(await db().hostDocument.count({ where: { hostId: host.id, kind: { startsWith: 'gone ' } } })).toBe(0)
})

it('a thing that comes back has a newer generation also for a launch that waited while the removal was written down', async () => {
  const {
    ctx,
    networkId,
    hosts: [host],
    plug,
    remove,
  } = await twoHosts()
  await remove(await plug(host))
  await tell(host.id)
  await withdrawFrom(cloud.system, host.id, 0)
  const generation = async () =>
    (await db().document.findFirstOrThrow({ where: { kind: 'network', thing: networkId } })).generation
  const before = await generation()
  const noting = new pg.Client({ connectionString: cloud.deps.config.databaseUrl })
  await noting.connect()
  const its = [host.id, networkId]
  await noting.query('BEGIN')
  await noting.query(
    `WITH gone AS (DELETE FROM "HostDocument" WHERE "hostId" = $1 AND "kind" = 'network' AND "thing" = $2 RETURNING *)
     INSERT INTO "HostDocument" ("hostId", "kind", "thing", "wanted", "confirmed", "dueAt")
     SELECT "hostId", 'gone network', "thing", false, $3, NULL FROM gone`,
    [...its, before],
  )
  const launch = newPort(ctx, networkId, { hostId: host.id })
  await expect
    .poll(() => db().$queryRaw`SELECT 1 FROM pg_stat_activity WHERE "wait_event_type" = 'Lock'`)
    .not.toEqual([])
  await noting.query('COMMIT')
  await noting.end()
  await launch
  expect(await generation()).toBeGreaterThan(before)
  const rows = await db().hostDocument.findMany({ where: { hostId: host.id, thing: networkId } })
  expect(rows).toMatchObject([{ kind: 'network', wanted: true }])
})

it('leaves a thing that came to be needed meanwhile', async () => {
  const {
    networkId,
    hosts: [host],
    plug,
    remove,
  } = await twoHosts()
  await remove(await plug(host))
  await tell(host.id)
  await plug(host)
  const [{ done } = { done: true }] = await db().$queryRaw<{ done: boolean }[]>`
    SELECT stratolith_withdraw(${host.id}::uuid, 'network', ${networkId}::uuid) AS "done"`
  expect(done).toBe(false)
  await tell(host.id)
  expect(has(host)).toEqual([2, 1, 1, 1])
})

it('leaves a host alone that has things which no row knows, or that does not answer', async () => {
  const {
    hosts: [host],
    plug,
    remove,
  } = await twoHosts()
  await remove(await plug(host))
  await tell(host.id)
  const wanted = () =>
    db().hostDocument.count({ where: { hostId: host.id, wanted: true, kind: { not: 'instance' } } })
  const before = await wanted()
  await db().stray.create({ data: { hostId: host.id, kind: 'port', thing: crypto.randomUUID() } })
  await withdrawFrom(cloud.system, host.id, 0)
  expect(await wanted()).toBe(before)
  await db().stray.deleteMany({ where: { hostId: host.id } })
  await db().host.update({ where: { id: host.id }, data: { state: 'down' } })
  await withdrawFrom(cloud.system, host.id, 0)
  expect(await wanted()).toBe(before)
  await db().host.update({ where: { id: host.id }, data: { state: 'up' } })
  await withdrawFrom(cloud.system, host.id, 0)
  expect(await wanted(), 'the external network').toBe(1)
})

it('a thing that cannot be withdrawn is no error of the network', async () => {
  const {
    ctx,
    networkId,
    hosts: [host, other],
    plug,
    remove,
  } = await twoHosts()
  await plug(other)
  await remove(await plug(host))
  await tell(host.id)
  await withdrawFrom(cloud.system, host.id, 0)
  host.plane.failNext('removeNetwork', new DriverError('failed', 'It is stuck.'))
  await tell(host.id)
  await updateNetwork(ctx, { id: networkId, mtu: 1300 })
  await runPending(cloud.deps)
  expect(await db().network.findUniqueOrThrow({ where: { id: networkId } })).toMatchObject({
    state: 'active',
    mtu: 1300,
  })
})
