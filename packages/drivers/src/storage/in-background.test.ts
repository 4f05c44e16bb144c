import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { createBackgroundJobs } from '../background.ts'
import { DriverError } from '../errors.ts'
import { backgroundOp, type Op } from '../op.ts'
import { storageConformance } from './conformance.ts'
import { createFakeStorage } from './fake.ts'
import { inBackground } from './in-background.ts'
import type { BaseSpec, ObservedDisk } from './interface.ts'

const log = pino({ level: 'silent' })
const spec: BaseSpec = { blobId: 'a'.repeat(64), format: 'qcow2', maxVirtualBytes: 1024 ** 3 }

/** A driver whose conversion goes on until the test ends it or its call is cancelled. */
function slow() {
  const made = Promise.withResolvers<{ virtualBytes: number }>()
  const seen: Op[] = []
  const driver = {
    ...createFakeStorage(),
    async ensureBase(op: Op) {
      seen.push(op)
      op.signal.addEventListener('abort', () => made.reject(new DriverError('unavailable', 'stopped')))
      return made.promise
    },
  }
  return { driver, made, seen }
}

test('work that was given up ends before the same work begins again', async () => {
  const jobs = createBackgroundJobs({ answerMs: 10, forgetMs: 30 })
  const ended = Promise.withResolvers<string>()
  const signals: AbortSignal[] = []
  const work = (op: Op) => {
    signals.push(op.signal)
    return signals.length === 1 ? ended.promise : Promise.resolve('anew')
  }
  expect(await jobs.ask(backgroundOp(log), 'key', work)).toBeNull()
  while (!signals[0]?.aborted) await sleep(10)
  expect(await jobs.ask(backgroundOp(log), 'key', work)).toBeNull()
  expect(signals).toHaveLength(1)
  ended.resolve('too late')
  expect(await jobs.ask(backgroundOp(log), 'key', work)).toBe('anew')
})

test('work that ends while nobody waits keeps its result, or its failure, for the next caller alone', async () => {
  const jobs = createBackgroundJobs({ answerMs: 10 })
  let begun = 0
  const ask = (result: Promise<string>) =>
    jobs.ask(backgroundOp(log), 'key', () => {
      begun++
      return result
    })
  const first = Promise.withResolvers<string>()
  expect(await ask(first.promise)).toBeNull()
  first.resolve('done')
  await sleep(30)
  expect(await ask(Promise.resolve('again'))).toBe('done')
  expect(begun).toBe(1)
  const second = Promise.withResolvers<string>()
  expect(await ask(second.promise)).toBeNull()
  second.reject(new DriverError('invalid', 'damaged'))
  await sleep(30)
  await expect(ask(Promise.resolve('again'))).rejects.toMatchObject({ code: 'invalid' })
  expect(begun).toBe(2)
  expect(await ask(Promise.resolve('again'))).toBe('again')
})

describe('storage in the background', () => {
  const driver = inBackground(createFakeStorage())
  let count = 0
  storageConformance(() => ({
    driver,
    op: backgroundOp(log),
    rawBlob: async () => (count++).toString(16).padStart(64, '0'),
  }))

  test('returns null until the base is made, and a second call begins no second conversion', async () => {
    const { driver, made, seen } = slow()
    const storage = inBackground(driver, { answerMs: 20 })
    expect(await storage.ensureBase(backgroundOp(log), spec)).toBeNull()
    const told: string[] = []
    const second = { ...backgroundOp(log), progress: (text: string) => void told.push(text) }
    expect(await storage.ensureBase(second, spec)).toBeNull()
    seen[0]?.progress('half of it')
    expect(told).toEqual(['half of it'])
    made.resolve({ virtualBytes: 7 })
    expect(await storage.ensureBase(backgroundOp(log), spec)).toEqual({ virtualBytes: 7 })
    expect(seen).toHaveLength(1)
  })

  test('work goes on when its caller has gone, and the next caller gets its failure', async () => {
    const { driver, made, seen } = slow()
    const storage = inBackground(driver, { answerMs: 60_000 })
    const gone = new AbortController()
    const asked = storage.ensureBase({ ...backgroundOp(log), signal: gone.signal }, spec)
    gone.abort()
    expect(await asked).toBeNull()
    expect(seen[0]?.signal.aborted).toBe(false)
    made.reject(new DriverError('invalid', 'damaged'))
    await expect(storage.ensureBase(backgroundOp(log), spec)).rejects.toMatchObject({ code: 'invalid' })
  })

  test('the making of an ephemeral disk has ended when the root disk of its guest, or the disk, is removed', async () => {
    const wish = { id: 'disk', instanceId: 'guest', sizeMib: 64, format: null, label: 'ephemeral0' }
    for (const removed of ['guest', 'disk', 'another']) {
      let isUnderWay = true
      const made = Promise.withResolvers<ObservedDisk | null>()
      const driver = {
        ...createFakeStorage(),
        async ensureLocalDisk(op: Op) {
          op.signal.addEventListener('abort', () => made.reject(new DriverError('unavailable', 'stopped')))
          return made.promise.finally(async () => {
            await sleep(20)
            isUnderWay = false
          })
        },
      }
      const storage = inBackground(driver, { answerMs: 10 })
      expect(await storage.ensureLocalDisk(backgroundOp(log), wish)).toBeNull()
      await storage.removeDisk(backgroundOp(log), removed)
      expect(isUnderWay).toBe(removed === 'another')
      made.resolve(null)
    }
  })

  test('work ends when its result is removed or nobody asks for it any more', async () => {
    const removed = slow()
    const storage = inBackground(removed.driver, { answerMs: 10 })
    await storage.ensureBase(backgroundOp(log), spec)
    await storage.removeBase(backgroundOp(log), spec.blobId)
    expect(removed.seen[0]?.signal.aborted).toBe(true)

    const forgotten = slow()
    await inBackground(forgotten.driver, { answerMs: 10, forgetMs: 30 }).ensureBase(backgroundOp(log), spec)
    for (let n = 0; n < 200 && !forgotten.seen[0]?.signal.aborted; n++) await sleep(10)
    expect(forgotten.seen[0]?.signal.aborted).toBe(true)
  })
})
