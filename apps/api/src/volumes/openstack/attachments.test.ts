import { afterAll, beforeAll, expect, test } from 'vitest'
import { aServer } from '../../compute/instances/testing.openstack.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { aVolume } from '../testing.openstack.ts'
import { ask, closeCinder, cloud, openCinder } from './cinder.testing.ts'

beforeAll(openCinder)
afterAll(closeCinder)

const at = { version: 'volume 3.44' }
const list = async (query = '') =>
  ((await ask('GET', `/attachments${query}`, at)).json() as { attachments: { id: string }[] }).attachments

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

test('nobody takes a volume from a server, or gives it to a second one, by Cinder', async () => {
  const { server, volume } = await attached()
  const [{ id } = { id: '' }] = await list(`?volume_id=${volume}`)
  const wish = { attachment: { volume_uuid: volume, instance_uuid: server, connector: {} } }
  const { admin } = cloud.tokens
  for (const token of [undefined, admin])
    for (const [method, path, body] of [
      ['POST', '/attachments', wish],
      ['PUT', `/attachments/${id}`, { attachment: { connector: { host: 'x' } } }],
      ['POST', `/attachments/${id}/action`, { 'os-complete': null }],
      ['DELETE', `/attachments/${id}`, undefined],
    ] as const) {
      const answer = await ask(method, path, { ...at, body, ...(token ? { token } : {}) })
      expect([answer.statusCode, answer.body], `${method} ${path}`).toEqual([
        409,
        expect.stringContaining('by their servers alone'),
      ])
    }
  const free = { attachment: { volume_uuid: await aVolume(cloud.owner), instance_uuid: server } }
  expect((await ask('POST', '/attachments', { ...at, body: free })).statusCode).toBe(409)
  const rows = await cloud.owner.deps.root.volumeAttachment.findMany({ where: { volumeId: volume } })
  expect(rows).toMatchObject([{ id, instanceId: server, state: 'attached' }])
})
