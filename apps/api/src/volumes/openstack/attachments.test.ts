import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aServer } from '../../compute/instances/testing.openstack.ts'
import { attachVolume, detachVolume } from '../../compute/instances/volumes.ts'
import { endReservation } from '../reservations.ts'
import { forceDeleteVolume, getVolume, resetVolume } from '../service.ts'
import { aVolume } from '../testing.openstack.ts'
import { removeVolumeNow } from '../trash/service.ts'
import { ask, closeCinder, cloud, openCinder } from './cinder.testing.ts'

beforeAll(openCinder)
afterAll(closeCinder)

const at = { version: 'volume 3.54' }
type Listed = { id: string; status: string; instance: string | null }
const list = async (query = '') =>
  ((await ask('GET', `/attachments${query}`, at)).json() as { attachments: Listed[] }).attachments
const stateOf = async (id: string) => (await getVolume(cloud.owner.ctx, { id })).state
const act = (id: string, body: object, token?: string) =>
  ask('POST', `/volumes/${id}/action`, { ...at, body, ...(token ? { token } : {}) })
const reserve = (body: object, more: object = {}) =>
  ask('POST', '/attachments', { ...at, body: { attachment: body }, ...more })

async function attached(): Promise<{ server: string; volume: string }> {
  const { owner } = cloud
  const [server, volume] = [await aServer(owner), await aVolume(owner)]
  await attachVolume(owner.ctx, { id: server, volumeId: volume })
  await owner.settle()
  return { server, volume }
}

test('attachments are read by list, filter, page and id', async () => {
  const one = await attached()
  const other = await attached()
  await aVolume(cloud.owner)
  const shown = (await list()).toReversed()
  expect(shown).toEqual(
    [one, other].map(({ server, volume }) => ({
      ...{ id: expect.any(String), status: 'attached', instance: server, volume_id: volume },
    })),
  )
  const [first, second] = shown.map(({ id }) => id)
  expect((await ask('GET', `/attachments/${first}`, at)).json()).toEqual({
    attachment: {
      ...{ id: first, status: 'attached', instance: one.server, volume_id: one.volume, attach_mode: 'rw' },
      ...{ attached_at: expect.stringMatching(/^\d{4}-.*\.\d{6}$/), detached_at: '', connection_info: {} },
    },
  })
  const ids = async (query: string) => (await list(query)).map(({ id }) => id)
  expect(await ids(`?volume_id=${one.volume}`)).toEqual([first])
  expect(await ids(`?instance_id=${other.server}&status=attached`)).toEqual([second])
  expect(await ids('?status=detaching')).toEqual([])
  expect(await ids('?limit=1')).toEqual([second])
  expect(await ids(`?marker=${second}`)).toEqual([first])
  expect((await ask('GET', '/attachments?marker=nope', at)).statusCode).toBe(404)
  expect((await ask('GET', `/attachments/${first}`, { version: 'volume 3.26' })).statusCode).toBe(404)
  const strange = await ask('GET', `/attachments/${first}`, { ...at, token: cloud.tokens.stranger })
  expect([404, 400]).toContain(strange.statusCode)
  expect(strange.body).not.toContain(one.volume)
})

