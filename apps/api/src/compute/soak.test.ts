import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Ctx } from '../kernel/context.ts'
import { runPending } from '../kernel/testing.ts'
import { createConsole } from './consoles/service.ts'
import { deleteInstance } from './instances/actions.ts'
import { launchInstances } from './instances/launch.ts'
import { accounts, aLaunch, leftovers, testTenant, testWorld, type World } from './testing.ts'

/** `npm run soak` asks for ten times as many. */
const cycles = Number(process.env.SOAK_CYCLES ?? 50)
let world: World
beforeAll(async () => {
  world = await testWorld(['a', 'b', 'c'])
})
afterAll(() => world.close())

test(`${cycles} cycles of launch and delete leave nothing behind`, {
  timeout: 30_000 + cycles * 2_000,
}, async () => {
  const tenant = await testTenant(world)
  // The first launch makes things that stay: the security group of the presets.
  await cycle(tenant, 0)
  const before = await everything(tenant.projectId)
  for (let i = 1; i <= cycles; i++) await cycle(tenant, i)
  expect(await everything(tenant.projectId)).toEqual(before)
  expect(await leftovers(world)).toEqual({ guests: 0, ports: 0, disks: 0 })
  const actions = await world.deps.root.operation.groupBy({ by: ['action', 'state'], _count: true })
  const launches = actions.filter((row) => row.action === 'instance.create')
  expect(launches.reduce((sum, row) => sum + row._count, 0)).toBe(cycles + 1)
  expect(launches.find((row) => row.state === 'failed')?._count).toBe(Math.floor(cycles / 10))
})

/**
 * Launches and deletes one instance. Most are deleted when they run, every tenth before its build has begun; every
 * fourth has a public IP.
 */
async function cycle(tenant: Ctx, index: number): Promise<void> {
  const { instances } = await launchInstances(
    tenant,
    aLaunch(world, { openPresets: ['ssh'], publicIp: index % 4 === 0 }),
  )
  const id = instances[0]?.id ?? ''
  if (index === 0 || index % 10 !== 0) {
    await runPending(world.deps)
    const row = await world.deps.root.instance.findUniqueOrThrow({ where: { id } })
    expect(row.vmState, `cycle ${index}: ${row.faultMessage}`).toBe('active')
    const signedIn = { ...tenant, actor: { ...tenant.actor, tokenHash: 'soak' } }
    if (index % 5 === 0) await createConsole(signedIn, { id, protocol: 'serial' })
  }
  await deleteInstance(tenant, { id })
  await runPending(world.deps)
}

/** Counts the rows of every table that an instance touches, and reads all counters. */
async function everything(projectId: string): Promise<Record<string, unknown>> {
  const db = world.deps.root
  return {
    instances: await db.instance.count(),
    consoleTokens: await db.consoleToken.count(),
    ports: await db.port.count({ where: { deviceOwner: 'compute:nova' } }),
    allPorts: await db.port.count(),
    addresses: await db.portAddress.count(),
    groupsOfPorts: await db.portSecurityGroup.count(),
    groups: await db.securityGroup.count(),
    floatingIps: await db.floatingIp.count(),
    unfinished: await db.operation.count({ where: { state: { notIn: ['succeeded', 'failed'] } } }),
    runningSteps: await db.operationStep.count({
      where: { state: 'running', operation: { state: 'succeeded' } },
    }),
    usage: await accounts(world, projectId),
  }
}
