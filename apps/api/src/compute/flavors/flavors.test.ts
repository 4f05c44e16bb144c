import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Deps, systemCtx } from '../../kernel/context.ts'
import { pageInput } from '../../kernel/contract.ts'
import { registerPolicy } from '../../kernel/policy.ts'
import { expectCloudError, testCtx, testDeps } from '../../kernel/testing.ts'
import { flavorCreateInput } from '../contract.ts'
import { computePolicy } from '../policy.ts'
import { seedFlavors } from './seed.ts'
import { createFlavor, deleteFlavor, listFlavors, usableFlavors } from './service.ts'

registerPolicy(computePolicy)
const all = pageInput.parse({})
const big = flavorCreateInput.parse({
  name: 'big',
  vcpus: 8,
  memoryMib: 16_384,
  diskGib: 100,
  diskMode: 'copy',
})

describe('flavors', () => {
  let deps: Deps
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ deps, close } = await testDeps())
    await seedFlavors(systemCtx(deps, 'seed'))
  })
  afterAll(() => close())

  test('a new cloud has six flavors, smallest first; seeding again restores no deleted flavor', async () => {
    const member = await testCtx(deps)
    const names = async () => (await listFlavors(member, all)).items.map((f) => f.name)
    expect(await names()).toEqual(['m1.nano', 'm1.micro', 'm1.tiny', 'm1.small', 'm1.medium', 'm1.large'])
    const admin = await testCtx(deps, { role: 'admin' })
    await deleteFlavor(admin, { id: '6' })
    await seedFlavors(systemCtx(deps, 'seed'))
    expect(await names()).not.toContain('m1.large')
    await expectCloudError(deleteFlavor(admin, { id: '6' }), 'not_found')
  })

  test('only administrators make and remove flavors; names and ids are unique', async () => {
    const admin = await testCtx(deps, { role: 'admin' })
    const member = await testCtx(deps)
    await expectCloudError(createFlavor(member, big), 'forbidden')
    const made = await createFlavor(admin, { ...big, id: 'chosen' })
    expect(made).toMatchObject({ id: 'chosen', diskMode: 'copy', extraSpecs: { 'hw:disk': 'copy' } })
    await expectCloudError(createFlavor(admin, big), 'already_exists')
    await expectCloudError(createFlavor(admin, { ...big, name: 'other', id: 'chosen' }), 'already_exists')
    await expectCloudError(deleteFlavor(member, { id: 'chosen' }), 'forbidden')
    await deleteFlavor(admin, { id: 'chosen' })
  })

  test('a private flavor is not found by other projects', async () => {
    const admin = await testCtx(deps, { role: 'admin' })
    const member = await testCtx(deps)
    const made = await createFlavor(admin, { ...big, name: 'secret', public: false })
    expect((await listFlavors(member, all)).items.map((f) => f.id)).not.toContain(made.id)
    expect((await usableFlavors(member)).map((f) => f.id)).not.toContain(made.id)
    expect((await usableFlavors(admin)).map((f) => f.id)).toContain(made.id)
  })
})
