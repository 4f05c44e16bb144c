import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Deps, systemCtx } from './context.ts'
import { buriedKinds } from './kinds.ts'
import { testDeps } from './testing.ts'
import { laidToRest } from './tombstones.ts'
import '../register.ts'

let deps: Deps
let close: () => Promise<void>
beforeAll(async () => {
  ;({ deps, close } = await testDeps())
})
afterAll(() => close())

test('every buried kind has a trigger that writes tombstones, and every such trigger has a kind', async () => {
  const triggers = await deps.root.$queryRaw<{ name: string; args: string }[]>`
    SELECT tgname AS "name", encode(tgargs, 'escape') AS "args" FROM pg_trigger
    WHERE tgname IN ('bury', 'bury_blob', 'bury_blob_of_row')`
  const kinds = triggers.map(({ args }) => args.replace(/\\000$/, '') || 'blob')
  expect([...new Set(kinds)].sort()).toEqual(buriedKinds().sort())
})

test('each row that one statement deletes gets a tombstone, and a transaction that fails writes none', async () => {
  const { root } = deps
  const ids = Array.from({ length: 3 }, () => crypto.randomUUID())
  await root.securityGroup.createMany({ data: ids.map((id) => ({ id, projectId: 'p', name: id })) })
  const buried = () => root.tombstone.findMany({ where: { id: { in: ids } }, select: { kind: true } })
  const failing = root.$transaction(async (tx) => {
    await tx.securityGroup.deleteMany({ where: { id: { in: ids } } })
    throw new Error('undone')
  })
  await expect(failing).rejects.toThrow('undone')
  expect(await buried()).toEqual([])
  await root.securityGroup.deleteMany({ where: { id: { in: ids } } })
  expect(await buried()).toEqual(ids.map(() => ({ kind: 'securityGroup' })))
})

test('a blob that an image uses again loses its tombstone', async () => {
  const { root } = deps
  const blobId = 'e'.repeat(64)
  const make = () => {
    const data = { id: crypto.randomUUID(), projectId: 'p', name: 'i', state: 'active', blobId }
    return root.image.create({ data })
  }
  const buried = () => root.tombstone.count({ where: { kind: 'blob', id: blobId } })
  const { id } = await make()
  await root.image.update({ where: { id }, data: { state: 'deleted' } })
  expect(await buried()).toBe(1)
  await make()
  expect(await buried()).toBe(0)
})

test('an old tombstone of a thing that its host no longer has is deleted, by the clock of the database', async () => {
  const { root } = deps
  const deletedAt = new Date(Date.now() - 11 * 60_000)
  await root.tombstone.createMany({
    data: [
      { kind: 'port', id: 'gone', hostId: 'h', deletedAt },
      { kind: 'port', id: 'there', hostId: 'h', deletedAt },
      { kind: 'port', id: 'fresh', hostId: 'h' },
      { kind: 'port', id: 'elsewhere', hostId: 'i', deletedAt },
    ],
  })
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 86_400_000)
  await laidToRest(systemCtx(deps, 'test'), 'port', 'h', ['there'])
  clock.mockRestore()
  const rows = await root.tombstone.findMany({ where: { kind: 'port' }, orderBy: { id: 'asc' } })
  expect(rows.map((row) => row.id)).toEqual(['elsewhere', 'fresh', 'there'])
})
