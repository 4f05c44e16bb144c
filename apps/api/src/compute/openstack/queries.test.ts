import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lockInstance } from '../instances/actions.ts'
import { aServer } from '../instances/testing.openstack.ts'
import { ask, closeNova, cloud, names, openNova } from './nova.testing.ts'
import { serverFilters } from './server-filters.ts'

/** Queries of lists, and the answers of Nova to parameters that it does not know. */
let id: string
beforeAll(async () => {
  await openNova()
  id = await aServer(cloud.owner, { name: 'only', accessIpv4: '192.0.2.7' })
})
afterAll(closeNova)

const found = async (query: string, minor = 79) => names(await ask('GET', `/servers?${query}`, { minor }))

describe('servers', () => {
  test('are filtered in the first microversion by every filter but those of later microversions', async () => {
    for (const [name, value] of Object.entries(serverFilters).filter(([n]) => !/^tags|ip6/.test(n)))
      expect([name, await found(`${name}=${encodeURIComponent(value)}`, 1)]).toEqual([name, []])
  })

  test('are found by their properties', async () => {
    const row = await cloud.world.deps.root.instance.findUniqueOrThrow({ where: { id } })
    const created = row.createdAt.toISOString()
    for (const query of [
      'progress=0',
      'kernel_id=',
      'root_device_name=/dev/vda',
      'access_ip_v4=192.0.2.7',
      'display_name=^on',
      `created_at=${created.slice(0, 10)}`,
      `created_at=${created.slice(0, 19)}Z`,
      `launched_at=${(row.launchedAt ?? row.createdAt).toISOString().replace('Z', '000')}`,
      'config_drive=False',
      `project_id=${cloud.owner.projectId}`,
      'locked=false',
    ])
      expect([query, await found(query)]).toEqual([query, ['only']])
  })

  test('are found by the person who has locked them', async () => {
    await lockInstance(cloud.owner.ctx, { id, reason: null })
    expect([await found('locked_by=owner'), await found('locked_by=admin')]).toEqual([['only'], []])
    expect(await found('locked_by=owner&locked=false')).toEqual([])
  })

  test.each(['metadata', 'block_device_mapping', 'pci_devices', '_sa_instance_state'])(
    'are not filtered by %s, which is no column',
    async (name) => {
      const answer = await ask('GET', `/servers?${name}=x`)
      expect([answer.statusCode, answer.body]).toEqual([
        400,
        expect.stringContaining(`Invalid filter field: ${name}.`),
      ])
    },
  )

  test('are not listed after a marker that is no server', async () => {
    for (const marker of ['nope', '-'.repeat(36), crypto.randomUUID()])
      for (const more of ['', '&changes-since=2026-01-01', '&deleted=true'])
        expect([
          marker,
          more,
          (await ask('GET', `/servers?marker=${marker}${more}`, { token: cloud.tokens.admin })).statusCode,
        ]).toEqual([marker, more, 400])
  })

  test('are not filtered by more values than the limit: no value is dropped', async () => {
    const tags = (count: number) => Array.from({ length: count }, (_, i) => `t${i}`).join(',')
    for (const name of ['tags', 'tags-any', 'not-tags', 'not-tags-any']) {
      const status = async (count: number) =>
        (await ask('GET', `/servers?${name}=${tags(count)}`, { minor: 79 })).statusCode
      expect([name, await status(50), await status(51)]).toEqual([name, 200, 400])
    }
    const properties = (count: number) =>
      Array.from({ length: count }, (_, i) => `property-p${i}=v`).join('&')
    const images = async (count: number) => (await ask('GET', `/images?${properties(count)}`)).statusCode
    expect([await images(20), await images(21)]).toEqual([200, 400])
  })

  test('are not filtered by an impossible span of time', async () => {
    const query = 'changes-since=2026-01-02T00:00:00Z&changes-before=2026-01-01T00:00:00Z'
    expect((await ask('GET', `/servers?${query}`, { minor: 66 })).statusCode).toBe(400)
  })
})

test.each([
  ['/flavors', 75],
  ['/flavors/detail', 75],
  ['/os-keypairs', 75],
  ['/os-server-groups', 75],
  ['/limits', 75],
  ['/os-services', 75],
  ['/os-hypervisors', 53],
  ['/os-simple-tenant-usage', 75],
  ['/servers', 75],
])('%s refuses unknown parameters since 2.%i', async (path, since) => {
  const status = async (minor: number) =>
    (await ask('GET', `${path}?nonsense=1`, { minor, token: cloud.tokens.admin })).statusCode
  expect([await status(since - 1), await status(since)]).toEqual([200, 400])
})
