import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTenant, testWorld, type World } from '../../compute/testing.ts'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { volumeCreateInput } from '../contract.ts'
import { createBackup, createVolume, planBackup } from '../service.ts'
import { backupCreateInput } from './contract.ts'
import { backupReach } from './reach.ts'
import { restoreBackup } from './restore.ts'
import { listStores } from './stores.ts'

let world: World
let tenant: Ctx
let admin: Ctx
beforeAll(async () => {
  world = await testWorld(['a', 'b', 'c'])
  tenant = await testTenant(world)
  admin = await testCtx(world.deps, { role: 'admin' })
  await runPending(world.deps)
  for (const [name, zone] of Object.entries({ a: 'nova', b: 'z2', c: 'z3' }))
    await world.deps.root.host.update({ where: { name: `secret-name-${name}` }, data: { zone } })
})
afterAll(() => world.close())

const storeAt = (name: string) => {
  const found = world.hosts.get(name)?.backups
  if (!found) throw new Error('the host is gone')
  return found
}
const look = () => backupReach.run(world.system)
async function aBackup(zone: string): Promise<{ id: string; volumeId: string }> {
  const { id: volumeId } = await createVolume(tenant, volumeCreateInput.parse({ sizeGib: 1, zone }))
  await runPending(world.deps)
  const { id } = await createBackup(tenant, backupCreateInput.parse({ volumeId }))
  await runPending(world.deps)
  return { id, volumeId }
}
const shown = async () =>
  (await listStores(admin)).map(({ sharedWith, isCopied }) => [sharedWith.join(), isCopied])

test('a host whose folder is a copy of that of other hosts keeps its backups apart from theirs', async () => {
  // The hosts a and b have mounted one folder, and c was made of the image of a.
  storeAt('b').mount(storeAt('a'))
  const own = storeAt('c').shelf.mark
  storeAt('c').shelf.mark = storeAt('a').shelf.mark
  await look()
  const [there, here] = [await aBackup('nova'), await aBackup('z3')]
  await look()
  const apart = [
    ['secret-name-b', false],
    ['secret-name-a', false],
    ['', true],
  ]
  expect(await shown()).toEqual(apart)
  const restore = restoreBackup(tenant, { id: there.id, volumeId: here.volumeId })
  await expectCloudError(restore, 'conflict', /no machine with the store/)
  // What it has stored under the mark of the others is its own all the same.
  expect((await planBackup(tenant, { volumeId: here.volumeId })).incremental).toBe(true)
  await restoreBackup(tenant, { id: here.id, volumeId: here.volumeId })
  await runPending(world.deps)
  await look()
  expect(await shown()).toEqual(apart)
  storeAt('c').shelf.mark = own
  await look()
  expect((await shown())[2]).toEqual(['', false])
  await restoreBackup(tenant, { id: here.id, volumeId: here.volumeId })
  await runPending(world.deps)
})
