import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Deps } from './context.ts'
import { maxCursor, readCursor, writeCursor } from './cursor.ts'
import { askOf, byName, type Order, orderOf, type PageAsk, readPage, type Slice, whole } from './page.ts'
import { expectCloudError, hexId, testCtx, testDeps } from './testing.ts'

test('a list without pages is whole or refused, never cut', async () => {
  expect(whole([1, 2], 2, 'Ask for one.')).toEqual([1, 2])
  await expectCloudError(
    Promise.resolve().then(() => whole([1, 2, 3], 2, 'Ask for one.')),
    'invalid_input',
    /^There are more than 2\. Ask for one\.$/,
  )
})

let deps: Deps
let close: () => Promise<void>
beforeAll(async () => {
  ;({ deps, close } = await testDeps())
})
afterAll(() => close())

type Router = { id: string; name: string; adminUp: boolean; createdAt: Date; externalAddress: string | null }
type Fill = Partial<Omit<Router, 'id'>>
const newest: Order = [{ field: 'createdAt', dir: 'desc' }]

/** Routers have all that a list can be sorted by: words, times, truths and what may be empty. */
async function filled(rows: readonly Fill[]): Promise<string> {
  const projectId = hexId()
  await deps.root.router.createMany({
    data: rows.map((row, n) => ({ id: crypto.randomUUID(), projectId, name: `r-${n}`, ...row })),
  })
  return projectId
}
const read = (projectId: string, sort: Order, page: PageAsk) =>
  readPage<Router>(deps.root.router, { where: { projectId }, sort, page })

/** All rows by pages in one direction, and then by pages all the way back. */
async function walk(projectId: string, sort: Order, limit: number) {
  const there: string[] = []
  let page: Slice<Router> = await read(projectId, sort, { limit })
  for (;;) {
    there.push(...page.rows.map(({ id }) => id))
    if (page.next === null) break
    page = await read(projectId, sort, { limit, cursor: page.next })
  }
  const back = page.rows.map(({ id }) => id)
  while (page.previous !== null) {
    page = await read(projectId, sort, { limit, cursor: page.previous })
    back.unshift(...page.rows.map(({ id }) => id))
  }
  return { there, back }
}

test('a list may be read from a number of rows on, as Nova reads lists without markers', async () => {
  const projectId = await filled([{}, {}, {}, {}])
  const page = async (offset: number) =>
    (await read(projectId, [{ field: 'name', dir: 'asc' }], { limit: 2, skip: offset })).rows.map(
      ({ name }) => name,
    )
  expect([await page(0), await page(1), await page(3), await page(4)]).toEqual([
    ['r-0', 'r-1'],
    ['r-1', 'r-2'],
    ['r-3'],
    [],
  ])
})

describe('every row is met once, there and back', () => {
  const mixed: Fill[] = Array.from({ length: 13 }, (_, n) => ({
    // Ties in every field: two names, three times, and addresses that are missing.
    name: n % 2 === 0 ? 'a' : 'B',
    adminUp: n % 3 === 0,
    createdAt: new Date(1000 + (n % 3)),
    externalAddress: n % 4 === 0 ? null : `10.0.0.${n % 4}`,
  }))
  const sorts = (dir: 'asc' | 'desc'): Order[] => [
    [],
    [{ field: 'name', dir }],
    [{ field: 'createdAt', dir }],
    [{ field: 'adminUp', dir }],
    [{ field: 'externalAddress', dir, nullable: true }],
    [
      { field: 'externalAddress', dir, nullable: true },
      { field: 'name', dir: dir === 'asc' ? 'desc' : 'asc' },
    ],
    [
      { field: 'adminUp', dir },
      { field: 'externalAddress', dir: dir === 'asc' ? 'desc' : 'asc', nullable: true },
      { field: 'createdAt', dir },
    ],
    [
      { field: 'adminUp', dir },
      { field: 'createdAt', dir: dir === 'asc' ? 'desc' : 'asc' },
    ],
    [{ field: 'id', dir }],
  ]
  test.each([...sorts('asc'), ...sorts('desc')].map((sort) => [JSON.stringify(sort), sort] as const))(
    'sorted by %s',
    async (_, sort) => {
      const projectId = await filled(mixed)
      const whole = (await read(projectId, sort, { limit: 100 })).rows.map(({ id }) => id)
      expect(whole).toHaveLength(13)
      for (const limit of [1, 4, 13]) {
        const { there, back } = await walk(projectId, sort, limit)
        expect(there).toEqual(whole)
        expect(back).toEqual(whole)
      }
      // OpenStack's marker, in both directions.
      const after = await read(projectId, sort, { limit: 3, marker: whole[4] })
      expect(after.rows.map(({ id }) => id)).toEqual(whole.slice(5, 8))
      const before = await read(projectId, sort, { limit: 3, marker: whole[4], reverse: true })
      expect(before.rows.map(({ id }) => id)).toEqual(whole.slice(1, 4))
    },
  )

  test('what is empty is last in ascending and first in descending order', async () => {
    const projectId = await filled([{ externalAddress: '10.0.0.1' }, {}, { externalAddress: '10.0.0.2' }])
    const addresses = async (dir: 'asc' | 'desc') =>
      (await read(projectId, [{ field: 'externalAddress', dir, nullable: true }], { limit: 9 })).rows.map(
        (row) => row.externalAddress,
      )
    expect(await addresses('asc')).toEqual(['10.0.0.1', '10.0.0.2', null])
    expect(await addresses('desc')).toEqual([null, '10.0.0.2', '10.0.0.1'])
  })

  test('sorted by what another row has', async () => {
    const ctx = await testCtx(deps)
    const hosts = await deps.root.host.createManyAndReturn({
      data: ['b', 'a'].map((name) => ({
        ...{ id: crypto.randomUUID(), name, endpoint: `fake:${name}` },
        ...{ vcpus: 1, memoryMib: 1, diskGib: 1 },
      })),
    })
    const base = { projectId: ctx.projectId, userId: 'u', hostname: 'h', flavorId: 'f', flavorName: 'f' }
    await deps.root.instance.createMany({
      data: [hosts[0]?.id, undefined, hosts[1]?.id, hosts[1]?.id].map((hostId, n) => ({
        ...{ ...base, id: crypto.randomUUID(), name: `i-${n}`, hostId, vcpus: 1, memoryMib: 1, diskGib: 1 },
      })),
    })
    const sort: Order = [{ field: 'host.name', dir: 'asc', nullable: true }]
    type Row = { name: string; host: { name: string } | null }
    const where = { projectId: ctx.projectId }
    const seen: (string | null)[] = []
    for (let cursor: string | undefined, more = true; more; ) {
      const page = await readPage<Row>(deps.root.instance, { where, sort, page: { limit: 1, cursor } })
      seen.push(...page.rows.map(({ host }) => host?.name ?? null))
      more = page.next !== null
      cursor = page.next ?? undefined
    }
    expect(seen).toEqual(['a', 'a', 'b', null])
  })
})

