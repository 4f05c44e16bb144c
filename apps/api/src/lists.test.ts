import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aLaunch, testTenant, testWorld, type World } from './compute/testing.ts'
import type { Page } from './kernel/contract.ts'
import { runPending, testCtx } from './kernel/testing.ts'
import { appRouter } from './root-router.ts'
import './register.ts'

/** The words of the portal's columns: each list sorts by them, both ways, and can be walked in that order. */
const sorts: Record<string, string> = {
  'compute.instances.list': 'name state flavor image created host',
  'compute.flavors.list': 'name vcpus memory disk public',
  'compute.keyPairs.list': 'name created',
  'images.list': 'name state format size visibility created',
  'networking.networks.list': 'name state created',
  'networking.routers.list': 'name state gateway created',
  'networking.floatingIps.list': 'address attached state created',
  'networking.securityGroups.list': 'name created',
  'networking.ports.list': 'name mac state created',
  'volumes.list': 'name state size created',
  'volumes.snapshots.list': 'name state size created',
  'volumes.trash.list': 'name size until',
  'volumes.snapshots.trash.list': 'name size until',
  'volumes.backups.list': 'name state size created',
  'volumes.backups.trash.list': 'name size until',
  'operations.list': 'action resource state createdAt',
  'operations.audit': 'at',
  'hosts.list': 'name state vcpus memory disk instances accelerator',
  'hosts.strays': 'what since',
  'directory.domains.list': 'name enabled createdAt',
  'directory.projects.list': 'name state domain createdAt',
  'directory.users.list': 'name state domain lastActiveAt createdAt',
  'directory.groups.list': 'name domain createdAt',
  'directory.roles.list': 'name createdAt',
  'directory.assignments.list': 'holder role place',
  'compute.serverGroups.list': 'name policy members created',
}

let world: World
type Ask = (input: object) => Promise<Page<{ id: string }>>
let procedure: (name: string) => Ask
beforeAll(async () => {
  world = await testWorld()
  const ctx = await testCtx(world.deps, { role: 'admin' })
  const me = await testTenant(world)
  const context = {
    ctx: me,
    anonymous: me,
    requestId: 'req-lists',
    sourceIp: '127.0.0.1',
    log: () => undefined,
  }
  const member = appRouter.createCaller(context)
  await member.compute.instances.launch(aLaunch(world, { count: 3 }))
  await member.networking.routers.create({ name: 'r' })
  const sizes = [4, 3, 2, 1]
  for (const sizeGib of sizes) await member.volumes.create({ name: `v${sizeGib}`, sizeGib })
  await runPending(world.deps)
  world.deps.config.takeBackMs = 60_000
  const volumes = (await member.volumes.list({})).items
  for (const { id } of volumes.slice(0, 2)) await member.volumes.delete({ id })
  for (const name of ['s', 't'])
    await member.volumes.snapshots.create({ volumeId: volumes.at(-1)?.id ?? '', name })
  const caller: unknown = appRouter.createCaller({ ...context, ctx })
  procedure = (name) =>
    name.split('.').reduce((at, part) => (at as Record<string, unknown>)[part], caller) as Ask
})
afterAll(() => world.close())

describe.each(Object.entries(sorts))('%s', (name, words) => {
  test.each(words.split(' ').flatMap((word) => [word, `-${word}`]))('is sorted by %s', async (sort) => {
    const ask = procedure(name)
    const all = { sort, allProjects: true }
    const whole = (await ask({ ...all, limit: 50 })).items.map(({ id }) => id)
    const seen: string[] = []
    for (let marker: string | undefined, more = true; more && seen.length < 4; ) {
      const page = await ask({ ...all, limit: 1, marker })
      expect(page.first).toBe(page.items.length === 0 ? null : seen.length + 1)
      seen.push(...page.items.map(({ id }) => id))
      more = page.next !== null
      marker = page.next ?? undefined
    }
    expect(seen).toEqual(whole.slice(0, Math.max(seen.length, Math.min(4, whole.length))))
  })
})
