import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accounts, testTenant, testWorld, type World } from '../compute/testing.ts'
import type { Ctx } from '../kernel/context.ts'
import { Crash, type Probe } from '../kernel/run.ts'
import { runPending, runToEnd } from '../kernel/testing.ts'
import { volumeCreateInput } from './contract.ts'
import { createVolume, extendVolume, getVolume } from './service.ts'

/** An extension whose worker died when the end was written and the step was not recorded yet. */
let world: World
let tenant: Ctx & { projectId: string }
beforeAll(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  await runPending(world.deps)
})
afterAll(() => world.close())

const host = () => {
  const found = world.hosts.get('a')
  if (!found) throw new Error('there is no host')
  return found
}
const used = async () => (await accounts(world, tenant.projectId)).volumeGib
async function aVolume(): Promise<string> {
  const { id } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 5 }))
  await runPending(world.deps)
  return id
}
/** Extends the volume up to the moment when the worker dies. Returns the operation. */
async function extended(id: string, sizeGib: number): Promise<string> {
  await extendVolume(tenant, { id, sizeGib })
  const { id: operationId } = await world.deps.root.operation.findFirstOrThrow({
    where: { resourceId: id, action: 'volume.extend' },
    orderBy: { createdAt: 'desc' },
  })
  const probe: Probe = ({ when }) => {
    if (when === 'after') throw new Crash('kill -9')
  }
  await expect(runToEnd(world.deps, operationId, { last: false, probe })).rejects.toBeInstanceOf(Crash)
  return operationId
}

test('does not take the end of the next extension when it is resumed', async () => {
  const id = await aVolume()
  const before = (await used()) ?? 0
  const first = await extended(id, 10)
  expect(await getVolume(tenant, { id })).toMatchObject({ state: 'available', sizeGib: 10 })
  await extendVolume(tenant, { id, sizeGib: 20 })
  await runToEnd(world.deps, first, { last: false })
  expect(await getVolume(tenant, { id })).toMatchObject({ state: 'extending', sizeGib: 10 })
  expect(await used()).toBe(before + 15)
  await runPending(world.deps)
  expect(await getVolume(tenant, { id })).toMatchObject({ state: 'available', sizeGib: 20 })
  expect(host().volumes.volumes.get(id)?.sizeBytes).toBe(20 * 1024 ** 3)
  expect(await used()).toBe(before + 15)
})

test('does not fail the next extension when it fails after its end', async () => {
  const id = await aVolume()
  const first = await extended(id, 10)
  await extendVolume(tenant, { id, sizeGib: 20 })
  host().volumes.failNext('growVolume', new DriverError('no_space', 'full'))
  const probe: Probe = () => {
    throw new Error('Injected failure.')
  }
  await runToEnd(world.deps, first, { last: true, probe })
  expect((await getVolume(tenant, { id })).state).toBe('extending')
  await runPending(world.deps)
  // The failure of the host was that of the second extension.
  expect(await getVolume(tenant, { id })).toMatchObject({ state: 'error_extending', sizeGib: 10 })
})