describe('between two pages', () => {
  const at = (n: number) => ({ name: `n-${n}`, createdAt: new Date(n * 1000) })
  const names = (page: Slice<Router>) => page.rows.map(({ name }) => name)

  test('rows that come neither move the others nor hide one', async () => {
    const projectId = await filled([1, 2, 3, 4].map(at))
    const first = await read(projectId, newest, { limit: 2 })
    await deps.root.router.create({ data: { ...at(5), id: crypto.randomUUID(), projectId } })
    const second = await read(projectId, newest, { limit: 2, cursor: first.next ?? '', counted: true })
    expect(names(second)).toEqual(['n-2', 'n-1'])
    expect(second.count).toEqual({ first: 4, total: 5, atLeast: false })
    const back = await read(projectId, newest, { limit: 2, cursor: second.previous ?? '' })
    expect(names(back)).toEqual(['n-4', 'n-3'])
    // And the new one is on a page before it, which becomes a whole first page.
    expect(names(await read(projectId, newest, { limit: 2, cursor: back.previous ?? '' }))).toEqual([
      'n-5',
      'n-4',
    ])
  })

  test('a row that goes leaves its place, also when the page began beside it', async () => {
    const projectId = await filled([1, 2, 3, 4].map(at))
    const first = await read(projectId, newest, { limit: 2 })
    await deps.root.router.deleteMany({ where: { projectId, name: { in: ['n-3', 'n-2'] } } })
    expect(names(await read(projectId, newest, { limit: 2, cursor: first.next ?? '' }))).toEqual(['n-1'])
  })

  test('a row that is renamed does not take the page along', async () => {
    const projectId = await filled([1, 2, 3, 4].map(at))
    const sort: Order = [{ field: 'name', dir: 'asc' }]
    const first = await read(projectId, sort, { limit: 2 })
    await deps.root.router.updateMany({ where: { projectId, name: 'n-2' }, data: { name: 'z' } })
    expect(names(await read(projectId, sort, { limit: 9, cursor: first.next ?? '' }))).toEqual([
      'n-3',
      'n-4',
      'z',
    ])
  })

  test('a page behind the end is the last one, and one before the beginning is the first', async () => {
    const projectId = await filled([1, 2, 3, 4, 5].map(at))
    const first = await read(projectId, newest, { limit: 3 })
    await deps.root.router.deleteMany({ where: { projectId, name: { in: ['n-1', 'n-2'] } } })
    const last = await read(projectId, newest, { limit: 2, cursor: first.next ?? '', counted: true })
    expect([names(last), last.next, last.count]).toEqual([
      ['n-4', 'n-3'],
      null,
      { first: 2, total: 3, atLeast: false },
    ])
    await deps.root.router.deleteMany({ where: { projectId, name: 'n-5' } })
    const again = await read(projectId, newest, { limit: 2, cursor: last.previous ?? '', counted: true })
    expect([names(again), again.previous, again.count.first]).toEqual([['n-4', 'n-3'], null, 1])
  })

  test('times that are finer than a Date’s leave no gap', async () => {
    const projectId = await filled([1, 1, 1, 1, 1].map(at))
    // All in one thousandth of a second; those of one statement have the same time.
    await deps.root
      .$executeRaw`UPDATE "Router" SET "createdAt" = '2026-01-01T00:00:00.123456Z' WHERE "projectId" = ${projectId}`
    const { there, back } = await walk(projectId, newest, 2)
    expect(new Set(there).size).toBe(5)
    expect(back).toEqual(there)
  })
})

