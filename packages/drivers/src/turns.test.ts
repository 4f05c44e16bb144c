import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createTurns } from './turns.ts'

it('works of one key never overlap, also after a failure, and works of other keys do not wait', async () => {
  const inTurn = createTurns()
  const running = new Map<string, number>()
  let [most, overlaps] = [0, 0]
  const work = async (key: string, n: number) => {
    running.set(key, (running.get(key) ?? 0) + 1)
    if ((running.get(key) ?? 0) > 1) overlaps += 1
    most = Math.max(most, [...running.values()].filter((count) => count > 0).length)
    if (n % 3 > 0) await sleep(n % 3)
    running.set(key, (running.get(key) ?? 0) - 1)
    if (n % 5 === 0) throw new Error('failed')
    return n
  }
  const came = async (n: number) => {
    await sleep(n % 7)
    return inTurn(`key-${n % 4}`, () => work(`key-${n % 4}`, n))
  }
  const ends = await Promise.allSettled(Array.from({ length: 400 }, (_, n) => came(n)))
  expect(overlaps).toBe(0)
  expect(most).toBeGreaterThan(1)
  expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(80)
})

it('works of one key run in the order in which they came', async () => {
  const inTurn = createTurns()
  const order: number[] = []
  await Promise.all([3, 1, 2].map((n) => inTurn('key', async () => void order.push(n))))
  expect(order).toEqual([3, 1, 2])
})
