import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { networkCreateInput } from '../../networking/contract.ts'
import { createNetwork } from '../../networking/networks/service.ts'
import { createSecurityGroup } from '../../networking/security-groups/service.ts'
import { flavorCreateInput } from '../contract.ts'
import { createFlavor } from '../flavors/service.ts'
import { ask, closeNova, cloud, create, idOf, openNova, server } from './nova.testing.ts'

/** Every wish in a request is carried out or refused, and a refusal has Nova's code and words. */
beforeAll(openNova)
afterAll(closeNova)

const message = (answer: Awaited<ReturnType<typeof ask>>) =>
  (Object.values(answer.json() as object)[0] as { message: string }).message
const shown = async (id: string) =>
  ((await ask('GET', `/servers/${id}`, { minor: 79 })).json() as { server: Record<string, unknown> }).server

describe('a launch', () => {
  test('without networks, in a project without networks, makes a server without a network before 2.37', async () => {
    const { stranger, tokens, world } = cloud
    const network = { where: { id: stranger.networkId } }
    await world.deps.root.network.update({ ...network, data: { projectId: 'elsewhere' } })
    try {
      for (const [networks, minor, status] of [
        [undefined, 36, 202],
        [[], 1, 202],
        ['auto', 37, 400],
      ] as const) {
        const body = server({ networks })
        const answer = await ask('POST', '/servers', { token: tokens.stranger, minor, body })
        expect([minor, answer.statusCode, answer.body]).toEqual([minor, status, expect.anything()])
      }
      await stranger.settle()
      const list = await ask('GET', '/servers/detail', { token: tokens.stranger })
      expect(list.json()).toMatchObject({
        servers: [
          { status: 'ACTIVE', addresses: {} },
          { status: 'ACTIVE', addresses: {} },
        ],
      })
    } finally {
      await world.deps.root.network.update({ ...network, data: { projectId: stranger.projectId } })
    }
  })

  test('that finds no host makes a server in error with the reason, which uses only quota until deleted', async () => {
    const { owner, world } = cloud
    const { root } = world.deps
    const { id: flavorRef } = await createFlavor(
      owner.admin,
      flavorCreateInput.parse({ name: 'huge', vcpus: 256, memoryMib: 4_194_304, diskGib: 60_000 }),
    )
    const used = () =>
      root.quotaUsage.findMany({ where: { projectId: owner.projectId }, orderBy: { resource: 'asc' } })
    const before = await used()
    const hosts = await root.host.findMany()
    await root.host.updateMany({ data: { vcpus: 4 } })
    const answer = await create({ flavorRef, networks: [{ uuid: owner.networkId }], config_drive: true })
    await root.host.updateMany({ data: { vcpus: hosts[0]?.vcpus ?? 0 } })
    expect([answer.statusCode, answer.body]).toEqual([202, expect.stringContaining('adminPass')])
    const id = idOf(answer)
    expect(await shown(id)).toMatchObject({
      status: 'ERROR',
      'OS-EXT-STS:task_state': null,
      addresses: {},
      fault: { code: 500, message: expect.stringMatching(/^No valid host was found\. .*no room/) },
    })
    expect(await root.instance.findUniqueOrThrow({ where: { id } })).toMatchObject({
      hostId: null,
      adminPass: null,
    })
    expect(await root.port.count({ where: { deviceId: id } })).toBe(0)
    const actions = await ask('GET', `/servers/${id}/os-instance-actions`)
    expect(actions.json()).toMatchObject({
      instanceActions: [{ action: 'create', message: expect.stringMatching(/^No valid host was found/) }],
    })
    expect((await ask('POST', `/servers/${id}/action`, { body: { 'os-start': null } })).statusCode).toBe(409)
    expect((await ask('DELETE', `/servers/${id}`)).statusCode).toBe(204)
    await owner.settle()
    expect((await ask('GET', `/servers/${id}`)).statusCode).toBe(404)
    const rest = (rows: Awaited<typeof before>) => rows.filter((row) => row.used > 0)
    expect(rest(await used())).toEqual(rest(before))
  })

  test('accepts user data with the line breaks that base64 writes', async () => {
    const script = Buffer.from(`#!/bin/sh\n${'# long\n'.repeat(40)}`).toString('base64')
    const user_data = `${script.replace(/.{76}/g, '$&\n')}\n`
    expect((await create({ user_data })).statusCode).toBe(202)
    expect((await create({ user_data: 'no base64 at all!' })).statusCode).toBe(400)
  })

  test.each([
    ['key_name', { key_name: 'nobody' }, /^Invalid key_name provided\. /],
    ['user_data', { user_data: '%' }, /^Invalid user_data provided\. /],
    ['imageRef', { imageRef: crypto.randomUUID() }, /^Invalid imageRef provided\. /],
    ['flavorRef', { flavorRef: 'nothing' }, /^Invalid flavorRef provided\. /],
    ['flavorRef', { flavorRef: '' }, /field\/attribute flavorRef\./],
  ])('names %s as Nova does', async (_field, patch, words) => {
    const answer = await create(patch)
    expect([answer.statusCode, message(answer)]).toEqual([400, expect.stringMatching(words)])
  })
})

test('errors about the numbers of a flavor use Nova’s names', async () => {
  const flavor = { name: 'f', vcpus: 1, ram: 1, disk: 1 }
  const answer = await ask('POST', '/flavors', { token: cloud.tokens.admin, body: { flavor } })
  expect([answer.statusCode, message(answer)]).toEqual([
    400,
    expect.stringMatching(/field\/attribute ram\. Value: 1\./),
  ])
})

