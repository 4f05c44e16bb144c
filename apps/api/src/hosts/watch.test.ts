import type { HypervisorEvent } from '@stratolith/drivers/hypervisor/interface'
import { backgroundOp } from '@stratolith/drivers/op'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { testWorld, type World } from '../compute/testing.ts'
import { watchHostEvents } from './watch.ts'

let world: World
beforeEach(async () => {
  world = await testWorld(['a'])
})
afterEach(() => world.close())

test('the power changes of every host are told until it is stopped', async () => {
  const [host] = [...world.hosts.values()]
  const { id: hostId } = await world.deps.root.host.findFirstOrThrow()
  const told: [string, HypervisorEvent][] = []
  const stop = watchHostEvents(world.deps, (of, event) => told.push([of, event]))
  const op = backgroundOp(world.deps.log)
  const spec = (id: string) => ({
    id,
    projectId: 'p',
    name: 'n',
    vcpus: 1,
    memoryMib: 64,
    power: 'running' as const,
    disks: [],
    nics: [],
    guest: {
      hostname: 'h',
      zone: 'nova',
      launchIndex: 0,
      metadata: {},
      publicKeys: [],
      userData: null,
      securityGroups: [],
      flavorName: 'f',
      imageId: null,
    },
  })
  await vi.waitFor(async () => {
    await host?.hypervisor.ensure(op, spec(crypto.randomUUID()))
    expect(told.some(([id, event]) => id === hostId && event.power === 'running')).toBe(true)
  }, 60_000)
  stop()
  const before = told.length
  await host?.hypervisor.ensure(op, spec(crypto.randomUUID()))
  expect(told).toHaveLength(before)
})