test('of a volume that several servers have, a filter finds the attachments that fit', async () => {
  const { owner } = cloud
  const [volume, one, other] = [await aVolume(owner), await aServer(owner), await aServer(owner)]
  await owner.deps.root.volume.update({ where: { id: volume }, data: { multiattach: true } })
  for (const id of [one, other]) {
    await attachVolume(owner.ctx, { id, volumeId: volume })
    await owner.settle()
  }
  const all = (await list(`?volume_id=${volume}`)).map(({ id }) => id)
  expect(all).toHaveLength(2)
  // A page has as many attachments as it says, and the next one goes on in the same volume.
  const page = await ask('GET', '/attachments?limit=1', at)
  const { attachments, attachments_links: links } = page.json() as {
    attachments: Listed[]
    attachments_links: { href: string }[]
  }
  expect(attachments.map(({ id }) => id)).toEqual([all[0]])
  const next = new URL(links[0]?.href ?? '').search
  expect((await list(next)).map(({ id }) => id)).toEqual([all[1]])
  expect((await list('?limit=1&offset=1')).map(({ id }) => id)).toEqual([all[1]])
  await owner.deps.root.volumeAttachment.updateMany({
    where: { volumeId: volume, instanceId: one },
    data: { state: 'detaching' },
  })
  expect(await list(`?instance_id=${one}&status=attached`)).toEqual([])
  expect(await list(`?instance_id=${one}&status=detaching`)).toHaveLength(1)
  expect(await list(`?instance_id=${other}`)).toMatchObject([{ instance: other, status: 'attached' }])
})

