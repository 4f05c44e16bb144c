import { expect, test, vi } from 'vitest'
import { begin, end, endAfter, runningKey } from './running.ts'

test('an action that runs on a thing cannot begin a second time before it has ended', () => {
  const keys = ['a', 'b'].map((id) => runningKey('instance', id))
  expect(begin(keys.slice(0, 1))).toEqual(['instance a'])
  expect(begin(keys), 'a double click, and one more thing').toEqual(['instance b'])
  expect(begin(keys)).toEqual([])
  end(['instance a'])
  expect(begin(keys)).toEqual(['instance a'])
  end(keys)
})

test('the thing is free when the pages have read it again, and after two seconds at the latest', async () => {
  vi.useFakeTimers()
  const keys = begin(['instance a'])
  await endAfter(Promise.resolve(), keys)
  expect(begin(keys)).toEqual(keys)
  const never = endAfter(new Promise(() => undefined), keys)
  await vi.advanceTimersByTimeAsync(1_900)
  expect(begin(keys)).toEqual([])
  await vi.advanceTimersByTimeAsync(200)
  await never
  expect(begin(keys)).toEqual(keys)
  end(keys)
  vi.useRealTimers()
})
