import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemCtx } from '../../kernel/context.ts'
import { expectCloudError, queriesOf, runPending } from '../../kernel/testing.ts'
import { aLaunch, testTenant, testWorld, type World } from '../testing.ts'
import { stopInstance } from './actions.ts'
import { launchInstances } from './launch.ts'
import { summarizeInstances } from './summary.ts'

let world: World
beforeAll(async () => {
  world = await testWorld()
})
afterAll(() => world.close())

test('a project sees its number of instances by state, and the cloud the projects with the most', async () => {
  const [big, small] = [await testTenant(world), await testTenant(world)]
  const admin = systemCtx(world.deps, 'test')
  const { instances } = await launchInstances(big, aLaunch(world, { count: 2 }))
  await launchInstances(small, aLaunch(world, {}))
  expect((await summarizeInstances(big, { allProjects: false })).byStatus).toEqual({ BUILD: 2 })
  await runPending(world.deps)
  await stopInstance(big, { id: instances[0]?.id ?? '' })
  await runPending(world.deps)
  expect(await summarizeInstances(big, { allProjects: false })).toEqual({
    byStatus: { ACTIVE: 1, SHUTOFF: 1 },
    projects: [],
  })
  const all = await summarizeInstances(admin, { allProjects: true })
  expect(all.byStatus).toEqual({ ACTIVE: 2, SHUTOFF: 1 })
  expect(all.projects.map(({ id, instances: count }) => [id, count])).toEqual([
    [big.projectId, 2],
    [small.projectId, 1],
  ])
  await expectCloudError(summarizeInstances(big, { allProjects: true }), 'forbidden')
  expect(await queriesOf(() => summarizeInstances(admin, { allProjects: true }))).toBe(3)
})
