import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aServer } from '../../compute/instances/testing.openstack.ts'
import { attachVolume } from '../../compute/instances/volumes.ts'
import { ask, closeCinder, cloud, openCinder } from '../openstack/cinder.testing.ts'
import { createSnapshot, extendVolume } from '../service.ts'
import { snapshotCreateInput } from '../snapshots/contract.ts'
import { aMessage, aVolume } from '../testing.openstack.ts'

beforeAll(openCinder)
afterAll(closeCinder)

const list = async (query = '', minor = 5) =>
  (
    (await ask('GET', `/messages${query}`, { version: `volume 3.${minor}` })).json() as {
      messages: { id: string; resource_uuid: string }[]
    }
  ).messages

test('a failed extension leaves a message with the reason, which can be found and deleted', async () => {
  const { owner } = cloud
  const id = await aVolume(owner)
  cloud.world.hosts.get('a')?.volumes.failNext('growVolume', new DriverError('no_space', 'full'))
  await extendVolume(owner.ctx, { id, sizeGib: 5 })
  await owner.settle()
  const [message] = await list(`?resource_uuid=${id}`)
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
  expect(message).toEqual({
    ...{ id: expect.any(String), event_id: 'VOLUME_VOLUME_007_001', message_level: 'ERROR' },
    ...{
      user_message: expect.stringMatching(/^extend volume: .+/),
      created_at: time,
      guaranteed_until: time,
    },
    ...{ request_id: expect.any(String), resource_type: 'VOLUME', resource_uuid: id },
    links: expect.any(Array),
  })
  const path = `/messages/${message?.id}`
  const at = { version: 'volume 3.3' }
  expect((await ask('GET', path, at)).json()).toEqual({ message })
  expect((await ask('GET', path, { version: 'volume 3.2' })).statusCode).toBe(404)
  expect((await ask('DELETE', path, at)).statusCode).toBe(204)
  expect((await ask('DELETE', path, at)).statusCode).toBe(404)
  expect((await ask('GET', path, at)).statusCode).toBe(404)
})

test('a list has filters and pages since 3.5', async () => {
  const [one, other] = [await aMessage(cloud.owner), await aMessage(cloud.owner)]
  // Both may be of the same moment.
  const data = { createdAt: new Date(Date.now() + 1_000) }
  await cloud.owner.deps.root.volumeMessage.update({ where: { id: other.id }, data })
  const ids = async (query: string, minor?: number) => (await list(query, minor)).map(({ id }) => id)
  expect(await ids('?event_id=VOLUME_VOLUME_007_001&sort=created_at:asc')).toEqual([one.id, other.id])
  expect(await ids(`?resource_uuid=${other.resourceId}`)).toEqual([other.id])
  expect(await ids(`?resource_uuid=${other.resourceId}`, 4)).toHaveLength(2)
  expect(await ids('?resource_type=VOLUME_SNAPSHOT')).toEqual([])
  expect(await ids('?message_level=INFO')).toEqual([])
  expect(await ids(`?limit=1&sort=created_at:asc&marker=${one.id}`)).toEqual([other.id])
})

test('what the user can do about a failure is said, and nothing else that the driver says', async () => {
  const { owner } = cloud
  const [server, id] = [await aServer(owner), await aVolume(owner)]
  const host = cloud.world.hosts.get('a')
  host?.hypervisor.failNext('ensure', new DriverError('no_slot', 'secret-name-a: no free slot'))
  await attachVolume(owner.ctx, { id: server, volumeId: id })
  await owner.settle()
  host?.volumes.failNext('ensureSnapshot', new DriverError('too_many_layers', 'secret-name-a: 100 layers'))
  await createSnapshot(owner.ctx, snapshotCreateInput.parse({ volumeId: id }))
  await owner.settle()
  const { body } = await ask('GET', '/messages?sort=created_at:asc', { version: 'volume 3.5' })
  expect(body).toMatch(
    /Stop and start it, which adds slots.*Make a new volume of an image or a backup of it/s,
  )
  expect(body).not.toContain('secret-name')
})
