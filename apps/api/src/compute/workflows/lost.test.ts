import { backgroundOp } from '@stratolith/drivers/op'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { deliverAll } from '../../hosts/documents.ts'
import { deliver } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { plainOp } from '../../kernel/hosts.ts'
import { runPending } from '../../kernel/testing.ts'
import { startInstance, stopInstance } from '../instances/actions.ts'
import { launchInstances } from '../instances/launch.ts'
import { reconcileHosts } from '../reconcile.ts'
import { aLaunch, testTenant, testWorld, type World } from '../testing.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
let id: string
beforeEach(async () => {
  world = await testWorld(['a'])
  tenant = await testTenant(world)
  const { instances } = await launchInstances(tenant, aLaunch(world))
  id = instances[0]?.id ?? ''
  await runPending(world.deps)
  await stopInstance(tenant, { id })
  await runPending(world.deps)
})
afterEach(() => world.close())

const db = () => world.deps.root
const onHost = () => world.hosts.get('a') as NonNullable<ReturnType<World['hosts']['get']>>
async function startsAtOnce(): Promise<void> {
  await startInstance(tenant, { id })
  await runPending(world.deps)
  expect(await db().instance.findUniqueOrThrow({ where: { id } })).toMatchObject({
    vmState: 'active',
    faultDetail: null,
  })
  expect(onHost().hypervisor.state.instances[id]?.power).toBe('running')
}

test('a guest starts where its host has lost the port and the network that it had confirmed', async () => {
  const { network } = onHost()
  const port = await db().port.findFirstOrThrow({ where: { deviceId: id } })
  await network.removePort(backgroundOp(world.deps.log), port.id)
  for (const routerId of network.state.routers.keys())
    await network.removeRouter(backgroundOp(world.deps.log), routerId)
  await network.removeNetwork(backgroundOp(world.deps.log), port.networkId)
  await startsAtOnce()
  expect(network.state.ports.has(port.id)).toBe(true)
})

test('a guest starts where its host has heard newer documents than these rows, of a backup, know', async () => {
  // The standby database had not received the last changes of the database that it replaced.
  await db().$executeRaw`UPDATE "Document" SET "generation" = "generation" + 3`
  await db().$executeRaw`UPDATE "HostDocument" SET "confirmed" = 0`
  await startsAtOnce()
  await stopInstance(tenant, { id })
  await runPending(world.deps)
  await db().$executeRaw`UPDATE "Document" SET "generation" = greatest(1, "generation" - 3)`
  await startsAtOnce()
})

test.each(['a build', 'a start'])(
  '%s that is told late powers on no guest that was stopped meanwhile',
  async (what) => {
    if (what === 'a build') {
      const { instances } = await launchInstances(tenant, aLaunch(world))
      id = instances[0]?.id ?? ''
      await db().$executeRaw`UPDATE "HostDocument" SET "dueAt" = now() - interval '2 minutes'`
    } else await startInstance(tenant, { id })
    const { documents, hypervisor } = onHost()
    const apply = documents.apply.bind(documents)
    const turn = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const late = vi.spyOn(documents, 'apply').mockImplementationOnce(async (op, told) => {
      begun.resolve()
      await turn.promise
      return apply(op, told)
    })
    const { id: hostId } = await db().host.findFirstOrThrow()
    const told = deliver(world.system, plainOp(world.system), hostId, { kinds: [], gone: [], always: [id] })
    await begun.promise
    await runPending(world.deps)
    expect(hypervisor.state.instances[id]?.power).toBe('running')
    await stopInstance(tenant, { id })
    await runPending(world.deps)
    turn.resolve()
    await told
    expect(hypervisor.state.instances[id]?.power).toBe('off')
    late.mockRestore()
  },
)

test('a guest whose row is lost, but not deleted by anybody, during a round is not removed', async () => {
  const { documents, hypervisor, storage } = onHost()
  const list = vi.spyOn(documents, 'list').mockImplementationOnce(async () => {
    await db().instance.deleteMany({ where: { id } })
    return []
  })
  await reconcileHosts(world.system)
  expect(list).toHaveBeenCalledOnce()
  expect(await db().hostDocument.count({ where: { kind: 'instance', thing: id } })).toBe(0)
  await deliverAll(world.system)
  const op = plainOp(world.system)
  expect([await hypervisor.list(op), await storage.listDisks(op)]).toMatchObject([[{ id }], [{ id }]])
  list.mockRestore()
})
