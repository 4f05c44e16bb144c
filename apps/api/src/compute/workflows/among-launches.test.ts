import { afterEach, beforeEach, expect, test } from 'vitest'
import { deliverAll } from '../../hosts/documents.ts'
import { runOperation } from '../../kernel/run.ts'
import { runPending } from '../../kernel/testing.ts'
import { deleteInstance, rebootInstance } from '../instances/actions.ts'
import { launchInstances } from '../instances/launch.ts'
import { aLaunch, testTenant, testWorld, type World } from '../testing.ts'

/** Workflows while other work goes on: the delivery of documents, and launches of the same project. */
let world: World
beforeEach(async () => {
  world = await testWorld(['a'])
})
afterEach(() => world.close())
const db = () => world.deps.root
const operationsOf = (action: string) => db().operation.findMany({ where: { action } })

test('a soft reboot whose guest shuts down ends with a running guest, also when its host was told first', async () => {
  const tenant = await testTenant(world)
  const { instances } = await launchInstances(tenant, aLaunch(world))
  const id = instances[0]?.id ?? ''
  await runPending(world.deps)
  const hypervisor = world.hosts.get('a')?.hypervisor
  hypervisor?.ignorePowerButton(id)
  await rebootInstance(tenant, { id, kind: 'soft' })
  await deliverAll(world.system)
  const [reboot] = await operationsOf('instance.reboot')
  expect(await runOperation(world.deps, reboot?.id ?? '', { last: true })).toBe('waiting')
  const guest = hypervisor?.state.instances[id]
  Object.assign(guest ?? {}, { power: 'off', pid: null })
  await runPending(world.deps)
  expect(await db().instance.findUnique({ where: { id } })).toMatchObject({
    vmState: 'active',
    taskState: null,
  })
  expect(hypervisor?.state.instances[id]?.power).toBe('running')
})

test('deletions among launches of one project end without a deadlock', async () => {
  const tenant = await testTenant(world)
  for (const resource of ['instances', 'vcpus', 'memoryMib', 'ports'])
    await db().quotaLimit.create({ data: { projectId: tenant.projectId, resource, limit: -1 } })
  await db().host.updateMany({ data: { vcpus: 10_000, memoryMib: 100_000_000, diskGib: 1_000_000 } })
  const usedNow = async () => {
    const usage = await db().quotaUsage.findMany({ where: { projectId: tenant.projectId } })
    return Object.fromEntries(usage.map((row) => [row.resource, row.used]))
  }
  const { ports = 0 } = await usedNow()
  const { instances } = await launchInstances(tenant, aLaunch(world, { count: 20 }))
  await runPending(world.deps)
  for (const { id } of instances) await deleteInstance(tenant, { id })
  const left = (await operationsOf('instance.delete')).values()
  const refused: unknown[] = []
  const launches = async () => {
    for (let i = 0; i < 8; i++) await launchInstances(tenant, aLaunch(world)).catch((e) => refused.push(e))
  }
  const deletions = async () => {
    for (const { id } of left) await runOperation(world.deps, id, { last: true })
  }
  await Promise.all([launches(), launches(), launches(), deletions(), deletions(), deletions()])
  expect(refused).toEqual([])
  const states = new Set((await operationsOf('instance.delete')).map((one) => one.state))
  expect([...states]).toEqual(['succeeded'])
  expect(await usedNow()).toMatchObject({ instances: 24, ports: ports + 24 })
})