describe('a reservation', () => {
  const server = crypto.randomUUID()

  test('keeps a volume from others until it is deleted', async () => {
    const { owner } = cloud
    const volume = await aVolume(owner)
    const made = await reserve({ volume_uuid: volume, instance_uuid: server, connector: {}, mode: 'ro' })
    const attachment = {
      ...{ id: expect.any(String), status: 'reserved', instance: server, volume_id: volume },
      ...{ attach_mode: 'ro', attached_at: '', detached_at: '', connection_info: {} },
    }
    expect([made.statusCode, made.json()]).toEqual([200, { attachment }])
    const { id } = (made.json() as { attachment: Listed }).attachment
    expect((await ask('GET', `/attachments/${id}`, at)).json()).toEqual({ attachment })
    expect(await list(`?instance_id=${server}`)).toMatchObject([{ id, status: 'reserved' }])
    expect(await list(`?status=reserved&volume_id=${volume}`)).toMatchObject([{ id }])
    expect(await list(`?status=attached&volume_id=${volume}`)).toEqual([])
    const shown = (await ask('GET', `/volumes/${volume}`, at)).json()
    expect(shown).toMatchObject({ volume: { status: 'reserved', attachments: [] } })
    const second = await reserve({ volume_uuid: volume, instance_uuid: crypto.randomUUID() })
    expect([second.statusCode, second.body]).toEqual([400, expect.stringContaining('this one is reserved')])
    const real = await aServer(owner)
    await expect(attachVolume(owner.ctx, { id: real, volumeId: volume })).rejects.toThrow(/reserved/)
    expect((await ask('DELETE', `/volumes/${volume}`, at)).body).toContain('End the reservation first')
    const ended = await ask('DELETE', `/attachments/${id}`, at)
    expect([ended.statusCode, ended.json()]).toEqual([200, { attachments: [] }])
    expect((await ask('DELETE', `/attachments/${id}`, at)).statusCode).toBe(404)
    expect(await stateOf(volume)).toBe('available')
    await attachVolume(owner.ctx, { id: real, volumeId: volume })
  })

  test('names no server, or one that the cloud does not know', async () => {
    const volume = await aVolume(cloud.owner)
    const made = await reserve({ volume_uuid: volume })
    expect(made.json()).toMatchObject({ attachment: { instance: null, status: 'reserved' } })
    await endReservation(cloud.owner.ctx, { id: volume })
    expect(await stateOf(volume)).toBe('available')
    await expect(endReservation(cloud.owner.ctx, { id: volume })).rejects.toThrow(/Nobody has reserved/)
    expect((await reserve({ volume_uuid: volume, mode: 'ro' }, { version: 'volume 3.53' })).statusCode).toBe(
      400,
    )
  })

  test('lets the Compute API give the volume to the server for which it is, and becomes the attachment', async () => {
    const { owner } = cloud
    const [real, volume] = [await aServer(owner), await aVolume(owner)]
    const reserved = async (more: object = {}) => {
      const made = await reserve({ volume_uuid: volume, instance_uuid: real, ...more })
      return (made.json() as { attachment: Listed }).attachment.id
    }
    const readOnly = await reserved({ mode: 'ro' })
    await expect(attachVolume(owner.ctx, { id: real, volumeId: volume })).rejects.toThrow(/to be read only/)
    await ask('DELETE', `/attachments/${readOnly}`, at)
    const id = await reserved()
    const other = await aServer(owner)
    await expect(attachVolume(owner.ctx, { id: other, volumeId: volume })).rejects.toThrow(/reserved/)
    await attachVolume(owner.ctx, { id: real, volumeId: volume })
    expect(await list(`?volume_id=${volume}`)).toMatchObject([{ id, instance: real, status: 'attaching' }])
    await owner.settle()
    expect(await list(`?volume_id=${volume}`)).toMatchObject([{ id, instance: real, status: 'attached' }])
    expect((await ask('DELETE', `/attachments/${id}`, at)).statusCode).toBe(409)
    await detachVolume(owner.ctx, { id: real, volumeId: volume })
    await owner.settle()
    expect([await stateOf(volume), await list(`?volume_id=${volume}`)]).toEqual(['available', []])
  })

  test('of a volume for several servers does not end others, and outlives what a server has', async () => {
    const { owner } = cloud
    const [volume, one] = [await aVolume(owner), await aServer(owner)]
    await owner.deps.root.volume.update({ where: { id: volume }, data: { multiattach: true } })
    const made = async (instance: string) => {
      const answer = await reserve({ volume_uuid: volume, instance_uuid: instance })
      expect(answer.statusCode).toBe(200)
      return (answer.json() as { attachment: Listed }).attachment.id
    }
    const [first, second] = [await made(one), await made(server)]
    expect(await list(`?volume_id=${volume}&status=reserved`)).toHaveLength(2)
    await attachVolume(owner.ctx, { id: one, volumeId: volume })
    await owner.settle()
    const third = await made(crypto.randomUUID())
    expect(await stateOf(volume)).toBe('in-use')
    const ended = (await ask('DELETE', `/attachments/${third}`, at)).json() as { attachments: Listed[] }
    expect(ended.attachments.map(({ id }) => id).sort()).toEqual([first, second].sort())
    expect(await stateOf(volume)).toBe('in-use')
    await detachVolume(owner.ctx, { id: one, volumeId: volume })
    await owner.settle()
    expect([await stateOf(volume), await list(`?volume_id=${volume}`)]).toMatchObject([
      'reserved',
      [{ id: second, instance: server }],
    ])
    await ask('DELETE', `/attachments/${second}`, at)
    expect(await stateOf(volume)).toBe('available')
  })

  test('is won by one of many who ask at the same time', async () => {
    const volume = await aVolume(cloud.owner)
    const wish = () => reserve({ volume_uuid: volume, instance_uuid: crypto.randomUUID() })
    const codes = (await Promise.all(Array.from({ length: 5 }, wish))).map((one) => one.statusCode)
    expect(codes.toSorted((a, b) => a - b)).toEqual([200, 400, 400, 400, 400])
  })

  test('is never made for a connector, and never gets one', async () => {
    const volume = await aVolume(cloud.owner)
    const connector = { host: 'h', ip: '192.0.2.1', initiator: 'iqn.x' }
    for (const token of [cloud.tokens.ownerMember, cloud.tokens.admin]) {
      const answer = await reserve({ volume_uuid: volume, instance_uuid: server, connector }, { token })
      expect([answer.statusCode, answer.body]).toEqual([409, expect.stringContaining('connect volumes')])
    }
    expect(await stateOf(volume)).toBe('available')
    const { id } = ((await reserve({ volume_uuid: volume })).json() as { attachment: Listed }).attachment
    const update = (body: object) => ask('PUT', `/attachments/${id}`, { ...at, body: { attachment: body } })
    expect((await update({ connector })).statusCode).toBe(409)
    expect((await update({ connector: {} })).body).toContain("Must specify 'connector'")
    const complete = { ...at, body: { 'os-complete': {} } }
    expect((await ask('POST', `/attachments/${id}/action`, complete)).statusCode).toBe(409)
    expect(await stateOf(volume)).toBe('reserved')
  })

  test('goes with its volume, by force and with its project, and by an administrator', async () => {
    const { ctx, admin, settle } = cloud.owner
    const [forced, removed, set] = [
      await aVolume(cloud.owner),
      await aVolume(cloud.owner),
      await aVolume(cloud.owner),
    ]
    for (const id of [forced, removed, set]) await reserve({ volume_uuid: id })
    await forceDeleteVolume(admin, { id: forced })
    await removeVolumeNow(admin, { id: removed })
    expect(await resetVolume(admin, { id: set, to: 'available' })).toMatchObject({ state: 'available' })
    await settle()
    for (const id of [forced, removed]) await expect(getVolume(ctx, { id })).rejects.toThrow()
    expect(await list(`?volume_id=${set}`)).toEqual([])
  })
})

