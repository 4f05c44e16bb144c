import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { runOperation } from '../../kernel/run.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import {
  poolCreateInput,
  volumeCreateInput,
  volumeMoveInput,
  volumeRetypeInput,
  volumeTypeCreateInput,
} from '../contract.ts'
import { getPool } from '../pools/list.ts'
import { createPool } from '../pools/service.ts'
import { createVolume, deleteVolume, getVolume, moveVolume, retypeVolume, stopMove } from '../service.ts'
import { createVolumeType } from '../types/service.ts'

let world: World
let tenant: Ctx
let admin: Ctx
const archive = 'shared@archive'
const local = 'secret-name-a@local'
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin' })
  await runPending(world.deps)
  const place = { driver: 'files', path: '/srv/x' }
  await createPool(admin, poolCreateInput.parse({ name: 'archive', place, capacityGib: 20 }))
  const types = { archive: { volume_backend_name: 'archive' }, 'disk-a': { pool_name: local } }
  for (const [name, extraSpecs] of Object.entries(types))
    await createVolumeType(admin, volumeTypeCreateInput.parse({ name, extraSpecs }))
})
afterAll(() => world.close())

async function aVolume(): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 2, type: 'disk-a' }))
  await runPending(world.deps)
  return id
}
const retype = (id: string) =>
  retypeVolume(tenant, volumeRetypeInput.parse({ id, type: 'archive', migrate: 'on-demand' }))
async function expectStopped(id: string): Promise<void> {
  const seen = await getVolume(admin, { id })
  expect(seen).toMatchObject({ state: 'available', pool: local, type: { name: 'disk-a' } })
  expect(await getPool(admin, { name: archive })).toMatchObject({ usedGib: 0 })
  expect(await world.deps.root.volumeMessage.count({ where: { resourceId: id } })).toBe(0)
}

test('a move that copies is stopped, and the volume stays where it was', async () => {
  const id = await aVolume()
  await retype(id)
  const { id: operationId } = await world.deps.root.operation.findFirstOrThrow({
    where: { resourceId: id, action: 'volume.retype' },
  })
  const volumes = world.hosts.get('a')?.volumes
  if (!volumes) throw new Error('no host a')
  const { copyVolume } = volumes
  const copying = Promise.withResolvers<void>()
  volumes.copyVolume = () => {
    copying.resolve()
    return new Promise<never>(() => undefined)
  }
  try {
    const over = runOperation(world.deps, operationId, { last: true })
    await copying.promise
    await stopMove(tenant, { id })
    expect(await over).toBe('over')
  } finally {
    volumes.copyVolume = copyVolume
  }
  const where = { id: operationId }
  const { state, errorMessage } = await world.deps.root.operation.findUniqueOrThrow({ where })
  expect([state, errorMessage]).toEqual(['failed', 'The move was stopped.'])
  await expectStopped(id)
  await expectCloudError(stopMove(tenant, { id }), 'conflict', /not being moved/)
})

test('a move of a large volume goes on after days, as long as nobody stops it', async () => {
  const id = await aVolume()
  await retype(id)
  const where = { resourceId: id, action: 'volume.retype' }
  const { id: operationId } = await world.deps.root.operation.findFirstOrThrow({ where })
  const startedAt = new Date(Date.now() - 5 * 24 * 3_600_000)
  await world.deps.root.operation.update({ where: { id: operationId }, data: { startedAt } })
  const silent = new DriverError('unavailable', 'The host was silent for a moment.')
  world.hosts.get('a')?.volumes.failNext('copyVolume', silent)
  await expectCloudError(runOperation(world.deps, operationId, { last: false }), 'unavailable')
  await runPending(world.deps)
  expect(await getVolume(admin, { id })).toMatchObject({ state: 'available', pool: archive })
  await deleteVolume(tenant, { id })
  await runPending(world.deps)
})

test('a move is stopped before it has begun, and one of an administrator by administrators', async () => {
  const id = await aVolume()
  await retype(id)
  await stopMove(tenant, { id })
  await expectCloudError(stopMove(tenant, { id }), 'conflict', /being ended already/)
  await runPending(world.deps)
  await expectStopped(id)
  const { id: plain } = await createVolumeType(admin, volumeTypeCreateInput.parse({ name: 'plain' }))
  await retypeVolume(tenant, volumeRetypeInput.parse({ id, type: plain, migrate: 'never' }))
  await moveVolume(admin, volumeMoveInput.parse({ id, pool: archive }))
  await expectCloudError(stopMove(tenant, { id }), 'forbidden')
  await stopMove(admin, { id })
  await runPending(world.deps)
  expect(await getVolume(admin, { id })).toMatchObject({ state: 'available', pool: local })
})
