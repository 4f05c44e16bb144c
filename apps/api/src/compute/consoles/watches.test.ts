import { expect, test, vi } from 'vitest'
import type { EventRow } from '../../kernel/event-log.ts'
import { ConsoleWatches } from './watches.ts'

type Session = { sessionId: string; instanceId: string }

function watched() {
  let tell: (rows: readonly EventRow[]) => void = () => undefined
  const hub = {
    onRows: (listener: typeof tell) => {
      tell = listener
      return () => undefined
    },
  }
  const over = new Map<string, string>()
  const ask = vi.fn(
    async (sessions: Session[]) =>
      new Map(sessions.map(({ sessionId }) => [sessionId, over.get(sessionId) ?? null])),
  )
  const failed = vi.fn()
  const watches = new ConsoleWatches<Session>(hub, ask, failed)
  const event = (resourceKind: string, resourceId: string) =>
    tell([{ resourceKind, resourceId } as unknown as EventRow])
  return { watches, ask, failed, over, event }
}

test('all consoles are checked together, and after an event only the consoles that the event concerns', async () => {
  vi.useFakeTimers()
  const { watches, ask, over, event } = watched()
  const told = vi.fn()
  const stops = Array.from({ length: 100 }, (_, i) =>
    watches.add({ sessionId: `s${i}`, instanceId: `i${i % 2}` }, told),
  )
  // The check of the first console did not wait for the others, which were added while that check ran.
  await vi.advanceTimersByTimeAsync(100)
  expect(ask.mock.calls.map(([sessions]) => sessions.length)).toEqual([1, 99])
  expect(told).toHaveBeenCalledTimes(100)
  ask.mockClear()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(ask.mock.calls.length).toBeGreaterThanOrEqual(3)
  expect(ask.mock.calls.length).toBeLessThanOrEqual(4)
  expect(ask.mock.calls.every(([sessions]) => sessions.length === 100)).toBe(true)
  ask.mockClear()
  event('instance', 'i1')
  event('instance', 'i1')
  event('session', 'somebody')
  await vi.advanceTimersByTimeAsync(100)
  expect(ask.mock.calls.map(([sessions]) => sessions.length)).toEqual([50, 100])
  told.mockClear()
  over.set('s7', 'The session has ended.')
  event('instance', 'i1')
  await vi.advanceTimersByTimeAsync(100)
  expect(told.mock.calls.filter(([reason]) => reason !== null)).toEqual([['The session has ended.']])
  for (const stop of stops) stop()
  ask.mockClear()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(ask).not.toHaveBeenCalled()
  vi.useRealTimers()
})

test('a check that fails ends no console and is repeated', async () => {
  vi.useFakeTimers()
  const { watches, ask, failed } = watched()
  const told = vi.fn()
  ask.mockRejectedValueOnce(new Error('the database is away'))
  const stop = watches.add({ sessionId: 's', instanceId: 'i' }, told)
  await vi.advanceTimersByTimeAsync(100)
  expect([failed.mock.calls.length, told.mock.calls.length]).toEqual([1, 0])
  await vi.advanceTimersByTimeAsync(600)
  expect(told).toHaveBeenCalledWith(null)
  stop()
  vi.useRealTimers()
})

test('checks that take long leave time to other work', async () => {
  vi.useFakeTimers()
  const { watches, ask } = watched()
  ask.mockImplementation(
    (sessions) =>
      new Promise((resolve) =>
        setTimeout(() => resolve(new Map(sessions.map(({ sessionId }) => [sessionId, null]))), 1_000),
      ),
  )
  const stop = watches.add({ sessionId: 's', instanceId: 'i' }, () => undefined)
  await vi.advanceTimersByTimeAsync(19_000)
  expect(ask.mock.calls.length).toBe(4)
  stop()
  vi.useRealTimers()
})
