import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteProject, projectDeletionPlan } from '../directory/projects/deletion.ts'
import { createDomain, deleteDomain, getDomain, updateDomain } from '../directory/projects/domains.ts'
import { createProject, getProject, updateProject } from '../directory/projects/service.ts'
import { deleteUser } from '../directory/users/service.ts'
import { type Deps, inTransaction } from '../kernel/context.ts'
import { runOperation } from '../kernel/run.ts'
import { expectCloudError, failEveryStep, hexId, runToEnd } from '../kernel/testing.ts'
import { createFloatingIp } from '../networking/floating-ips/service.ts'
import { createNetworkRow } from '../networking/networks/service.ts'
import { createSecurityGroup } from '../networking/security-groups/service.ts'
import { createServerGroup } from './groups/service.ts'
import { launchInstances } from './instances/launch.ts'
import { createKeyPair } from './key-pairs/service.ts'
import { accounts, addImage, aLaunch, leftovers, testTenant, testWorld, type World } from './testing.ts'
import '../register.ts'

/**
 * Deletes a project with one thing of every kind, and shows that nothing of it is left wherever its deletion is cut
 * off.
 */
let world: World
let stop: () => Promise<void>
beforeAll(async () => {
  world = await testWorld(['a'])
  stop = runOthers(world.deps)
})
afterAll(async () => {
  await stop()
  await world.close()
})

