import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../kernel/context.ts'
import { Crash, type Probe } from '../../kernel/run.ts'
import { runPending, runToEnd } from '../../kernel/testing.ts'
import { portCreateInput } from '../../networking/contract.ts'
import { createPort } from '../../networking/ports/change.ts'
import { attachInterface, detachInterface } from '../instances/interfaces.ts'
import { launchInstances } from '../instances/launch.ts'
import { aLaunch, testTenant, testWorld, type World } from '../testing.ts'
import { portAttachment } from './ports.ts'

let world: World
beforeAll(async () => {
  world = await testWorld()
})
afterAll(() => world.close())

type Tenant = Awaited<ReturnType<typeof testTenant>>
/** Launches an instance; `lend` makes a port of its owner and attaches it. */
async function borrower(tenant: Tenant) {
  const [instance] = (await launchInstances(tenant, aLaunch(world))).instances
  const id = instance?.id ?? ''
  await runPending(world.deps)
  const lend = async (name: string) => {
    const port = await createPort(tenant, portCreateInput.parse({ networkId: tenant.networkId, name }))
    await attachInterface(tenant, { id, portId: port.id })
    return port.id
  }
  return { id, lend }
}

test('the release of one port does not forget another port that was lent meanwhile', async () => {
  const tenant = await testTenant(world)
  const { id, lend } = await borrower(tenant)
  const first = await lend('first')
  // A workflow has read the row of the instance here, and the user lends another port before its release.
  const second = await lend('second')
  await inTransaction(tenant, (tx) => portAttachment.release(tx, id, first))
  const { root } = world.deps
  expect((await root.instance.findUniqueOrThrow({ where: { id } })).lentPortIds).toEqual([second])
  expect(await root.port.findUnique({ where: { id: first } })).toMatchObject({ deviceId: '' })
})

describe('a port that is lent again while an operation that takes it away is not over', () => {
  const detached = async (tenant: Tenant) => {
    const { id, lend } = await borrower(tenant)
    const portId = await lend('kept')
    await runPending(world.deps)
    await detachInterface(tenant, { id, portId })
    return { id, portId, lend: () => attachInterface(tenant, { id, portId }) }
  }
  const operation = (resourceId: string, action: string) =>
    world.deps.root.operation.findFirstOrThrow({
      where: { resourceId, action },
      orderBy: { createdAt: 'desc' },
    })
  /** Kills the worker at the first such place of the operation. */
  const killed = async (resourceId: string, action: string, at: (probe: Parameters<Probe>[0]) => boolean) => {
    const { id } = await operation(resourceId, action)
    const probe: Probe = (place) => {
      if (at(place)) throw new Crash('kill -9')
    }
    await expect(runToEnd(world.deps, id, { last: false, probe })).rejects.toBeInstanceOf(Crash)
    return id
  }
  const nics = (id: string) =>
    [...world.hosts.values()]
      .flatMap((host) => host.hypervisor.state.instances[id] ?? [])
      .flatMap((guest) => guest.spec.nics.map((nic) => nic.portId))
  const has = async (id: string, portId: string) => {
    const { root } = world.deps
    const { hostId, lentPortIds } = await root.instance.findUniqueOrThrow({ where: { id } })
    expect(await root.port.findUnique({ where: { id: portId } })).toMatchObject({ deviceId: id, hostId })
    expect(lentPortIds).toEqual([portId])
    expect(nics(id)).toContain(portId)
  }

  test('stays with the same instance, whichever of the two operations runs first', async () => {
    for (const first of ['instance.detach', 'instance.attach']) {
      const tenant = await testTenant(world)
      const { id, portId, lend } = await detached(tenant)
      const released = ({ step, when }: Parameters<Probe>[0]) => step === 'port' && when === 'after'
      await killed(id, 'instance.detach', released)
      await lend()
      for (const action of [first, first === 'instance.detach' ? 'instance.attach' : 'instance.detach'])
        await runToEnd(world.deps, (await operation(id, action)).id, { last: false })
      expect((await operation(id, 'instance.detach')).state).toBe('succeeded')
      await has(id, portId)
    }
  })

  test('stays with another instance, although the first one was asked twice to release the port', async () => {
    const tenant = await testTenant(world)
    const one = await borrower(tenant)
    const two = await borrower(tenant)
    const portId = await one.lend('wanted')
    await runPending(world.deps)
    // A second request to detach the port is queued behind the first one.
    for (let n = 0; n < 2; n++) await detachInterface(tenant, { id: one.id, portId })
    const both = await world.deps.root.operation.findMany({
      where: { resourceId: one.id, action: 'instance.detach' },
      orderBy: { createdAt: 'asc' },
    })
    await runToEnd(world.deps, both[0]?.id ?? '', { last: true })
    await attachInterface(tenant, { id: two.id, portId })
    await runPending(world.deps)
    await has(two.id, portId)
    expect(nics(one.id)).not.toContain(portId)
  })
})
