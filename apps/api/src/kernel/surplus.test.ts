import { openDatabase, surplus } from '@stratolith/db'
import { expect, test } from 'vitest'
import { testDeps } from './testing.ts'

test('connections that a moment of much work has opened end soon, and a few stay', async () => {
  const database = await testDeps()
  const url = new URL(database.deps.config.databaseUrl)
  url.searchParams.set('application_name', 'much-work')
  const root = openDatabase(url.href, 8)
  const open = async () => {
    const [row] = await database.deps.root.$queryRaw<{ count: number }[]>`
      SELECT count(*)::int AS "count" FROM pg_stat_activity WHERE application_name = 'much-work'`
    return row?.count
  }
  await Promise.all(Array.from({ length: 8 }, () => root.$queryRaw`SELECT pg_sleep(0.5)::text`))
  expect(await open()).toBe(8)
  await expect.poll(open, { timeout: 8_000, interval: 250 }).toBe(surplus.min)
  await root.$disconnect()
  await database.close()
})