/** Plays the worker: runs all operations that a deletion starts, but no deletion of a project. */
function runOthers(deps: Deps): () => Promise<void> {
  let over = false
  const done = (async () => {
    while (!over) {
      const row = await deps.root.operation.findFirst({
        where: { state: { in: ['queued', 'running', 'undoing'] }, action: { not: 'project.delete' } },
        orderBy: { createdAt: 'asc' },
        select: { id: true },
      })
      if (row) await runOperation(deps, row.id, { last: true })
      else await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  return () => {
    over = true
    return done
  }
}

async function furnished() {
  const tenant = await testTenant(world)
  const external = await world.deps.root.network.findFirstOrThrow({ where: { external: true } })
  await launchInstances(tenant, aLaunch(world, { networkIds: [tenant.networkId] }))
  await createFloatingIp(tenant, { networkId: external.id, description: '' })
  await createServerGroup(tenant, { name: 'apart', policy: 'anti-affinity' })
  await world.deps.root.flavorAccess.create({ data: { flavorId: '1', projectId: tenant.projectId } })
  await createSecurityGroup(tenant, { name: 'web', description: '' })
  await addImage(world.deps, tenant.projectId, { visibility: 'private', protected: true, name: 'own' })
  return tenant
}
const start = async () => {
  const { projectId } = await furnished()
  const { operationId } = await deleteProject(world.system, { id: projectId })
  return { operationId, resourceId: projectId }
}
async function nothingLeft(projectId: string, at: string): Promise<void> {
  const { root } = world.deps
  expect(await root.project.findUnique({ where: { id: projectId } }), at).toBeNull()
  expect(await root.quotaUsage.count({ where: { projectId } }), at).toBe(0)
  expect(await root.flavorAccess.count({ where: { projectId } }), at).toBe(0)
  expect(await root.pastInstance.count({ where: { projectId } }), at).toBe(0)
  expect(await leftovers(world), at).toEqual({ guests: 0, ports: 0, disks: 0 })
  const { hostVcpus, hostMemoryMib, hostDiskGib } = await accounts(world, projectId)
  expect([hostVcpus, hostMemoryMib, hostDiskGib], at).toEqual([0, 0, 0])
}

test('the plan names all things in the order of their deletion, and afterwards nothing is left', async () => {
  const { projectId } = await furnished()
  const plan = await projectDeletionPlan(world.system, { id: projectId })
  expect(plan.things.map((thing) => [thing.kind, thing.count])).toEqual([
    ['instance', 1],
    ['serverGroup', 1],
    ['floatingIp', 1],
    ['router', 1],
    ['port', expect.any(Number)],
    ['network', 1],
    ['securityGroup', 2],
    ['image', 1],
    ['flavorAccess', 1],
  ])
  const { operationId } = await deleteProject(world.system, { id: projectId })
  expect(await getProject(world.system, { id: projectId })).toMatchObject({ enabled: false, deleting: true })
  expect(await deleteProject(world.system, { id: projectId })).toEqual({ operationId })
  await expectCloudError(updateProject(world.system, { id: projectId, enabled: true }), 'conflict')
  await runToEnd(world.deps, operationId, { last: true })
  await nothingLeft(projectId, 'deleted')
})

// This test runs the whole deletion for each of its steps, failed and cut off, before and after the step.
test('a deletion that is cut off at any step goes on where it stopped', { timeout: 600_000 }, async () => {
  await failEveryStep(world.deps, {
    action: 'project.delete',
    start,
    async afterFailure(projectId, at) {
      const row = await world.deps.root.project.findUnique({ where: { id: projectId } })
      if (row) {
        expect(row, at).toMatchObject({ enabled: false, deleting: true })
        const { operationId } = await deleteProject(world.system, { id: projectId })
        await runToEnd(world.deps, operationId, { last: true })
      }
      await nothingLeft(projectId, at)
    },
    afterSuccess: nothingLeft,
  })
})

test('an image that another project uses stops the deletion with the reason; afterwards it goes on', async () => {
  const tenant = await furnished()
  const shared = await addImage(world.deps, tenant.projectId, { name: 'shared' })
  const other = await testTenant(world)
  const { instances } = await launchInstances(
    other,
    aLaunch(world, { imageId: shared, networkIds: [other.networkId] }),
  )
  const { operationId } = await deleteProject(world.system, { id: tenant.projectId })
  // The deletion comes to the images and waits. After a while without any change there, the deletion fails with the
  // reason.
  const found = () => world.deps.root.operation.findUniqueOrThrow({ where: { id: operationId } })
  const waiting = (data: unknown) => (data as Record<string, { count: number }>)['left:image']
  while (!waiting((await found()).stateData))
    expect(await runOperation(world.deps, operationId, { last: true })).toBe('waiting')
  const data = { 'left:image': { count: 1, at: Date.now() - 60_000 } }
  await world.deps.root.operation.update({ where: { id: operationId }, data: { stateData: data } })
  await runOperation(world.deps, operationId, { last: true })
  const row = await found()
  expect(row.state).toBe('failed')
  expect(row.errorMessage).toMatch(/1 Images.*instance/)
  await world.deps.root.instance.updateMany({
    where: { id: instances[0]?.id ?? '' },
    data: { imageId: null },
  })
  const again = await deleteProject(world.system, { id: tenant.projectId })
  await runToEnd(world.deps, again.operationId, { last: true })
  expect(await world.deps.root.project.findUnique({ where: { id: tenant.projectId } })).toBeNull()
})

test('key pairs are deleted with their user', async () => {
  const tenant = await testTenant(world)
  await createKeyPair(tenant, { name: 'mine' })
  await deleteUser(world.system, { id: tenant.actor.userId })
  expect(await world.deps.root.keyPair.count({ where: { userId: tenant.actor.userId } })).toBe(0)
})

test('deleting a domain deletes projects that have only the things they had from the start', async () => {
  const { system } = world
  const { id } = await createDomain(system, { name: `d-${hexId()}` })
  const project = await createProject(system, { name: 'of-domain', domainId: id })
  expect(await world.deps.root.securityGroup.count({ where: { projectId: project.id } })).toBe(1)
  await updateDomain(system, { id, enabled: false })
  const network = await inTransaction(system, (tx) => createNetworkRow(tx, project.id, { name: 'net' }))
  await expectCloudError(deleteDomain(system, { id }), 'conflict', /of-domain.*1 Networks/)
  expect(await world.deps.root.securityGroup.count({ where: { projectId: project.id } })).toBe(1)
  await world.deps.root.network.delete({ where: { id: network.id } })
  await deleteDomain(system, { id })
  expect(await world.deps.root.securityGroup.count({ where: { projectId: project.id } })).toBe(0)
})

test('a domain can be deleted right after its projects, while the worker deletes these', async () => {
  const { system, deps } = world
  const { root } = deps
  for (let turn = 0; turn < 30; turn++) {
    const name = `d-${hexId()}`
    const { id } = await createDomain(system, { name })
    const above = await createProject(system, { name: 'above', domainId: id })
    const below = await createProject(system, { name: 'below', domainId: id, parentId: above.id })
    const beside = await createProject(system, { name: 'beside', domainId: id })
    await updateDomain(system, { id, enabled: false })
    const asked = [
      await deleteProject(system, { id: below.id }),
      await deleteProject(system, { id: beside.id }),
    ]
    // The worker begins the deletions at different moments.
    const working = asked.map(async ({ operationId }, n) => {
      await new Promise((resolve) => setTimeout(resolve, (turn % 10) * 5 * n))
      return runToEnd(deps, operationId, { last: true })
    })
    await new Promise((resolve) => setTimeout(resolve, turn % 7))
    await deleteDomain(system, { id })
    await expectCloudError(getDomain(system, { id }), 'not_found')
    await expectCloudError(createProject(system, { name: 'late', domainId: id }), 'not_found')
    await deleteDomain(system, { id: await again(name) })
    await Promise.all(working)
    const operations = { resourceId: { in: [above.id, below.id, beside.id] }, action: 'project.delete' }
    // Nobody asked to delete the project above; its deletion waited for the project below if that still existed.
    const rest = await root.operation.findMany({ where: { ...operations, state: 'queued' } })
    for (const one of rest) await runToEnd(deps, one.id, { last: true })
    const done = await root.operation.findMany({ where: operations })
    expect(done.map((one) => one.state)).toEqual(done.map(() => 'succeeded'))
    expect(done.length).toBeGreaterThanOrEqual(2)
    expect(await root.domain.count({ where: { id } })).toBe(0)
    expect(await root.project.count({ where: { domainId: id } })).toBe(0)
  }
}, 120_000)

/** Makes a domain of that name, which is free at once. */
async function again(name: string): Promise<string> {
  const { id } = await createDomain(world.system, { name, enabled: false })
  return id
}
