import { afterAll, beforeAll, expect, test } from 'vitest'
import { runPending } from '../../kernel/testing.ts'
import { portCreateInput } from '../../networking/contract.ts'
import { createPort } from '../../networking/ports/change.ts'
import { attachInterface } from '../instances/interfaces.ts'
import { launchInstances } from '../instances/launch.ts'
import { aLaunch, testTenant, testWorld, type World } from '../testing.ts'
import { portAttachment } from './ports.ts'

let world: World
beforeAll(async () => {
  world = await testWorld()
})
afterAll(() => world.close())

test('the release of one port does not forget another port that was lent meanwhile', async () => {
  const tenant = await testTenant(world)
  const [instance] = (await launchInstances(tenant, aLaunch(world))).instances
  const id = instance?.id ?? ''
  await runPending(world.deps)
  const lend = async (name: string) => {
    const port = await createPort(tenant, portCreateInput.parse({ networkId: tenant.networkId, name }))
    await attachInterface(tenant, { id, portId: port.id })
    return port.id
  }
  const first = await lend('first')
  // A workflow has read the row of the instance here, and the user lends another port before its release.
  const second = await lend('second')
  await portAttachment.release(tenant, id, first)
  const { root } = world.deps
  expect((await root.instance.findUniqueOrThrow({ where: { id } })).lentPortIds).toEqual([second])
  expect(await root.port.findUnique({ where: { id: first } })).toMatchObject({ deviceId: '' })
})
