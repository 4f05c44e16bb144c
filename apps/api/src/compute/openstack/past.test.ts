import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { queriesOf } from '../../kernel/testing.ts'
import { aServer } from '../instances/testing.openstack.ts'
import { ask, closeNova, cloud, names, openNova } from './nova.testing.ts'

/** Lists of deleted things are paged: nothing is left out without a word. */

const count = 25
/** When a past instance number `i` began and ended; several in one millisecond. */
const at = (i: number) => `2026-01-01T00:00:00.00${Math.floor(i / 10)}${String(100 + i)}Z`
beforeAll(async () => {
  await openNova()
  const { projectId, userId } = cloud.owner
  for (let i = 0; i < count; i++)
    await cloud.world.deps.root.$executeRaw`
      INSERT INTO "PastInstance" ("id", "projectId", "userId", "name", "hostname", "flavorId", "flavorName", "vcpus",
        "memoryMib", "diskGib", "tags", "createdAt", "launchedAt", "terminatedAt")
      VALUES (gen_random_uuid(), ${projectId}, ${userId}, ${`past-${String(i).padStart(2, '0')}`}, 'h', '1', 'small', 1, 64, 1,
        ${i % 2 === 0 ? ['even'] : []}, ${at(i)}::timestamptz, ${at(i)}::timestamptz,
        ${at(i)}::timestamptz + interval '1 hour')`
})
afterAll(closeNova)

type Links = { rel: string; href: string }[]
/** Reads a whole list by following the links, page by page, as clients do. */
async function pages(
  path: string,
  key: string,
  links: string,
  minor: number,
  who: keyof typeof cloud.tokens = 'admin',
) {
  const found: unknown[][] = []
  for (let next: string | null = path; next !== null; ) {
    const answer = await ask('GET', next, { token: cloud.tokens[who], minor })
    expect([next, answer.statusCode]).toEqual([next, 200])
    const body = answer.json() as Record<string, unknown>
    found.push(body[key] as unknown[])
    const href = (body[links] as Links | undefined)?.find((link) => link.rel === 'next')?.href
    next = href ? href.slice(href.indexOf('/v2.1') + '/v2.1'.length) : null
    expect(found.length, 'it ends').toBeLessThan(20)
  }
  return found
}
const past = (path: string) =>
  pages(`/servers?deleted=True&all_tenants=1&name=past-${path}`, 'servers', 'servers_links', 1)
const named = (found: unknown[][]) => found.flat().map((server) => (server as { name: string }).name)
const all = Array.from({ length: count }, (_, i) => `past-${String(i).padStart(2, '0')}`)

