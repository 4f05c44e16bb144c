import { expect, test } from 'vitest'
import { renewed } from './renewed.ts'

test('what could not be loaded is loaded anew the next time, and what was loaded is kept', async () => {
  const answers = [Promise.reject(new Error('offline')), Promise.resolve('code')]
  const failures: unknown[] = []
  const holder = renewed(
    () => answers.shift() ?? Promise.reject(new Error('asked too often')),
    (loaded) => {
      let kept: Promise<string | null> | null = null
      return () => {
        kept ??= loaded()
        return kept
      }
    },
    (error) => failures.push(error),
  )
  const first = holder.current()
  expect(await first()).toBeNull()
  expect(await first()).toBeNull()
  expect(failures).toEqual([new Error('offline')])
  const second = holder.current()
  expect(second).not.toBe(first)
  expect(await second()).toBe('code')
  expect(holder.current()).toBe(second)
  expect(failures).toHaveLength(1)
})
