import { afterAll, beforeAll, expect, test } from 'vitest'
import { deliverAll } from '../../hosts/documents.ts'
import type { Ctx } from '../../kernel/context.ts'
import { runPending } from '../../kernel/testing.ts'
import { launchInstances } from '../instances/launch.ts'
import { aLaunch, testTenant, testWorld, type World } from '../testing.ts'

let world: World
let tenant: Ctx & { projectId: string; networkId: string }
beforeAll(async () => {
  world = await testWorld(['a', 'b'])
  tenant = await testTenant(world)
  await runPending(world.deps)
})
afterAll(() => world.close())

test('a launch whose first host has an agent that knows not all of it is built on another one at once', async () => {
  const { instances } = await launchInstances(tenant, aLaunch(world))
  const id = instances[0]?.id ?? ''
  const rowOf = () =>
    world.deps.root.instance.findUniqueOrThrow({
      where: { id },
      include: { host: { select: { endpoint: true } } },
    })
  const first = (await rowOf()).host?.endpoint.replace('fake:', '') ?? ''
  const host = world.hosts.get(first)
  if (!host) throw new Error('the host is gone')
  const { documents } = host
  let refused = 0
  host.documents = {
    list: (op, kind) => documents.list(op, kind),
    async apply(op, all) {
      const old = all.filter(({ kind, body }) => kind === 'instance' && body !== null)
      refused += old.length
      const receipts = await documents.apply(
        op,
        all.filter((one) => !old.includes(one)),
      )
      const message = 'instance.localDisks needs version 7 of the protocol.'
      const no = { outcome: 'failed', code: 'unsupported', message } as const
      return [
        ...receipts,
        ...old.map(({ kind, id: thing, generation }) => ({ kind, id: thing, generation, ...no })),
      ]
    },
  }
  await runPending(world.deps)
  const row = await rowOf()
  expect(row).toMatchObject({ vmState: 'active', taskState: null, faultMessage: null })
  expect(row.host?.endpoint).not.toBe(`fake:${first}`)
  expect(refused).toBe(1)
  await deliverAll(world.system)
  expect(host.hypervisor.state.instances).toEqual({})
  expect([...host.storage.disks]).toEqual([])
})