describe('the actions of older services', () => {
  test('os-reserve and os-unreserve keep a volume from others', async () => {
    const volume = await aVolume(cloud.owner)
    expect((await act(volume, { 'os-reserve': {} })).statusCode).toBe(202)
    expect(await stateOf(volume)).toBe('attaching')
    expect(await list(`?volume_id=${volume}`)).toEqual([])
    expect((await act(volume, { 'os-reserve': null })).statusCode).toBe(400)
    expect((await act(volume, { 'os-unreserve': null })).statusCode).toBe(202)
    expect(await stateOf(volume)).toBe('available')
    expect((await act(volume, { 'os-unreserve': null })).statusCode).toBe(202)
  })

  test('os-unreserve leaves a volume alone that a server is getting', async () => {
    const { owner } = cloud
    const [server, volume] = [await aServer(owner), await aVolume(owner)]
    await attachVolume(owner.ctx, { id: server, volumeId: volume })
    expect((await act(volume, { 'os-unreserve': null })).statusCode).toBe(202)
    expect(await stateOf(volume)).toBe('attaching')
    await owner.settle()
    expect(await stateOf(volume)).toBe('in-use')
  })

  test('os-begin_detaching is a word that can be taken back, and compute may go on', async () => {
    const { owner } = cloud
    const { server, volume } = await attached()
    for (const [key, state] of [
      ['os-begin_detaching', 'detaching'],
      ['os-roll_detaching', 'in-use'],
      ['os-roll_detaching', 'in-use'],
      ['os-begin_detaching', 'detaching'],
    ] as const) {
      expect((await act(volume, { [key]: null })).statusCode).toBe(202)
      expect(await stateOf(volume)).toBe(state)
    }
    const again = await act(volume, { 'os-begin_detaching': null })
    expect([again.statusCode, again.body]).toEqual([400, expect.stringContaining("must be 'in-use'")])
    await detachVolume(owner.ctx, { id: server, volumeId: volume })
    const rolled = await act(volume, { 'os-roll_detaching': null })
    expect([rolled.statusCode, rolled.body]).toEqual([400, expect.stringContaining('giving this volume up')])
    await owner.settle()
    expect(await stateOf(volume)).toBe('available')
  })

  test('nobody takes a volume from a server, or gets one, also as an administrator', async () => {
    const { server, volume } = await attached()
    const [{ id } = { id: '' }] = await list(`?volume_id=${volume}`)
    const free = await aVolume(cloud.owner)
    const detach = `Detach volume from instance ${server} using the Compute API`
    const connect = 'The hosts of this cloud connect volumes themselves'
    const connector = { connector: { host: 'x' } }
    for (const token of [cloud.tokens.ownerMember, cloud.tokens.admin]) {
      for (const [on, key, body, words] of [
        [volume, 'os-detach', {}, detach],
        [volume, 'os-detach', { attachment_id: id }, detach],
        [volume, 'os-terminate_connection', connector, detach],
        [volume, 'os-initialize_connection', connector, connect],
        [free, 'os-initialize_connection', connector, connect],
        [free, 'os-attach', { instance_uuid: server, mountpoint: '/dev/vdc' }, connect],
        [free, 'os-attach', { host_name: 'x', mountpoint: '/dev/vdc' }, connect],
      ] as const) {
        const answer = await act(on, { [key]: body }, token)
        expect([answer.statusCode, answer.body], key).toEqual([409, expect.stringContaining(words)])
      }
      for (const [method, path, body, words] of [
        ['PUT', `/attachments/${id}`, { attachment: connector }, connect],
        ['POST', `/attachments/${id}/action`, { 'os-complete': null }, connect],
        ['DELETE', `/attachments/${id}`, undefined, detach],
      ] as const) {
        const answer = await ask(method, path, { ...at, body, token })
        expect([answer.statusCode, answer.body], path).toEqual([409, expect.stringContaining(words)])
      }
    }
    expect((await act(volume, { 'os-force_detach': {} })).statusCode).toBe(403)
    expect((await act(free, { 'os-detach': {} })).statusCode).toBe(400)
    expect((await act(free, { 'os-terminate_connection': connector })).statusCode).toBe(202)
    expect((await act(free, { 'os-attach': { mountpoint: '/dev/vdc' } })).statusCode).toBe(400)
    const rows = await cloud.owner.deps.root.volumeAttachment.findMany({ where: { volumeId: volume } })
    expect(rows).toMatchObject([{ id, instanceId: server, state: 'attached' }])
    expect([await stateOf(volume), await stateOf(free)]).toEqual(['in-use', 'available'])
  })
})

