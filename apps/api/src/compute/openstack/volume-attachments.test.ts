import { afterAll, beforeAll, expect, test } from 'vitest'
import { volumeCreateInput } from '../../volumes/contract.ts'
import { createVolume, getVolume } from '../../volumes/service.ts'
import { aServer } from '../instances/testing.openstack.ts'
import { ask, closeNova, cloud, openNova } from './nova.testing.ts'

beforeAll(openNova)
afterAll(closeNova)

async function aVolume(): Promise<string> {
  const { id } = await createVolume(cloud.owner.ctx, volumeCreateInput.parse({ sizeGib: 1 }))
  await cloud.owner.settle()
  return id
}
const attach = (id: string, body: object, minor = 1) =>
  ask('POST', `/servers/${id}/os-volume_attachments`, { minor, body: { volumeAttachment: body } })
const listed = async (id: string, minor = 1, query = '') =>
  (await ask('GET', `/servers/${id}/os-volume_attachments${query}`, { minor })).json() as {
    volumeAttachments: object[]
  }
const stateOf = async (id: string) => (await getVolume(cloud.owner.ctx, { id })).state

test('a volume is attached, listed by each version as it documents it, shown with its server, and detached', async () => {
  const [server, volume, other] = [await aServer(cloud.owner), await aVolume(), await aVolume()]
  const made = await attach(server, { volumeId: volume, device: null })
  const old = { id: volume, volumeId: volume, serverId: server, device: '/dev/vdb' }
  expect([made.statusCode, made.json()]).toEqual([200, { volumeAttachment: old }])
  await cloud.owner.settle()
  expect(await stateOf(volume)).toBe('in-use')
  await attach(server, { volumeId: other, device: '/dev/vdd', delete_on_termination: true }, 79)
  await cloud.owner.settle()
  const newer = { id: other, volumeId: other, serverId: server, device: '/dev/vdd', tag: null }
  expect(await listed(server)).toEqual({
    volumeAttachments: [old, { ...old, id: other, volumeId: other, device: '/dev/vdd' }],
  })
  expect((await listed(server, 70, '?limit=1&offset=1')).volumeAttachments).toEqual([newer])
  const one = await ask('GET', `/servers/${server}/os-volume_attachments/${other}`, { minor: 79 })
  expect(one.json()).toEqual({ volumeAttachment: { ...newer, delete_on_termination: true } })
  const shown = async (minor: number) =>
    ((await ask('GET', `/servers/${server}`, { minor })).json() as { server: Record<string, unknown> })
      .server['os-extended-volumes:volumes_attached']
  expect(await shown(1)).toEqual([{ id: volume }, { id: other }])
  expect(await shown(3)).toEqual([
    { id: volume, delete_on_termination: false },
    { id: other, delete_on_termination: true },
  ])
  const gone = await ask('DELETE', `/servers/${server}/os-volume_attachments/${volume}`)
  expect([gone.statusCode, gone.body]).toEqual([202, ''])
  await cloud.owner.settle()
  expect(await stateOf(volume)).toBe('available')
  expect((await listed(server)).volumeAttachments).toHaveLength(1)
})

test.each([
  ['no volume', {}, 400],
  ['an id of another form', { volumeId: 'x' }, 400],
  ['a volume that does not exist', { volumeId: crypto.randomUUID() }, 404],
  ['a device that is a path', { device: '../../etc/passwd' }, 400],
  ['the device of the root disk', { device: '/dev/vda' }, 400],
  ['a tag, of which guests are not told', { tag: 'data' }, 400],
  ['an unknown property', { size: 1 }, 400],
])('%s is refused, and nothing is reserved', async (_what, patch, status) => {
  const [server, volumeId] = [await aServer(cloud.owner), await aVolume()]
  const body = Object.keys(patch).length === 0 ? {} : { volumeId, ...patch }
  const answer = await attach(server, body, 79)
  expect([answer.statusCode, answer.body]).toEqual([status, expect.stringContaining(`"code":${status}`)])
  expect(await stateOf(volumeId)).toBe('available')
})

test('a volume that another server has is refused with 400, and the id of a volume that it does not have is a 404', async () => {
  const [server, other, volume] = [await aServer(cloud.owner), await aServer(cloud.owner), await aVolume()]
  await attach(server, { volumeId: volume })
  await cloud.owner.settle()
  const second = await attach(other, { volumeId: volume })
  expect([second.statusCode, second.body]).toEqual([400, expect.stringContaining('in use')])
  for (const method of ['GET', 'DELETE'] as const)
    expect((await ask(method, `/servers/${other}/os-volume_attachments/${volume}`)).statusCode).toBe(404)
})

test('a volume is not exchanged for another one, and nobody but an administrator may ask for that', async () => {
  const [server, volume, other] = [await aServer(cloud.owner), await aVolume(), await aVolume()]
  await attach(server, { volumeId: volume })
  await cloud.owner.settle()
  const exchange = (body: object, token: string, minor = 79) =>
    ask('PUT', `/servers/${server}/os-volume_attachments/${volume}`, {
      ...{ minor, token, body: { volumeAttachment: body } },
    })
  const { ownerMember, admin } = cloud.tokens
  for (const minor of [1, 79]) {
    const refused = await exchange({ volumeId: other }, ownerMember, minor)
    expect([refused.statusCode, refused.body]).toEqual([
      403,
      expect.stringContaining(':swap to be performed'),
    ])
    const unable = await exchange({ volumeId: other }, admin, minor)
    expect([unable.statusCode, unable.body]).toEqual([
      400,
      expect.stringContaining('This cloud does not exchange volumes'),
    ])
  }
  // Whether the volume is deleted with the server can be changed in this way since 2.85, which this cloud does not speak.
  const early = await exchange({ volumeId: volume, delete_on_termination: true }, ownerMember)
  expect([early.statusCode, early.body]).toEqual([400, expect.stringContaining('was unexpected')])
  expect((await listed(server, 79)).volumeAttachments).toMatchObject([
    { volumeId: volume, delete_on_termination: false },
  ])
})
