import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aServer } from '../instances/testing.openstack.ts'
import { leftovers } from '../testing.ts'
import { ask, closeNova, cloud, create, hostOf, idOf, names, openNova, server } from './nova.testing.ts'

beforeAll(openNova)
afterAll(closeNova)

describe('errors and headers as real Nova has them', () => {
  test.each([
    [
      'a missing property',
      { body: { server: { name: 'x' } } },
      'badRequest',
      400,
      /'flavorRef' is a required property/,
    ],
    [
      'a wrong type',
      { body: { server: { name: 'x', imageRef: 5, flavorRef: '1' } } },
      'badRequest',
      400,
      /field\/attribute imageRef. Value: 5\./,
    ],
    [
      'an unknown property',
      { body: { server: { name: 'x', flavorRef: '1', bogus: 1 } } },
      'badRequest',
      400,
      /Additional properties are not allowed \('bogus' was unexpected\)/,
    ],
    ['another content type', { raw: 'x', type: 'text/plain' }, 'badRequest', 400, /^Malformed request body$/],
    [
      'a version too high',
      { minor: 999, body: {} },
      'computeFault',
      406,
      /^Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.79.$/,
    ],
  ] as const)('%s', async (_why, more, key, status, message) => {
    const answer = await ask('POST', '/servers', more)
    expect(answer.statusCode).toBe(status)
    expect(answer.headers['content-type']).toBe('application/json; charset=UTF-8')
    expect(answer.json()).toEqual({ [key]: { code: status, message: expect.stringMatching(message) } })
    expect(answer.headers['x-compute-request-id']).toBe(answer.headers['x-openstack-request-id'])
  })

  test('a server that does not exist is a 404, and a body with two actions a 400', async () => {
    const none = '/servers/00000000-0000-0000-0000-000000000000'
    expect((await ask('GET', none)).json()).toEqual({
      itemNotFound: {
        code: 404,
        message: 'Instance 00000000-0000-0000-0000-000000000000 could not be found.',
      },
    })
    const id = await aServer(cloud.owner)
    const two = await ask('POST', `/servers/${id}/action`, { body: { pause: null, x: 1 } })
    expect([two.statusCode, Object.keys(two.json() as object)]).toEqual([400, ['badRequest']])
  })

  test('the operation keeps the cloud’s request id and the caller’s global request id', async () => {
    const id = await aServer(cloud.owner)
    const mine = 'req-102ae999-aa4a-41f3-9fac-a099d1fcbf4e'
    const answer = await cloud.app.inject({
      method: 'POST',
      url: `/compute/v2.1/servers/${id}/action`,
      headers: { 'x-auth-token': cloud.tokens.ownerMember, 'x-openstack-request-id': mine },
      payload: { lock: null },
    })
    expect([answer.statusCode, answer.headers['x-openstack-request-id']]).toEqual([202, expect.any(String)])
    const operations = await cloud.world.deps.root.operation.findMany({ where: { globalRequestId: mine } })
    expect(operations.map((o) => [o.resourceId, o.requestId])).toEqual([
      [id, answer.headers['x-compute-request-id']],
    ])
    expect(operations[0]?.requestId).not.toBe(mine)
    const events = await cloud.world.deps.root.event.findMany({ where: { globalRequestId: mine } })
    expect([...new Set(events.map((e) => e.requestId))]).toEqual([answer.headers['x-compute-request-id']])
  })

  test('both microversion headers come back, also when the client sends the older header', async () => {
    const answer = await cloud.app.inject({
      url: '/compute/v2.1/flavors',
      headers: { 'x-auth-token': cloud.tokens.ownerMember, 'x-openstack-nova-api-version': '2.60' },
    })
    expect(answer.headers).toMatchObject({
      'openstack-api-version': 'compute 2.60',
      'x-openstack-nova-api-version': '2.60',
    })
  })
})

