import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { DriverError } from '../errors.ts'
import { backgroundOp } from '../op.ts'
import { hypervisorConformance } from './conformance.ts'
import { type HypervisorHarness, plainSpec } from './conformance-world.ts'
import { createFakeHypervisor, type FakeHypervisor } from './fake.ts'
import type { InstanceSpec } from './interface.ts'

const op = backgroundOp(pino({ level: 'silent' }), 'test', 600_000)

async function fakeHarness(): Promise<HypervisorHarness> {
  let fake = createFakeHypervisor()
  return {
    get driver() {
      return fake
    },
    prepare: async () => ({ disks: [], nics: [] }),
    spoil: async () => fake.failNext('ensure', new DriverError('failed', 'spoiled')),
    booted: async () => undefined,
    crash: async (id) => fake.crash(id),
    powerOff: async (id) => fake.guestPowerOff(id),
    ignoreButton: async (id) => fake.ignorePowerButton(id),
    abandon: async () => undefined,
    async reopen() {
      fake = createFakeHypervisor({ state: structuredClone(fake.state) })
      return fake
    },
    leftovers: async (id) => Object.keys(fake.state.instances).filter((known) => known === id),
    destroy: async () => undefined,
  }
}

hypervisorConformance('fake', fakeHarness)

const spec = (): InstanceSpec => plainSpec(randomUUID())

describe('the fake hypervisor as a simulator', () => {
  it('fails the next call of a method, once for each failNext', async () => {
    const fake = createFakeHypervisor()
    const one = spec()
    await fake.ensure(op, one)
    fake.failNext('stop', new DriverError('unavailable', 'first'))
    fake.failNext('stop', new DriverError('failed', 'second'))
    await expect(fake.stop(op, one.id)).rejects.toThrow('first')
    await expect(fake.stop(op, one.id)).rejects.toThrow('second')
    expect(await fake.get(op, one.id)).toMatchObject({ power: 'running' })
    expect(await fake.stop(op, one.id)).toMatchObject({ power: 'off' })
    expect(fake.calls.stop).toBe(3)
  })

  it('holds each call until step() lets it go, when stepped', async () => {
    const fake = createFakeHypervisor({ stepped: true })
    let done = false
    const building = fake.ensure(op, spec()).then(() => {
      done = true
    })
    await new Promise(setImmediate)
    expect([done, fake.waiting]).toEqual([false, ['ensure']])
    fake.step()
    await building
    expect([done, fake.waiting]).toEqual([true, []])
  })

  it('takes latencyMs for each call', async () => {
    const fake = createFakeHypervisor({ latencyMs: 30 })
    const began = performance.now()
    await fake.ensure(op, spec())
    expect(performance.now() - began).toBeGreaterThan(25)
  })

  it('shows what a guest prints on the serial console and in the log, and keeps the end of the log', async () => {
    const fake = createFakeHypervisor()
    const one = spec()
    await fake.ensure(op, one)
    const stream = await fake.console.open(op, one.id, 'serial')
    fake.print(one.id, 'login: ')
    expect(String(stream.read())).toBe('login: ')
    fake.print(one.id, 'x'.repeat(100_000))
    const log = await fake.console.log(op, one.id, { offset: 0, maxBytes: 10 })
    expect(log).toEqual({ text: 'x'.repeat(10), offset: 100_014 - 65_536, next: 100_014 - 65_526 })
  })

  it('carries a hundred hosts with a thousand guests each', async () => {
    const hosts: FakeHypervisor[] = []
    for (let host = 0; host < 100; host += 1) {
      const fake = createFakeHypervisor()
      hosts.push(fake)
      for (let guest = 0; guest < 1000; guest += 1) await fake.ensure(op, spec())
    }
    const lists = await Promise.all(hosts.map((host) => host.list(op)))
    expect(lists.flat().filter((guest) => guest.power === 'running')).toHaveLength(100_000)
  })
})
