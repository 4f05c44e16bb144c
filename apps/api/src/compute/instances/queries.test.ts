import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, queriesOf, runPending, testCtx } from '../../kernel/testing.ts'
import { instanceListInput } from '../contract.ts'
import { aLaunch, testTenant, testWorld, type World } from '../testing.ts'
import { launchInstances } from './launch.ts'
import { listServers } from './server-list.ts'
import { listInstances } from './service.ts'

let world: World
beforeAll(async () => {
  world = await testWorld()
})
afterAll(() => world.close())

const list = (ctx: Ctx, over: object = {}) => listInstances(ctx, instanceListInput.parse(over))
const names = async (ctx: Ctx, over: object = {}) =>
  (await list(ctx, over)).items.map(({ name }) => name).sort()

async function manyInstances(count: number) {
  const me = await testTenant(world)
  const base = {
    projectId: me.projectId,
    userId: me.actor.userId,
    hostname: 'h',
    flavorId: '1',
    flavorName: 'f',
  }
  const more = { vcpus: 1, memoryMib: 1, diskGib: 1, vmState: 'active', taskState: null }
  await world.deps.root.instance.createMany({
    data: Array.from({ length: count }, (_, i) => ({
      ...{ ...base, ...more, id: crypto.randomUUID(), name: `i-${String(i).padStart(4, '0')}` },
    })),
  })
  return me
}

describe('the 1,001st instance', () => {
  const last = 'i-1000'
  test('is in the lists of the portal and of OpenStack, and costs as many queries as the first', async () => {
    const me = await manyInstances(1_001)
    const input = { sort: 'name', limit: 1_000 }
    const first = await list(me, input)
    expect(first).toMatchObject({ first: 1, total: 1_000, atLeast: true, previous: null })
    const second = await list(me, { ...input, marker: first.next })
    expect(second).toMatchObject({ items: [{ name: last }], first: null, next: null })
    expect((await list(me, { ...input, marker: second.previous })).items.at(-1)?.name).toBe('i-0999')

    const asked = { wished: [{ key: 'display_name', dir: 'asc' }], limit: 1_000 } as const
    const page = await listServers(me, asked, false)
    expect(page.more).toBe(true)
    const rest = await listServers(me, { ...asked, marker: page.servers.at(-1)?.row.id }, false)
    expect([rest.servers.map(({ row }) => row.name), rest.more]).toEqual([[last], false])

    const half = (await list(me, { sort: 'name', limit: 500 })).next
    const queries = (limit: number) => queriesOf(() => list(me, { sort: 'name', limit, marker: half }))
    expect(await queries(500)).toBe(await queries(1))
  })
})

describe('filters of a list of instances', () => {
  test('parts of names, beginnings of ids, and addresses, fixed and floating, find instances', async () => {
    const me = await testTenant(world)
    const { instances } = await launchInstances(me, aLaunch(world, { name: 'search-me', count: 2 }))
    await runPending(world.deps)
    const view = (await list(me)).items.find(({ name }) => name === 'search-me-1')
    const [id, address] = [view?.id ?? '', view?.addresses[0]?.address ?? '']
    expect(instances).toHaveLength(2)
    const one = ['search-me-1']
    expect(await names(me, { search: 'EARCH-ME-1' })).toEqual(one)
    for (const search of [id, id.toUpperCase(), id.slice(0, 13), id.slice(0, 9)])
      expect([search, await names(me, { search })]).toEqual([search, one])
    expect(await names(me, { search: address })).toContain('search-me-1')
    expect(await names(me, { search: address.slice(0, address.lastIndexOf('.') + 1) })).toHaveLength(2)
    expect(await names(me, { search: '203.0.113.' })).toEqual([])
    expect(await names(me, { search: '10.%' })).toEqual([])
    // Another project finds none of these instances.
    const other = await testTenant(world)
    for (const search of [id, address]) expect(await names(other, { search })).not.toContain('search-me-1')
  })

  test('a network and tags find instances', async () => {
    const me = await testTenant(world)
    await launchInstances(me, aLaunch(world, { name: 'tagged', tags: ['blue', 'green'] }))
    await launchInstances(me, aLaunch(world, { name: 'plain' }))
    expect(await names(me, { networkId: me.networkId })).toEqual(['plain', 'tagged'])
    expect(await names(me, { networkId: crypto.randomUUID() })).toEqual([])
    expect(await names(me, { tags: ['blue'] })).toEqual(['tagged'])
    expect(await names(me, { tags: ['blue', 'red'] })).toEqual([])
    await runPending(world.deps)
  })

  test('only administrators learn which instances share a host', async () => {
    const me = await testTenant(world)
    const admin = await testCtx(world.deps, { role: 'admin' })
    for (const over of [{ sort: 'host' }, { hostId: crypto.randomUUID() }])
      await expectCloudError(list(me, over), 'forbidden')
    expect((await list(admin, { sort: '-host', allProjects: true, limit: 1 })).items).toHaveLength(1)
    await expectCloudError(list(me, { sort: 'adminPass' }), 'invalid_input')
  })
})
