import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { awaitEnd, endCame, takeAwaited, tellEarlyEnds } from './awaited.ts'

const told = vi.fn()
let stop: () => void
beforeEach(() => {
  vi.useFakeTimers()
  told.mockReset()
  stop = tellEarlyEnds(told)
})
afterEach(() => {
  stop()
  vi.useRealTimers()
})

test('the end of an operation that this tab began is told once, and of many operations at a time not at all', () => {
  awaitEnd(['a', 'b'], { id: 'toast' })
  expect(endCame('a', 'op')).toBe(true)
  expect(takeAwaited('a')).toEqual({ id: 'toast' })
  expect(takeAwaited('a')).toBeNull()
  awaitEnd(['1', '2', '3', '4'], { id: 'many' })
  expect(['1', '2', '3', '4'].some((id) => endCame(id, 'op'))).toBe(false)
})

test('an end that comes before the answer to the request is told with the answer, once', () => {
  const asked = Date.now()
  expect(endCame('quick', 'op 1')).toBe(false)
  awaitEnd(['quick'], { id: 'toast' }, asked)
  expect(told.mock.calls).toEqual([['quick', 'op 1']])
  expect(takeAwaited('quick')).toEqual({ id: 'toast' })
  awaitEnd(['quick'], { id: 'toast' }, asked)
  expect(told).toHaveBeenCalledOnce()
  takeAwaited('quick')
})

test('an end of earlier work by others is not taken for the end of this tab’s operation', () => {
  endCame('busy', 'op 1')
  vi.advanceTimersByTime(1)
  awaitEnd(['busy'], { id: 'toast' }, Date.now())
  expect(told).not.toHaveBeenCalled()
  expect(takeAwaited('busy')).toEqual({ id: 'toast' })
  endCame('new', 'op 2')
  vi.advanceTimersByTime(11_000)
  awaitEnd(['new'], { id: 'toast' })
  expect(told, 'too long ago').not.toHaveBeenCalled()
  takeAwaited('new')
})

test('of many early ends the newest are kept', () => {
  for (let at = 0; at < 300; at += 1) endCame(`x${at}`, `op ${at}`)
  awaitEnd(['x0'], { id: 'toast' })
  awaitEnd(['x299'], { id: 'toast' })
  expect(told.mock.calls).toEqual([['x299', 'op 299']])
  takeAwaited('x0')
  takeAwaited('x299')
})
