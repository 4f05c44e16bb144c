import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { instanceTagsInput, metadataSetInput } from '../contract.ts'
import { createServerGroup, deleteServerGroup, getServerGroup, serverGroupPage } from '../groups/service.ts'
import { aLaunch, testTenant, testWorld, type World } from '../testing.ts'
import { lockInstance, unlockInstance } from './actions.ts'
import { launchInstances } from './launch.ts'
import { removeMetadataItem, setMetadataItem, setTags } from './metadata-and-tags.ts'
import { getInstance } from './service.ts'

describe('metadata and tags of an instance', () => {
  let world: World
  beforeAll(async () => {
    world = await testWorld()
  })
  afterAll(() => world.close())

  const launched = async (more: object = {}) => {
    const me = await testTenant(world)
    const { instances } = await launchInstances(me, aLaunch(world, more))
    await runPending(world.deps)
    return { me, id: instances[0]?.id ?? '' }
  }

  test('one item is set, changed and removed; the others stay', async () => {
    const { me, id } = await launched({ metadata: { role: 'db' } })
    await setMetadataItem(me, { id, key: 'env', value: 'test' })
    await setMetadataItem(me, { id, key: 'role', value: 'web' })
    expect((await getInstance(me, { id })).metadata).toEqual({ role: 'web', env: 'test' })
    await removeMetadataItem(me, { id, key: 'role' })
    expect((await getInstance(me, { id })).metadata).toEqual({ env: 'test' })
    await expectCloudError(removeMetadataItem(me, { id, key: 'role' }), 'not_found')
    await expectCloudError(removeMetadataItem(me, { id, key: '__proto__' }), 'not_found')
  })

  test('an instance has at most 128 items', async () => {
    const many = Object.fromEntries(Array.from({ length: 128 }, (_, i) => [`k${i}`, 'v']))
    const { me, id } = await launched({ metadata: many })
    await expect(setMetadataItem(me, { id, key: 'more', value: '' })).rejects.toThrow('At most 128 entries.')
    await setMetadataItem(me, { id, key: 'k0', value: 'changed' })
  })

  test('a lock protects metadata but not tags, and does not bind administrators', async () => {
    const { me, id } = await launched()
    const admin = await testCtx(world.deps, { role: 'admin' })
    await lockInstance(me, { id, reason: null })
    await expectCloudError(setMetadataItem(me, { id, key: 'env', value: 'x' }), 'conflict', /locked/)
    await setTags(me, id, () => ['kept'])
    await setMetadataItem(admin, { id, key: 'env', value: 'x' })
    await unlockInstance(me, { id })
    await removeMetadataItem(me, { id, key: 'env' })
    expect(await getInstance(me, { id })).toMatchObject({ metadata: {}, tags: ['kept'] })
  })

  test('a malformed key, value or tag is refused with a sentence', () => {
    const id = crypto.randomUUID()
    const why = (input: object) => metadataSetInput.safeParse({ id, ...input }).error?.issues[0]?.message
    expect(why({ key: '', value: 'x' })).toBe('Give it a key.')
    expect(why({ key: 'ä', value: 'x' })).toMatch(/^A key has letters/)
    expect(why({ key: 'a', value: 'x\0' })).toBe('A value has no NUL characters.')
    expect(why({ key: 'os:role.1 b-c', value: '' })).toBeUndefined()
    expect(instanceTagsInput.parse({ id, tags: ['a', 'b', 'a'] }).tags).toEqual(['a', 'b'])
    expect(instanceTagsInput.safeParse({ id, tags: ['a,b'] }).error?.issues[0]?.message).toMatch(/no comma/)
  })

  test('a server group shows its members by name, and they stay when the group is deleted', async () => {
    const me = await testTenant(world)
    const group = await createServerGroup(me, { name: 'pair', policy: 'anti-affinity', maxPerHost: 2 })
    const { instances } = await launchInstances(me, aLaunch(world, { serverGroupId: group.id, name: 'one' }))
    const id = instances[0]?.id ?? ''
    expect((await getServerGroup(me, { id: group.id })).members).toEqual([{ id, name: 'one' }])
    expect((await getInstance(me, { id })).serverGroup).toEqual({ id: group.id, name: 'pair' })
    const page = { limit: 10, sortDir: 'desc' } as const
    expect((await serverGroupPage(me, page)).items.map(({ name }) => name)).toEqual(['pair'])
    expect((await serverGroupPage(me, { ...page, search: 'other' })).items).toEqual([])
    expect((await serverGroupPage(await testTenant(world), page)).items).toEqual([])
    await deleteServerGroup(me, { id: group.id })
    expect((await getInstance(me, { id })).serverGroup).toBeNull()
  })
})
