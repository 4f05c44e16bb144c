import { DriverError } from '@stratolith/drivers/errors'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runPending } from '../kernel/testing.ts'
import { startHostWatch } from './events.ts'
import { launchInstances } from './instances/launch.ts'
import { getInstance } from './instances/service.ts'
import { aLaunch, testTenant, testWorld, type World } from './testing.ts'

describe('what hosts tell by themselves', () => {
  let world: World
  beforeAll(async () => {
    world = await testWorld(['a'])
  })
  afterAll(() => world.close())

  test('a guest whose process died is ERROR with the reason, even if the host is not reached at first', async () => {
    const me = await testTenant(world)
    const { instances } = await launchInstances(me, aLaunch(world))
    const id = instances[0]?.id ?? ''
    await runPending(world.deps)
    const hypervisor = world.hosts.get('a')?.hypervisor
    if (!hypervisor) throw new Error('there is no host')
    const subscribed = vi.spyOn(hypervisor, 'subscribe')
    const stop = startHostWatch(world.deps)
    await vi.waitFor(() => expect(subscribed).toHaveBeenCalled(), { timeout: 10_000 })
    // The first look fails, as it does while an agent or the database starts anew.
    hypervisor.failNext('get', new DriverError('unavailable', 'starting'))
    hypervisor.crash(id)
    await vi.waitFor(
      async () =>
        expect(await getInstance(me, { id })).toMatchObject({
          status: 'ERROR',
          fault: { message: expect.stringMatching(/process has died/) },
        }),
      { timeout: 20_000, interval: 100 },
    )
    stop()
  })
})
