import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { queriesOf } from '../../kernel/testing.ts'
import { ask, closeNova, cloud, create, names, openNova } from './nova.testing.ts'

beforeAll(openNova)
afterAll(closeNova)

const db = () => cloud.owner.deps.root
/** Sets the limit of a resource to the present use and `more`. */
async function allow(resource: string, more: number): Promise<void> {
  const { projectId } = cloud.owner
  const usage = await db().quotaUsage.findFirst({ where: { projectId, resource } })
  const limit = (usage?.used ?? 0) + more
  await db().quotaLimit.upsert({
    where: { projectId_resource: { projectId, resource } },
    create: { projectId, resource, limit },
    update: { limit },
  })
}
/** Leaves room for this many instances of the smallest flavor on each host. */
async function leaveRoom(forEach: number): Promise<void> {
  for (const { id, vcpusUsed } of await db().host.findMany())
    await db().host.update({
      where: { id },
      data: { vcpus: vcpusUsed + forEach, memoryMib: 10_000_000, diskGib: 100_000 },
    })
}
beforeEach(async () => {
  await db().quotaLimit.deleteMany()
  for (const resource of ['instances', 'vcpus', 'memoryMib', 'ports']) await allow(resource, 100_000)
  await leaveRoom(1_000)
})

async function several(name: string, counts: { min_count?: number; max_count?: number }) {
  let answer: Awaited<ReturnType<typeof create>> | undefined
  const statements = await queriesOf(async () => {
    answer = await create({ name, ...counts })
  })
  const made = names(await ask('GET', `/servers?name=^${name}`)).sort()
  return { status: answer?.statusCode, body: answer?.json(), made, statements }
}

test('as many servers are made as the quota allows', async () => {
  await allow('instances', 3)
  expect(await several('quota', { min_count: 2, max_count: 5 })).toMatchObject({
    status: 202,
    made: ['quota-1', 'quota-2', 'quota-3'],
  })
})

test('two launches at the same moment share the quota', async () => {
  await allow('instances', 6)
  const answers = await Promise.all(
    ['one', 'two'].map((name) => create({ name: `both-${name}`, max_count: 5 })),
  )
  expect(answers.map((answer) => answer.statusCode)).toEqual([202, 202])
  expect(names(await ask('GET', '/servers?name=^both'))).toHaveLength(6)
})

test('as many servers are made as the hosts have room for, and a single server has no number', async () => {
  await leaveRoom(0)
  const [host] = await db().host.findMany({ where: { state: 'up', enabled: true } })
  await db().host.update({ where: { id: host?.id ?? '' }, data: { vcpus: (host?.vcpusUsed ?? 0) + 1 } })
  expect(await several('room', { max_count: 4 })).toMatchObject({ status: 202, made: ['room'] })
})

test('as many servers are made as there are addresses', async () => {
  const body = async (path: string, payload: object) =>
    (
      await cloud.app.inject({
        method: 'POST',
        url: `/network/v2.0${path}`,
        headers: { 'x-auth-token': cloud.tokens.ownerMember },
        payload,
      })
    ).json() as Record<string, { id: string }>
  const { network } = await body('/networks', { network: { name: 'small' } })
  await body('/subnets', { subnet: { network_id: network?.id, ip_version: 4, cidr: '10.9.0.0/29' } })
  const answer = await create({ name: 'few', max_count: 9, networks: [{ uuid: network?.id }] })
  // The addresses of the gateway and of the DHCP server are not free.
  expect([answer.statusCode, names(await ask('GET', '/servers?name=^few')).length]).toEqual([202, 4])
})

test('min_count above the quota is refused; min_count above the room makes servers in error', async () => {
  await allow('instances', 1)
  const quota = await several('none', { min_count: 2, max_count: 5 })
  expect(quota).toMatchObject({ status: 403, made: [] })
  expect(quota.body).toMatchObject({
    forbidden: { code: 403, message: expect.stringContaining('this needs 2 more instances') },
  })
  await allow('instances', 100)
  await leaveRoom(0)
  const room = await several('none', { min_count: 2, max_count: 5 })
  expect(room).toMatchObject({ status: 202, made: ['none-1', 'none-2'] })
  expect(names(await ask('GET', '/servers?name=^none&status=ERROR'))).toHaveLength(2)
})

test('the number is decided once: many servers cost as many statements as one', async () => {
  const one = await several('warm', { max_count: 1 })
  const single = await several('single', { max_count: 1 })
  await allow('instances', 7)
  const many = await several('lots', { max_count: 20 })
  expect([one.status, single.status, many.status, many.made.length]).toEqual([202, 202, 202, 7])
  expect(many.statements).toBeLessThanOrEqual(single.statements + 2)
})
