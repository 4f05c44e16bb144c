import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FacadeWorld, facadeWorld } from '../../facade.testing.ts'
import { queriesOf } from '../../kernel/testing.ts'

let cloud: FacadeWorld
const ids: string[] = []
beforeAll(async () => {
  cloud = await facadeWorld()
  const bulk = Array.from({ length: 5 }, (_, i) => ({
    name: `list-${i % 2}`,
    description: String.fromCharCode(101 - i),
    admin_state_up: i !== 4,
  }))
  const answer = await send('POST', '/networks', { networks: bulk })
  expect(answer.statusCode, answer.body).toBe(201)
  for (const network of answer.json().networks) ids.push(network.id)
})
afterAll(() => cloud.close())

const send = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object, token?: string) =>
  cloud.app.inject({
    method,
    url: `/network/v2.0${path}`,
    headers: {
      'x-auth-token': token ?? cloud.tokens.ownerMember,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { payload: JSON.stringify(body) } : {}),
  })
const names = 'name=list-0&name=list-1'
async function networks(query: string): Promise<{ id: string; name: string; description: string }[]> {
  const answer = await send('GET', `/networks?${query}`)
  expect(answer.statusCode, answer.body).toBe(200)
  return answer.json().networks
}
const sorted = (list: string[]) => [...list].sort()

describe('a list', () => {
  it('is filtered by any attribute; one of the given values is enough', async () => {
    expect((await networks(names)).map((n) => n.id).sort()).toEqual(sorted(ids))
    expect(await networks('name=list-1')).toHaveLength(2)
    expect(await networks(`${names}&admin_state_up=False`)).toHaveLength(1)
    expect(await networks(`id=${ids[0]}&id=${ids[1]}&id=nonsense`)).toHaveLength(2)
    expect(await networks(`${names}&status=ACTIVE&shared=false&router:external=0`)).toHaveLength(5)
    expect(await networks(`${names}&tenant_id=${cloud.stranger.projectId}`)).toEqual([])
  })

  it('shows the fields that were asked for', async () => {
    const [first] = await networks(`${names}&fields=id&fields=name`)
    expect(Object.keys(first ?? {})).toEqual(['id', 'name'])
  })

  it('is sorted by keys with their directions', async () => {
    const byTwo = await networks(`${names}&sort_key=name&sort_dir=desc&sort_key=description&sort_dir=asc`)
    expect(byTwo.map((n) => n.name + n.description)).toEqual([
      'list-1b',
      'list-1d',
      'list-0a',
      'list-0c',
      'list-0e',
    ])
  })

  it('comes in pages, forwards and backwards, by its own links', async () => {
    const seen: string[] = []
    let url = `/network/v2.0/networks?${names}&limit=2`
    for (let page = 0; page < 3; page++) {
      const answer = (await get(url)).json()
      seen.push(...answer.networks.map((n: { id: string }) => n.id))
      url = linkOf(answer, 'next') ?? ''
    }
    expect(url).toBe('')
    expect(seen).toEqual(sorted(ids))
    const back = await send('GET', `/networks?${names}&limit=2&page_reverse=True&marker=${seen[4]}`)
    expect(back.json().networks.map((n: { id: string }) => n.id)).toEqual(seen.slice(2, 4))
    const before = await get(linkOf(back.json(), 'previous') ?? '')
    expect(before.json().networks.map((n: { id: string }) => n.id)).toEqual(seen.slice(0, 2))
  })

  it('refuses what it does not understand', async () => {
    for (const query of ['bogus=1', 'limit=-1', 'sort_key=bogus', 'sort_dir=asc', 'admin_state_up=maybe'])
      expect((await send('GET', `/networks?${query}`)).statusCode, query).toBe(400)
    expect((await send('GET', '/networks?sort_key=name&sort_dir=up')).statusCode).toBe(400)
    const gone = await send('GET', `/networks?limit=1&marker=${crypto.randomUUID()}`)
    expect([gone.statusCode, gone.json().NeutronError.type]).toEqual([404, 'NetworkNotFound'])
  })

  it('is filtered by tags in four ways', async () => {
    await send('PUT', `/networks/${ids[0]}/tags`, { tags: ['red', 'blue'] })
    await send('PUT', `/networks/${ids[1]}/tags/red`)
    const found = async (query: string) => (await networks(`${names}&${query}`)).map((n) => n.id).sort()
    expect(await found('tags=red,blue')).toEqual([ids[0]])
    expect(await found('tags-any=red,blue')).toEqual(sorted(ids.slice(0, 2)))
    expect(await found('not-tags=red,blue')).toEqual(sorted(ids.slice(1)))
    expect(await found('not-tags-any=red')).toEqual(sorted(ids.slice(2)))
  })

  it('of ports is found by addresses', async () => {
    const { networkId } = cloud.owner
    const port = (await send('POST', '/ports', { port: { network_id: networkId } })).json().port
    const [{ ip_address: address, subnet_id: subnetId }] = port.fixed_ips
    const found = async (query: string) =>
      (await send('GET', `/ports?${query}`)).json().ports.map((p: { id: string }) => p.id)
    expect(await found(`fixed_ips=ip_address=${address}`)).toEqual([port.id])
    expect(await found(`fixed_ips=ip_address_substr=${address.slice(1)}&network_id=${networkId}`)).toContain(
      port.id,
    )
    expect(await found(`fixed_ips=ip_address=${address}&fixed_ips=subnet_id=${subnetId}`)).toEqual([port.id])
    expect(await found(`fixed_ips=ip_address=${address}&fixed_ips=subnet_id=${crypto.randomUUID()}`)).toEqual(
      [],
    )
    expect(await found(`security_groups=${port.security_groups[0]}`)).toContain(port.id)
  })

  it.each(['networks', 'subnets', 'ports', 'security-groups', 'security-group-rules'])(
    'of %s takes as many queries for many rows as for one',
    async (path) => {
      const asked = async (limit: number) => {
        let rows: unknown[] = []
        const count = await queriesOf(async () => {
          rows = Object.values((await send('GET', `/${path}?limit=${limit}`)).json())[0] as unknown[]
        })
        return { count, rows: rows.length }
      }
      await send('POST', '/ports', { port: { network_id: cloud.owner.networkId } })
      await send('POST', '/ports', { port: { network_id: cloud.owner.networkId } })
      await send('POST', '/security-groups', { security_group: { name: path } })
      await send('POST', '/subnets', { subnet: { network_id: ids[2], cidr: '10.80.0.0/24', ip_version: 4 } })
      await asked(1) // The first request of a process makes queries that later ones do not need; it is not counted.
      const [one, many] = [await asked(1), await asked(1000)]
      expect(one.rows).toBe(1)
      expect(many.rows).toBeGreaterThan(1)
      expect(one.count).toBeGreaterThan(1)
      expect(many.count).toBe(one.count)
    },
  )
})

const get = (url: string) =>
  cloud.app.inject({
    url: url.replace('http://cloud.test', ''),
    headers: { 'x-auth-token': cloud.tokens.ownerMember },
  })
const linkOf = (answer: { networks_links?: { rel: string; href: string }[] }, rel: string) =>
  answer.networks_links?.find((link) => link.rel === rel)?.href
