import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Ctx } from '../kernel/context.ts'
import { expectCloudError, testCtx } from '../kernel/testing.ts'
import { imageCreateInput, imageListInput, imagePropertyInput, imageUpdateInput } from './contract.ts'
import { removeImageProperty, setImageProperty } from './properties.ts'
import { createImage, getImage, listImages, updateImage } from './service.ts'
import { type ImageWorld, imageWorld } from './testing.ts'

let world: ImageWorld
beforeAll(async () => {
  world = await imageWorld()
})
afterAll(() => world.close())

const make = (ctx: Ctx, over: object = {}) =>
  createImage(ctx, imageCreateInput.parse({ name: 'disk', diskFormat: 'raw', ...over }))
const names = async (ctx: Ctx, over: object = {}) =>
  (await listImages(ctx, imageListInput.parse(over))).items.map(({ name }) => name).toSorted()

test('a property is set, changed and removed; names that only the cloud may set are refused', async () => {
  const me = await testCtx(world.deps)
  const { id } = await make(me)
  await setImageProperty(me, { id, key: 'os_admin_user', value: 'debian' })
  await setImageProperty(me, { id, key: 'os_distro', value: 'debian' })
  await setImageProperty(me, { id, key: 'os_admin_user', value: 'root' })
  expect((await getImage(me, { id })).properties).toEqual({ os_admin_user: 'root', os_distro: 'debian' })
  await removeImageProperty(me, { id, key: 'os_distro' })
  expect((await getImage(me, { id })).properties).toEqual({ os_admin_user: 'root' })
  await expectCloudError(removeImageProperty(me, { id, key: 'os_distro' }), 'not_found')
  await expectCloudError(setImageProperty(me, { id, key: 'direct_url', value: 'x' }), 'forbidden')
  await expectCloudError(setImageProperty(me, { id, key: 'name', value: 'x' }), 'forbidden')
})

test('the properties and tags of an image are limited', async () => {
  const me = await testCtx(world.deps)
  const { id } = await make(me)
  await setImageProperty(me, { id, key: 'a', value: 'x'.repeat(60_000) })
  await expectCloudError(
    setImageProperty(me, { id, key: 'b', value: 'x'.repeat(6_000) }),
    'invalid_input',
    /65536 bytes together/,
  )
  expect(imagePropertyInput.safeParse({ id, key: '', value: '' }).error?.issues[0]?.message).toBe(
    'Give it a key.',
  )
  const tags = Array.from({ length: 129 }, (_, i) => `t${i}`)
  expect(imageUpdateInput.safeParse({ id, tags }).error?.issues[0]?.message).toBe(
    'An image has at most 128 tags.',
  )
})

test('tags, minima and hiding are changed; others do not find a hidden image in their lists', async () => {
  const me = await testCtx(world.deps, { role: 'admin' })
  const other = await testCtx(world.deps)
  const name = `seen-${crypto.randomUUID()}`
  const { id } = await make(me, { name, visibility: 'public' })
  const search = { search: name }
  expect(await names(other, search)).toEqual([name])
  const input = imageUpdateInput.parse({
    id,
    hidden: true,
    tags: ['a', 'a', 'b'],
    minDiskGib: 2,
    minRamMib: 64,
  })
  expect(await updateImage(me, input)).toMatchObject({
    ...{ hidden: true, tags: ['a', 'b'], minDiskGib: 2, minRamMib: 64 },
  })
  expect(await names(other, search)).toEqual([])
  expect(await names(other, { ...search, hidden: true })).toEqual([name])
  expect(await names(me, search)).toEqual([name])
  expect(await names(me, { ...search, hidden: false })).toEqual([])
  expect(await names(me, { ...search, allProjects: true })).toEqual([name])
  expect((await getImage(other, { id })).name).toBe(name)
})