describe('lists', () => {
  test('page with links, sort, and filter by expressions, tags, status and metadata of versions', async () => {
    const { owner } = cloud
    for (const name of ['list-b', 'list-a', 'list-c']) await aServer(owner, { name, tags: [name, 'list'] })
    const sorted = '/servers?name=^list-&sort_key=display_name&sort_dir=asc'
    const first = await ask('GET', `${sorted}&limit=2`)
    expect(names(first)).toEqual(['list-a', 'list-b'])
    const {
      servers_links: [next],
    } = first.json() as { servers_links: [{ rel: string; href: string }] }
    expect(next.rel).toBe('next')
    expect(next.href).toMatch(/^http:\/\/cloud\.test\/compute\/v2\.1\/servers\?.*marker=[0-9a-f-]{36}$/)
    const second = await ask(
      'GET',
      new URL(next.href).pathname.replace('/compute/v2.1', '') + new URL(next.href).search,
    )
    expect(names(second)).toEqual(['list-c'])
    expect(second.json()).not.toHaveProperty('servers_links')
    expect(names(await ask('GET', '/servers?name=list-[ab]$'))).toEqual(['list-a', 'list-b'])
    expect(names(await ask('GET', '/servers?tags=list,list-c', { minor: 26 }))).toEqual(['list-c'])
    expect(names(await ask('GET', '/servers?not-tags-any=list&name=list', { minor: 26 }))).toEqual([])
    expect(names(await ask('GET', '/servers?status=ACTIVE&name=list-a'))).toEqual(['list-a'])
    expect(names(await ask('GET', '/servers?status=SHELVED'))).toEqual([])
    expect(names(await ask('GET', '/servers?limit=0'))).toEqual([])
    expect((await ask('GET', '/servers?marker=nonsense')).statusCode).toBe(400)
    expect((await ask('GET', '/servers?sort_key=secret')).statusCode).toBe(400)
    expect((await ask('GET', '/servers?name=(((')).statusCode).toBe(400)
    expect(names(await ask('GET', '/servers?status=nonsense'))).toEqual([])
    expect((await ask('GET', '/servers?status=nonsense', { minor: 38 })).statusCode).toBe(400)
    expect((await ask('GET', '/servers?nonsense=1', { minor: 74 })).statusCode).toBe(200)
    expect((await ask('GET', '/servers?nonsense=1', { minor: 75 })).statusCode).toBe(400)
    // Other engines would take for ever to match this expression.
    const slow = encodeURIComponent(`${'(a+)+'.repeat(20)}$`)
    expect((await ask('GET', `/servers?name=${slow}`)).statusCode).toBe(200)
  })

  test('filter by address, by host for administrators, by all projects and by deleted servers', async () => {
    const { owner, tokens } = cloud
    const id = await aServer(owner, { name: 'addressed', nics: [{ networkId: owner.networkId }] })
    const { addresses } = (
      (await ask('GET', `/servers/${id}`)).json() as { server: { addresses: { net: [{ addr: string }] } } }
    ).server
    const ip = addresses.net[0].addr.replaceAll('.', '\\.')
    expect(names(await ask('GET', `/servers?ip=^${ip}$`))).toEqual(['addressed'])
    expect((await ask('GET', '/servers?all_tenants=1', { token: cloud.tokens.stranger })).statusCode).toBe(
      403,
    )
    const all = await ask('GET', '/servers?all_tenants=1&name=addressed', { token: tokens.admin })
    expect(names(all)).toEqual(['addressed'])
    expect(names(await ask('GET', '/servers?host=nowhere', { token: tokens.admin }))).toEqual([])
    // A filter for administrators has no effect for other callers.
    expect(names(await ask('GET', '/servers?host=nowhere&name=addressed'))).toEqual(['addressed'])
    expect((await ask('DELETE', `/servers/${id}`)).statusCode).toBe(204)
    expect((await ask('GET', `/servers/${id}`)).json()).toMatchObject({
      server: { status: 'ACTIVE', 'OS-EXT-STS:task_state': 'deleting' },
    })
    await owner.settle()
    expect((await ask('GET', `/servers/${id}`)).statusCode).toBe(404)
    const gone = await ask('GET', '/servers/detail?deleted=True&name=addressed', { token: tokens.admin })
    expect(gone.json()).toMatchObject({ servers: [{ id, status: 'DELETED' }] })
    const actions = await ask('GET', `/servers/${id}/os-instance-actions`, { minor: 21 })
    expect(actions.json()).toMatchObject({ instanceActions: [{ action: 'delete' }, { action: 'create' }] })
  })
})

