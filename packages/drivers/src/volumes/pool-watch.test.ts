import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { OpenRecord } from './open-records.ts'
import { watchPools } from './pool-watch.ts'

const recordIn = (pool: string): OpenRecord => ({
  ...{ guest: crypto.randomUUID(), uid: 1, closing: false },
  key: { id: crypto.randomUUID(), pool: { driver: 'files', id: pool } },
})

test('a pool that does not answer holds up no look at another one, and is not looked at twice at once', async () => {
  const silent = Promise.withResolvers<void>()
  const looks: string[] = []
  const watch = watchPools({
    ...{ everyMs: 5, log: pino({ level: 'silent' }) },
    records: async () => ['silent', 'sound', 'broken'].map(recordIn),
    async look({ pool, records, before }) {
      expect(records).toHaveLength(1)
      looks.push(`${pool} ${before}`)
      if (pool === 'silent') await silent.promise
      if (pool === 'broken') throw new Error('This pool is broken.')
    },
  })
  for (const name of ['sound 3', 'broken 3'])
    await expect.poll(() => looks, { timeout: 20_000 }).toContain(name)
  expect(looks.filter((one) => one.startsWith('silent'))).toEqual(['silent 0'])
  silent.resolve()
  await expect.poll(() => looks, { timeout: 20_000 }).toContain('silent 1')
  await watch.close()
})