describe('os-force_detach', () => {
  const force = (volume: string, body: object = {}) =>
    act(volume, { 'os-force_detach': body }, cloud.tokens.admin)

  test('takes a volume from a server as the Compute API does: not before the guest has let go', async () => {
    const { volume } = await attached()
    const free = await aVolume(cloud.owner)
    expect((await force(free)).body).toContain('Unable to detach volume')
    expect((await force(volume, { attachment_id: crypto.randomUUID() })).statusCode).toBe(404)
    const [{ id } = { id: '' }] = await list(`?volume_id=${volume}`)
    const forced = await force(volume, { attachment_id: id, connector: null })
    expect([forced.statusCode, forced.body]).toEqual([202, ''])
    expect(await stateOf(volume)).toBe('detaching')
    await cloud.owner.settle()
    expect([await stateOf(volume), await list(`?volume_id=${volume}`)]).toEqual(['available', []])
  })

  test('takes a volume from a server that is gone, when no machine may still have the guest', async () => {
    const { deps } = cloud.owner
    const volume = await aVolume(cloud.owner)
    const instanceId = crypto.randomUUID()
    const data = { id: crypto.randomUUID(), volumeId: volume, instanceId, device: '/dev/vdb' }
    await deps.root.volumeAttachment.create({ data: { ...data, state: 'attached' } })
    await deps.root.volume.update({ where: { id: volume }, data: { state: 'in-use' } })
    const { id: hostId } = await deps.root.host.findFirstOrThrow()
    const held = { hostId, kind: 'instance', thing: instanceId }
    await deps.root.hostDocument.create({ data: held })
    const refused = await force(volume)
    expect([refused.statusCode, refused.body]).toEqual([400, expect.stringContaining('has not confirmed')])
    expect(await stateOf(volume)).toBe('in-use')
    await deps.root.hostDocument.deleteMany({ where: { thing: instanceId } })
    expect((await force(volume)).statusCode).toBe(202)
    expect([await stateOf(volume), await list(`?volume_id=${volume}`)]).toEqual(['available', []])
    const done = await deps.root.operation.findMany({
      where: { resourceId: volume, action: 'volume.force_detach' },
    })
    expect(done).toHaveLength(1)
  })
})
