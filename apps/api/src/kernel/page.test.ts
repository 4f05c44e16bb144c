import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Deps } from './context.ts'
import { pageOf, whole } from './page.ts'
import { expectCloudError, testCtx, testDeps } from './testing.ts'

test('a list without pages is returned whole or refused, never cut', async () => {
  expect(whole([1, 2], 2, 'Ask for one.')).toEqual([1, 2])
  await expectCloudError(
    Promise.resolve().then(() => whole([1, 2, 3], 2, 'Ask for one.')),
    'invalid_input',
    /^There are more than 2\. Ask for one\.$/,
  )
})

describe('pageOf', () => {
  let deps: Deps
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ deps, close } = await testDeps())
  })
  afterAll(() => close())

  test('walks all rows once, newest first, with the count of the whole filter', async () => {
    const ctx = await testCtx(deps)
    const ids = Array.from({ length: 23 }, () => crypto.randomUUID())
    // All rows have the same time, so the id decides the order, and no row is shown twice or never.
    await deps.root.network.createMany({
      data: ids.map((id) => ({ id, projectId: ctx.projectId, name: 'n', createdAt: new Date(0) })),
    })
    const seen: string[] = []
    let marker: string | undefined
    do {
      const page = await pageOf<{ id: string }>(
        deps.root.network,
        { limit: 5, marker, sortDir: 'desc' },
        { projectId: ctx.projectId },
      )
      expect(page.total).toBe(23)
      seen.push(...page.items.map((row) => row.id))
      marker = page.next ?? undefined
    } while (marker)
    expect(seen).toEqual([...ids].sort().reverse())
  })

  test.each(['nope', '', "' OR 1=1", 'ffffffff-ffff-ffff-ffff-ffffffffffff'])(
    'refuses the marker %j, which is the id of no row',
    async (marker) => {
      await expectCloudError(
        pageOf(deps.root.network, { limit: 5, marker, sortDir: 'desc' }, {}),
        'invalid_input',
        /marker/,
      )
    },
  )

  test('refuses a marker that is the id of a row of another project', async () => {
    const [mine, other] = [await testCtx(deps), await testCtx(deps)]
    const id = crypto.randomUUID()
    await deps.root.network.create({ data: { id, projectId: other.projectId, name: 'n' } })
    await expectCloudError(
      pageOf(deps.root.network, { limit: 5, marker: id, sortDir: 'desc' }, { projectId: mine.projectId }),
      'invalid_input',
    )
  })
})