describe('servers', () => {
  test('take an address of choice only from a network of their own project', async () => {
    const { owner } = cloud
    const { id } = await cloud.world.deps.root.network.update({
      where: { id: owner.networkId },
      data: { shared: true },
    })
    try {
      const ask = (fixed: object) =>
        create({ networks: [{ uuid: id, ...fixed }] }, { token: cloud.tokens.stranger })
      expect((await ask({ fixed_ip: '10.0.0.78' })).statusCode).toBe(403)
      expect((await ask({})).statusCode).toBe(202)
    } finally {
      await cloud.world.deps.root.network.update({ where: { id }, data: { shared: false } })
    }
  })

  test('are made with everything that a body may contain', async () => {
    const { owner } = cloud
    const made = await create({
      name: 'whole',
      networks: [{ uuid: owner.networkId, fixed_ip: '10.0.0.77' }],
      security_groups: [{ name: 'default' }],
      metadata: { a: 'b' },
      tags: ['x', 'y'],
      description: 'all of it',
      user_data: 'IyEvYmluL3NoCg==',
      accessIPv4: '1.2.3.4',
      availability_zone: 'nova',
      config_drive: true,
      adminPass: 'chosen',
      block_device_mapping_v2: [
        { source_type: 'image', destination_type: 'local', boot_index: 0, uuid: owner.imageId },
      ],
    })
    expect([made.statusCode, made.body]).toEqual([202, expect.stringContaining('"adminPass":"chosen"')])
    expect(made.headers.location).toBe(`http://cloud.test/compute/v2.1/servers/${idOf(made)}`)
    await owner.settle()
    const { server: shown } = (await ask('GET', `/servers/${idOf(made)}`, { minor: 79 })).json() as {
      server: object
    }
    expect(shown).toMatchObject({
      status: 'ACTIVE',
      addresses: { net: [{ addr: '10.0.0.77', version: 4, 'OS-EXT-IPS:type': 'fixed' }] },
      tags: ['x', 'y'],
      description: 'all of it',
      accessIPv4: '1.2.3.4',
      config_drive: 'True',
      security_groups: [{ name: 'default' }],
    })
    expect(shown).not.toHaveProperty('OS-EXT-SRV-ATTR:host')
    const row = await owner.deps.root.instance.findUniqueOrThrow({ where: { id: idOf(made) } })
    expect(row.adminPass).toBeNull()
  })

  test.each([
    [
      'a volume',
      { block_device_mapping_v2: [{ source_type: 'volume', uuid: crypto.randomUUID(), boot_index: 0 }] },
    ],
    [
      'a volume of the image',
      {
        block_device_mapping_v2: [
          { source_type: 'image', destination_type: 'volume', boot_index: 0, volume_size: 1 },
        ],
      },
    ],
    ['no image', { imageRef: '' }],
    ['a zone that is not there', { availability_zone: 'mars' }],
    ['an address of another subnet', { networks: 'auto', accessIPv4: 'nonsense' }],
    ['fewer than it says', { min_count: 3, max_count: 2 }],
  ])('are refused with %s', async (_what, patch) => {
    const answer = await create(patch)
    expect([answer.statusCode, Object.keys(answer.json() as object)]).toEqual([400, ['badRequest']])
  })

  test('are made several at once, as many as fit, and share a reservation', async () => {
    const several = await create({ name: 'many', min_count: 2, max_count: 3, return_reservation_id: true })
    const { reservation_id } = several.json() as { reservation_id: string }
    expect(reservation_id).toMatch(/^r-[0-9a-f]{8}$/)
    expect(names(await ask('GET', `/servers?reservation_id=${reservation_id}`)).sort()).toEqual([
      'many-1',
      'many-2',
      'many-3',
    ])
    await cloud.owner.settle()
  })

  test('of a group are placed by the policy of the group', async () => {
    const { owner, tokens } = cloud
    await owner.deps.root.host.updateMany({
      data: { vcpus: 10_000, memoryMib: 10_000_000, diskGib: 100_000 },
    })
    const group = async (policy: string) =>
      (
        (
          await ask('POST', '/os-server-groups', {
            minor: 64,
            body: { server_group: { name: policy, policy } },
          })
        ).json() as { server_group: { id: string } }
      ).server_group.id
    const launch = (id: string, name: string) =>
      ask('POST', '/servers', {
        minor: 79,
        body: { ...server({ name, networks: 'none' }), 'os:scheduler_hints': { group: id } },
      })
    const together = await group('affinity')
    const [a, b] = [await launch(together, 'a'), await launch(together, 'b')]
    expect(await hostOf(idOf(a))).toBe(await hostOf(idOf(b)))
    const apart = await group('anti-affinity')
    expect((await launch(apart, 'c')).statusCode).toBe(202)
    // There is only one host, so the second member finds no host.
    const lonely = await launch(apart, 'd')
    expect(lonely.statusCode).toBe(202)
    await owner.settle()
    expect((await ask('GET', `/servers/${idOf(lonely)}`, { minor: 71 })).json()).toMatchObject({
      server: { status: 'ERROR', fault: { code: 500, message: expect.stringContaining('has no room') } },
    })
    expect(
      (await ask('GET', `/os-server-groups/${together}`, { minor: 64, token: tokens.ownerReader })).json(),
    ).toMatchObject({
      server_group: { policy: 'affinity', members: [idOf(a), idOf(b)] },
    })
    expect((await ask('GET', `/servers/${idOf(a)}`, { minor: 71 })).json()).toMatchObject({
      server: { server_groups: [together] },
    })
  })

  test('tell why an action failed; while their machine is down, an action is refused at once', async () => {
    const { owner, tokens } = cloud
    const id = await aServer(owner)
    const hosts = cloud.world.deps.root.host
    const stop = () => ask('POST', `/servers/${id}/action`, { body: { 'os-stop': null } })
    const accepted = await stop()
    expect(accepted.statusCode).toBe(202)
    const before = await hosts.findMany({ select: { id: true, state: true } })
    await hosts.updateMany({ data: { state: 'down' } })
    for (const name of cloud.world.hosts.keys()) cloud.world.faults.set(name, 'refuses')
    await owner.settle()
    const requestId = String(accepted.headers['x-compute-request-id'])
    const action = await ask('GET', `/servers/${id}/os-instance-actions/${requestId}`, { minor: 51 })
    const says = expect.stringMatching(/^The machine that this instance is on does not answer\./)
    expect(action.json()).toMatchObject({
      instanceAction: { action: 'stop', message: says, events: [{ result: 'Error' }] },
    })
    const refused = await stop()
    expect([refused.statusCode, refused.json()]).toEqual([
      409,
      { conflictingRequest: { code: 409, message: says } },
    ])
    const list = (
      await ask('GET', `/servers/${id}/os-instance-actions`, { token: tokens.ownerReader })
    ).json()
    expect((list as { instanceActions: object[] }).instanceActions).toMatchObject([
      { action: 'stop', message: says },
      { action: 'create', message: null },
    ])
    cloud.world.faults.clear()
    for (const { id: host, state } of before) await hosts.update({ where: { id: host }, data: { state } })
  })

  test('refuse changes while they are locked, and only administrators open an administrator’s lock', async () => {
    const id = await aServer(cloud.owner)
    const act = (body: object, token = cloud.tokens.ownerMember) =>
      ask('POST', `/servers/${id}/action`, { minor: 73, body, token })
    expect((await act({ lock: { locked_reason: 'exam' } })).statusCode).toBe(202)
    expect((await ask('GET', `/servers/${id}`, { minor: 73 })).json()).toMatchObject({
      server: { locked: true, locked_reason: 'exam' },
    })
    expect((await act({ 'os-stop': null })).statusCode).toBe(409)
    expect((await ask('DELETE', `/servers/${id}`)).statusCode).toBe(409)
    expect((await act({ unlock: null })).statusCode).toBe(202)
    await act({ lock: null }, cloud.tokens.admin)
    expect((await act({ unlock: null })).statusCode).toBe(403)
    expect((await act({ unlock: null }, cloud.tokens.admin)).statusCode).toBe(202)
  })
})

