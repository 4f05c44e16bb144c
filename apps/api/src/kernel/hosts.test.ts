import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '@stratolith/drivers/errors'
import type { HostDrivers } from '@stratolith/drivers/host'
import { createFakeHypervisor } from '@stratolith/drivers/hypervisor/fake'
import type { Op } from '@stratolith/drivers/op'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { hostPatience, whileAnswering } from './hosts.ts'

const usual = hostPatience.askEveryMs
beforeEach(() => {
  hostPatience.askEveryMs = 50
})
afterEach(() => {
  hostPatience.askEveryMs = usual
})

const opWith = (signal = new AbortController().signal): Op => ({
  id: 'test',
  signal,
  log: pino({ level: 'silent' }),
  progress: () => undefined,
})
/** A call that never answers and ignores its signal. */
const never = () => new Promise<never>(() => undefined)
const hosts = {
  alive: { hypervisor: createFakeHypervisor() },
  hung: { hypervisor: { ...createFakeHypervisor(), get: never } },
} satisfies Record<string, Pick<HostDrivers, 'hypervisor'>>

test('a slow call on a host that answers other calls is not ended', async () => {
  const work = async () => {
    await sleep(600)
    return 'done'
  }
  expect(await whileAnswering(opWith(), hosts.alive, work)).toBe('done')
})

test('a call on a host that is silent fails, and its signal is aborted', async () => {
  let told = false
  const work = (op: Op) => {
    op.signal.addEventListener('abort', () => {
      told = true
    })
    return never()
  }
  await expect(whileAnswering(opWith(), hosts.hung, work)).rejects.toMatchObject({
    name: 'DriverError',
    code: 'unavailable',
    message: expect.stringMatching(/silent/),
  })
  expect(told).toBe(true)
})

test('a refusal of the host is raised at once and unchanged', async () => {
  const refusal = new DriverError('unavailable', 'connection refused')
  await expect(whileAnswering(opWith(), hosts.hung, () => Promise.reject(refusal))).rejects.toBe(refusal)
})

test('a call ends at the deadline of its operation, whatever the host does', async () => {
  const late = AbortSignal.timeout(100)
  await expect(whileAnswering(opWith(late), hosts.alive, never)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/time of the operation/),
  })
  await expect(whileAnswering(opWith(AbortSignal.abort()), hosts.alive, never)).rejects.toMatchObject({
    code: 'unavailable',
  })
})

test('the op that a call gets checks the lease at each use of its signal, as the original op does', async () => {
  const { signal } = new AbortController()
  let isLost = false
  const op: Op = {
    ...opWith(),
    get signal() {
      if (isLost) throw new Error('the lease is lost')
      return signal
    },
  }
  const work = async (given: Op) => {
    given.signal.throwIfAborted()
    isLost = true
    return given.signal
  }
  await expect(whileAnswering(op, hosts.alive, work)).rejects.toThrow('the lease is lost')
})
