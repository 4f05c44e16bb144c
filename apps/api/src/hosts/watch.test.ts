import type { HypervisorEvent } from '@stratolith/drivers/hypervisor/interface'
import { backgroundOp } from '@stratolith/drivers/op'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { testWorld, type World } from '../compute/testing.ts'
import { HostConnections } from '../kernel/hosts.ts'
import { watchHostEvents } from './watch.ts'

let world: World
beforeEach(async () => {
  world = await testWorld(['a'])
})
afterEach(() => world.close())

test('the power changes of every host are told until the subscription ends', async () => {
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
    volumes: [],
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

test('a host that cannot be reached does not keep other hosts from being watched', async () => {
  const room = { vcpus: 1, memoryMib: 1, diskGib: 1 }
  for (const endpoint of ['nowhere:odd', 'fake:late'])
    await world.deps.root.host.create({
      data: { id: crypto.randomUUID(), name: endpoint, endpoint, ...room },
    })
  const watched: string[] = []
  const hosts = new HostConnections((endpoint) => {
    if (endpoint === 'nowhere:odd') throw new Error('An endpoint is "unix:/path".')
    watched.push(endpoint)
    return world.deps.hosts.at(endpoint)
  })
  const log = vi.spyOn(world.deps.log, 'warn')
  const stop = watchHostEvents({ ...world.deps, hosts }, () => undefined)
  await vi.waitFor(() => expect(watched).toEqual(['fake:a', 'fake:late']), 60_000)
  stop()
  expect(log.mock.calls.map(([, words]) => words)).toContain('a host could not be watched')
  log.mockRestore()
})
