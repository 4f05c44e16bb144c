import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, closeCinder, cloud, openCinder } from '../openstack/cinder.testing.ts'
import { aSnapshot } from '../snapshots/testing.openstack.ts'
import { aVolume } from '../testing.openstack.ts'

beforeAll(async () => {
  await openCinder()
  cloud.owner.deps.config.takeBackMs = 600_000
})
afterAll(closeCinder)

type Deleted = { deleted: { id: string; type: string; name: string; take_back_until: string }[] }

test('what a client has deleted is listed with its time, and taken back by its id', async () => {
  const volume = await aVolume(cloud.owner)
  const snapshot = await aSnapshot(cloud.owner)
  for (const path of [`/volumes/${volume}`, `/snapshots/${snapshot}`])
    expect((await ask('DELETE', path)).statusCode).toBe(202)
  const { deleted } = (await ask('GET', '/stratolith/deleted')).json() as Deleted
  expect(deleted.map(({ id, type }) => [id, type]).toSorted()).toEqual(
    [
      [volume, 'volume'],
      [snapshot, 'snapshot'],
    ].toSorted(),
  )
  expect(deleted[0]?.take_back_until).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
  const takeBack = (id: string) => ask('POST', `/stratolith/deleted/${id}/take-back`)
  expect((await takeBack(volume)).json()).toEqual({ volume: { id: volume, name: 'data' } })
  expect((await takeBack(snapshot)).json()).toMatchObject({ snapshot: { id: snapshot } })
  for (const path of [`/volumes/${volume}`, `/snapshots/${snapshot}`])
    expect((await ask('GET', path)).statusCode).toBe(200)
  // Nothing deleted has these ids any more.
  for (const id of [volume, crypto.randomUUID()]) expect((await takeBack(id)).statusCode).toBe(404)
})