test('a network without port security accepts servers and interfaces, which are in no groups', async () => {
  const { owner, world } = cloud
  const wish = networkCreateInput.parse({ name: 'open', subnet: { cidr: '10.9.0.0/24' } })
  const { id: networkId } = await createNetwork(owner.ctx, { ...wish, portSecurity: false })
  const { id: groupId } = await createSecurityGroup(owner.ctx, { name: 'more', description: '' })
  const networks = [{ uuid: networkId }]
  const made = await create({ networks, security_groups: [{ name: 'default' }] })
  expect(made.statusCode, made.body).toBe(202)
  const named = await create({ networks, security_groups: [{ name: 'default' }, { name: 'more' }] })
  expect(named.statusCode).toBe(400)
  await owner.settle()
  const path = `/servers/${idOf(made)}`
  const attach = (net_id: string) =>
    ask('POST', `${path}/os-interface`, { body: { interfaceAttachment: { net_id } } })
  const group = (name: string) => ask('POST', `${path}/action`, { body: { addSecurityGroup: { name } } })
  expect((await group('more')).statusCode).toBe(400)
  const attached = await attach(networkId)
  expect(attached.statusCode, attached.body).toBe(200)
  await owner.settle()
  expect((await attach(owner.networkId)).statusCode).toBe(200)
  await owner.settle()
  expect((await group('more')).statusCode).toBe(202)
  const ports = await world.deps.root.port.findMany({
    where: { deviceId: idOf(made) },
    include: { securityGroups: true },
    orderBy: { tag: 'asc' },
  })
  expect(ports.map((port) => port.securityGroups.length)).toEqual([0, 0, 2])
  expect(ports[2]?.securityGroups.map((one) => one.groupId)).toContain(groupId)
})

describe('metadata', () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']))

  test('has only keys that Nova accepts', async () => {
    for (const key of ['a/b', 'ä', 'a\nb', 'x'.repeat(256)])
      expect([key, (await create({ metadata: { [key]: 'v' } })).statusCode]).toEqual([key, 400])
  })

  test('above the limit is answered with 403', async () => {
    expect((await create({ metadata: many(129) })).statusCode).toBe(403)
    const made = await create({ metadata: many(128) })
    expect(made.statusCode).toBe(202)
    const path = `/servers/${idOf(made)}/metadata`
    const more = await ask('POST', path, { body: { metadata: { another: 'v' } } })
    expect([more.statusCode, message(more)]).toEqual([403, 'Maximum number of metadata items exceeds 128'])
    expect((await ask('PUT', `${path}/another`, { body: { meta: { another: 'v' } } })).statusCode).toBe(403)
    expect((await ask('PUT', path, { body: { metadata: many(129) } })).statusCode).toBe(403)
    expect((await ask('PUT', `${path}/k0`, { body: { meta: { k0: 'w' } } })).statusCode).toBe(200)
  })
})

describe('os-security-groups', () => {
  test('answer 400 for a group that is in use and for a rule that exists already', async () => {
    const group = { name: 'used', description: 'd' }
    const { security_group: made } = (
      await ask('POST', '/os-security-groups', { body: { security_group: group } })
    ).json() as { security_group: { id: string } }
    const rule = { parent_group_id: made.id, ip_protocol: 'tcp', from_port: 22, to_port: 22 }
    const add = () => ask('POST', '/os-security-group-rules', { body: { security_group_rule: rule } })
    expect([(await add()).statusCode, (await add()).statusCode]).toEqual([200, 400])
    await create({ networks: [{ uuid: cloud.owner.networkId }], security_groups: [{ name: 'used' }] })
    await cloud.owner.settle()
    expect((await ask('DELETE', `/os-security-groups/${made.id}`)).statusCode).toBe(400)
  })

  test('of all projects are shown to administrators; other callers get their own groups', async () => {
    const of = async (token: string) => {
      const answer = await ask('GET', '/os-security-groups?all_tenants=1', { token })
      const { security_groups: groups } = answer.json() as { security_groups: { tenant_id: string }[] }
      return [...new Set(groups.map((group) => group.tenant_id))]
    }
    await ask('GET', '/os-security-groups', { token: cloud.tokens.stranger })
    expect(await of(cloud.tokens.ownerMember)).toEqual([cloud.owner.projectId])
    expect(await of(cloud.tokens.admin)).toContain(cloud.stranger.projectId)
  })

  test('are paged by an offset', async () => {
    const page = async (query: string) =>
      ((await ask('GET', `/os-security-groups?${query}`)).json() as { security_groups: { id: string }[] })
        .security_groups
    const all = await page('')
    expect(await page('offset=1&limit=1')).toEqual([all[1]])
  })
})

test('usage repeats the times that were asked for, with their microseconds', async () => {
  const query = 'start=2026-11-01T00:00:00.123456&end=2026-11-02T00:00:00'
  await cloud.world.deps.root.instance.updateMany({ data: { launchedAt: new Date('2026-10-31T00:00:00Z') } })
  const answer = await ask('GET', `/os-simple-tenant-usage/${cloud.owner.projectId}?${query}`)
  expect(answer.json()).toMatchObject({
    tenant_usage: { start: '2026-11-01T00:00:00.123456', stop: '2026-11-02T00:00:00.000000' },
  })
})