describe('deleted servers', () => {
  test('come by pages, last deleted first, none twice and none left out', async () => {
    const found = await past('&limit=10')
    expect(found.map((page) => page.length)).toEqual([10, 10, 5])
    expect(named(found)).toEqual(all.toReversed())
  })
  test('are sorted as asked, page by page', async () => {
    expect(named(await past('&limit=7&sort_key=display_name&sort_dir=asc'))).toEqual(all)
    expect(named(await past('&limit=7&sort_key=created_at&sort_dir=asc'))).toEqual(all)
  })
  test('are filtered by the facts that are kept, and never found by states that they cannot have', async () => {
    const get = async (query: string) =>
      names(
        await ask('GET', `/servers?deleted=True&all_tenants=1&${query}`, {
          token: cloud.tokens.admin,
          minor: 26,
        }),
      ).length
    expect(await get('name=past-&tags=even')).toBe(13)
    expect(await get('name=past-&not-tags=even')).toBe(12)
    expect(await get('name=past-&status=DELETED')).toBe(count)
    for (const none of ['status=ACTIVE', 'host=nowhere', 'task_state=deleting', 'vm_state=active'])
      expect([none, await get(`name=past-&${none}`)]).toEqual([none, 0])
  })
  test('need a deleted server as marker; an expression or an address is refused with the reason', async () => {
    const live = await aServer(cloud.owner, { name: 'alive' })
    for (const [query, said] of [
      [`marker=${live}`, /not found/],
      ['marker=x', /not found/],
      ['name=^past', /by words/],
      ['ip=10.0', /no addresses/],
    ] as const) {
      const answer = await ask('GET', `/servers?deleted=True&${query}`, { token: cloud.tokens.admin })
      expect([answer.statusCode, answer.body]).toEqual([400, expect.stringMatching(said)])
    }
  })
  test('come first in a list of changes since a time, for everybody, page by page', async () => {
    const live = [
      await aServer(cloud.owner, { name: 'live-a' }),
      await aServer(cloud.owner, { name: 'live-b' }),
    ]
    const since = 'changes-since=2026-01-01T01:00:00.001000Z'
    const found = (
      await pages(`/servers?${since}&limit=7`, 'servers', 'servers_links', 1, 'ownerReader')
    ).map((page) => named([page]))
    expect(found.flat().slice(0, 15)).toEqual(all.slice(10).toReversed())
    expect(found.flat().slice(15).sort()).toEqual(['alive', 'live-a', 'live-b'])
    expect(found.map((page) => page.length)).toEqual([7, 7, 4])
    const get = async (query: string) => names(await ask('GET', `/servers?${since}&${query}`, { minor: 26 }))
    expect(await get('status=ACTIVE')).not.toContain('past-20')
    expect(await get(`uuid=${live[0]}`)).toEqual(['live-a'])
    expect(await get('tags=even')).toHaveLength(8)
    const other = await ask('GET', `/servers?${since}`, { token: cloud.tokens.stranger })
    expect([other.statusCode, names(other)]).toEqual([200, []])
  })
  test('cost the same number of queries whatever the page', async () => {
    const cost = (limit: number) =>
      queriesOf(() =>
        ask('GET', `/servers/detail?deleted=True&all_tenants=1&limit=${limit}`, {
          token: cloud.tokens.admin,
        }),
      )
    await cost(1)
    expect(await cost(20)).toBe(await cost(2))
  })
})

describe('usage', () => {
  test('of a running server ends now, whatever end is asked for', async () => {
    const id = await aServer(cloud.owner, { name: 'running' })
    const end = new Date(Date.now() + 86_400_000).toISOString().slice(0, 19)
    const path = `/os-simple-tenant-usage/${cloud.owner.projectId}?start=2026-01-01T00:00:00&end=${end}`
    const { tenant_usage: usage } = (await ask('GET', path, { minor: 39 })).json() as {
      tenant_usage: { server_usages: { instance_id: string; hours: number }[] }
    }
    expect(usage.server_usages.find((one) => one.instance_id === id)?.hours).toBeLessThan(0.5)
  })

  const span = '&start=2026-01-01T00:00:00&end=2026-01-01T01:00:00'
  type Tenant = { tenant_id: string; server_usages: { name: string }[] }
  test('is paged, also when several servers began in one millisecond', async () => {
    const found = (
      await pages(
        `/os-simple-tenant-usage?detailed=1&limit=7${span}`,
        'tenant_usages',
        'tenant_usages_links',
        40,
      )
    ).map((page) => (page as Tenant[]).flatMap((tenant) => tenant.server_usages.map((usage) => usage.name)))
    expect(found.map((page) => page.length)).toEqual([7, 7, 7, 4])
    expect(found.flat()).toEqual(all)
  })
  test('of one project has no pages before 2.40; an unknown marker is refused', async () => {
    const path = `/os-simple-tenant-usage/${cloud.owner.projectId}?x=1${span}`
    const whole = (await ask('GET', path, { minor: 39 })).json() as { tenant_usage: Tenant }
    expect(whole.tenant_usage.server_usages.map((usage) => usage.name)).toEqual(all)
    for (const marker of ['x', crypto.randomUUID()])
      expect((await ask('GET', `${path}&marker=${marker}`, { minor: 40 })).statusCode).toBe(400)
  })
})