describe('how many there are', () => {
  test('exactly up to a thousand, then that there are more; a page is a constant number of queries', async () => {
    const projectId = await filled(Array.from({ length: 1_000 }, () => ({})))
    const page = (limit: number, cursor?: string) => read(projectId, newest, { limit, cursor, counted: true })
    expect((await page(5)).count).toEqual({ first: 1, total: 1_000, atLeast: false })
    await deps.root.router.create({ data: { id: crypto.randomUUID(), projectId, name: 'one more' } })
    expect((await page(5)).count).toEqual({ first: 1, total: 1_000, atLeast: true })
    const deep = await page(1, (await page(1_000)).next ?? '')
    // The 1,001st row is there, and nobody counted how many are before it.
    expect(deep.rows).toHaveLength(1)
    expect(deep.count).toEqual({ first: null, total: 1_000, atLeast: true })
    expect(deep.previous).not.toBeNull()
  })

  test('nothing is nothing', async () => {
    const page = await read(hexId(), newest, { limit: 5, counted: true })
    expect(page).toEqual({
      rows: [],
      next: null,
      previous: null,
      count: { first: null, total: 0, atLeast: false },
    })
  })
})

describe('what is no place of the list', () => {
  const sort: Order = [{ field: 'name', dir: 'asc' }]
  const made = (values: unknown[]) =>
    Buffer.from(JSON.stringify(['name asc,id asc', 'after', values])).toString('base64url')
  test.each([
    'nope',
    '',
    "' OR 1=1",
    crypto.randomUUID(),
    Buffer.from('[1,2').toString('base64url'),
    made([]),
    made(['a']),
    made(['a', 'no uuid']),
    made(['zzzz', null]),
    made([7, crypto.randomUUID()]),
    made([true, crypto.randomUUID()]),
    made([{ at: 0 }, crypto.randomUUID()]),
    made([{ at: 9e15 }, crypto.randomUUID()]),
    made(['a\0', crypto.randomUUID()]),
    made([{ contains: '' }, crypto.randomUUID()]),
    made([['a'], crypto.randomUUID()]),
    'x'.repeat(maxCursor + 1),
    // Of the same list in another order.
    writeCursor(newest, { place: [new Date(0)], before: false }),
  ])('the cursor %j', async (cursor) => {
    const projectId = await filled([{}])
    const error = await expectCloudError(
      read(projectId, sort, { limit: 5, cursor }),
      'invalid_input',
      /marker/,
    )
    expect(error.field).toBe('marker')
  })

  test.each(['nope', '', "' OR 1=1", 'ffffffff-ffff-ffff-ffff-ffffffffffff'])(
    'the marker %j',
    async (marker) => {
      await expectCloudError(read(hexId(), sort, { limit: 5, marker }), 'invalid_input', /marker/)
    },
  )

  test('a marker of another project', async () => {
    const theirs = await filled([{}])
    const id = (await deps.root.router.findFirst({ where: { projectId: theirs } }))?.id
    await expectCloudError(read(hexId(), newest, { limit: 5, marker: id }), 'invalid_input')
  })

  test('a cursor of another project shows nothing of that project', async () => {
    const theirs = await filled([{ name: 'a' }, { name: 'secret' }])
    const { next } = await read(theirs, sort, { limit: 1 })
    const page = await read(await filled([{ name: 'b' }]), sort, { limit: 5, cursor: next ?? '' })
    expect(page.rows.map(({ name }) => name)).toEqual(['b'])
  })

  test('every cursor that is made can be read', () => {
    const order: Order = ['a', 'b', 'c', 'd', 'e'].map((field) => ({ field, dir: 'asc' }))
    const place = ['😀'.repeat(255), new Date(1), 2n ** 40n, null, false]
    const word = writeCursor(order, { place, before: true })
    expect(word.length).toBeLessThan(maxCursor)
    expect(readCursor(order, word)).toEqual({ place, before: true })
  })
})

describe('a list of the portal', () => {
  const input = { limit: 5, sortDir: 'desc' as const }

  test('is sorted by the words that it knows', async () => {
    const projectId = await filled([{ name: 'b' }, { name: 'c' }, { name: 'a' }])
    const sorted = async (sort: string) => {
      const ask = askOf({ ...input, sort }, byName)
      const { rows } = await readPage<Router>(deps.root.router, { where: { projectId }, ...ask })
      return rows.map(({ name }) => name)
    }
    expect(await sorted('name')).toEqual(['a', 'b', 'c'])
    expect(await sorted('-name')).toEqual(['c', 'b', 'a'])
    await expectCloudError(sorted('projectId'), 'invalid_input')
    await expectCloudError(sorted('constructor'), 'invalid_input')
  })

  test('is in its usual order when nothing is said', () => {
    expect(orderOf({}, undefined, newest)).toBe(newest)
  })
})