describe('interfaces', () => {
  test('are attached and detached while the server runs; a port that existed before stays', async () => {
    const { owner } = cloud
    const id = await aServer(owner)
    const path = `/servers/${id}/os-interface`
    const attached = await ask('POST', path, { body: { interfaceAttachment: { net_id: owner.networkId } } })
    const { interfaceAttachment: one } = attached.json() as { interfaceAttachment: { port_id: string } }
    await owner.settle()
    expect((await ask('GET', `${path}/${one.port_id}`)).json()).toMatchObject({
      interfaceAttachment: { port_state: 'ACTIVE' },
    })
    const hypervisor = [...cloud.world.hosts.values()][0]?.hypervisor
    expect((await hypervisor?.specOf(id))?.nics.map((nic) => nic.portId)).toEqual([one.port_id])
    expect((await ask('DELETE', `${path}/${one.port_id}`)).statusCode).toBe(202)
    await owner.settle()
    expect((await hypervisor?.specOf(id))?.nics).toEqual([])
    expect(await owner.deps.root.port.count({ where: { id: one.port_id } })).toBe(0)

    const network = await owner.deps.root.network.findUniqueOrThrow({ where: { id: owner.networkId } })
    const lent = await owner.deps.root.port.create({
      data: {
        id: crypto.randomUUID(),
        projectId: owner.projectId,
        networkId: network.id,
        mac: 'fa:16:3e:00:00:99',
        deviceOwner: '',
        deviceId: '',
      },
    })
    expect(
      (await ask('POST', path, { body: { interfaceAttachment: { port_id: lent.id } } })).statusCode,
    ).toBe(200)
    await owner.settle()
    expect(
      (await ask('POST', path, { body: { interfaceAttachment: { port_id: lent.id } } })).statusCode,
    ).toBe(409)
    await ask('DELETE', `/servers/${id}`)
    await owner.settle()
    expect(await owner.deps.root.port.findUnique({ where: { id: lent.id } })).toMatchObject({
      deviceId: '',
      hostId: null,
    })
  })
})

describe('key pairs', () => {
  test('have the answers of their version', async () => {
    const made = (minor: number) =>
      ask('POST', '/os-keypairs', { minor, body: { keypair: { name: `k${minor}` } } })
    expect([(await made(1)).statusCode, (await made(2)).statusCode]).toEqual([200, 201])
    expect((await ask('DELETE', '/os-keypairs/k1')).statusCode).toBe(202)
    expect((await ask('DELETE', '/os-keypairs/k2', { minor: 2 })).statusCode).toBe(204)
  })
})

test('in the end no host has any thing without a row', async () => {
  const rows = await cloud.world.deps.root.instance.findMany({ select: { id: true } })
  for (const { id } of rows) {
    await ask('POST', `/servers/${id}/action`, { token: cloud.tokens.admin, body: { forceDelete: null } })
  }
  await cloud.owner.settle()
  expect(await leftovers(cloud.world)).toEqual({ guests: 0, ports: 0, disks: 0 })
})
