import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { consoles } from './conformance-consoles.ts'
import { type Context, type HypervisorHarness, op, plainSpec, until } from './conformance-world.ts'
import type { HypervisorEvent, InstanceSpec } from './interface.ts'

/** The tests that every hypervisor driver must pass; they run on the fake and on real QEMU. */
export function hypervisorConformance(name: string, make: () => Promise<HypervisorHarness>): void {
  describe(`hypervisor: ${name}`, () => {
    const world = { harness: undefined as HypervisorHarness | undefined, events: [] as HypervisorEvent[] }
    const context: Context = {
      get harness() {
        if (!world.harness) throw new Error('the harness is made before each test')
        return world.harness
      },
      get driver() {
        return context.harness.driver
      },
      events: world.events,
      async spec(changes = {}) {
        const id = randomUUID()
        return { ...plainSpec(id), ...(await context.harness.prepare(id)), ...changes }
      },
    }
    beforeEach(async () => {
      world.harness = await make()
      world.events.length = 0
      world.harness.driver.subscribe((event) => world.events.push(event))
    })
    afterEach(() => context.harness.destroy())

    existence(context)
    power(context)
    events(context)
    restarts(context)
    consoles(context)
  })
}

function existence(c: Context): void {
  it('tells the facts of the machine', async () => {
    const facts = await c.driver.probe(op)
    expect(facts.vcpus).toBeGreaterThan(0)
    expect(facts.memoryMib).toBeGreaterThan(0)
    expect(facts.version).toMatch(/^\d/)
    expect(await c.driver.probe(op)).toEqual(facts)
  })

  it('changes nothing when a guest is ensured a second time, and lists the guest', async () => {
    const spec = await c.spec()
    const first = await c.driver.ensure(op, spec)
    expect(first).toMatchObject({ id: spec.id, power: 'running', reason: null })
    expect(first.pid).toBeGreaterThan(0)
    expect(await c.driver.ensure(op, structuredClone(spec))).toEqual(first)
    expect(await c.driver.list(op)).toEqual([first])
    expect(await c.driver.get(op, spec.id)).toEqual(first)
    expect(await c.driver.specOf(spec.id)).toEqual(spec)
  })

  it('defines a guest without running it, and runs it when asked to', async () => {
    const spec = await c.spec({ power: 'off' })
    expect(await c.driver.ensure(op, spec)).toMatchObject({ power: 'off', pid: null, startedAt: null })
    expect(await c.driver.ensure(op, { ...spec, power: 'running' })).toMatchObject({ power: 'running' })
  })

  it('keeps a running guest when its spec changes and uses the new one at the next start', async () => {
    const spec = await c.spec()
    const before = await c.driver.ensure(op, spec)
    const changed = { ...spec, vcpus: 2 }
    expect(await c.driver.ensure(op, changed)).toEqual(before)
    expect(await c.driver.specOf(spec.id)).toEqual(changed)
    const after = await c.driver.reboot(op, spec.id)
    expect(after.pid).not.toBe(before.pid)
  })

  it('removes a guest, running or not, leaves nothing of it, and succeeds when it is already gone', async () => {
    const spec = await c.spec()
    await c.driver.ensure(op, spec)
    await c.driver.remove(op, spec.id)
    await c.driver.remove(op, spec.id)
    expect(await c.driver.get(op, spec.id)).toBeNull()
    expect(await c.driver.specOf(spec.id)).toBeNull()
    expect(await c.driver.list(op)).toEqual([])
    expect(await c.harness.leftovers(spec.id)).toEqual([])
    await c.driver.remove(op, randomUUID())
  })

  it('leaves nothing of a guest that cannot be started, and starts the guest once that is mended', async () => {
    const spec = await c.spec()
    await c.harness.spoil(spec)
    await expect(c.driver.ensure(op, spec)).rejects.toMatchObject({ name: 'DriverError' })
    expect(await c.driver.get(op, spec.id)).toBeNull()
    expect(await c.harness.leftovers(spec.id)).toEqual([])
    expect(c.events).toEqual([])
    await c.harness.prepare(spec.id)
    expect(await c.driver.ensure(op, spec)).toMatchObject({ power: 'running' })
  })

  it('knows nothing of an unknown id', async () => {
    const id = randomUUID()
    const missing = { name: 'DriverError', code: 'not_found' }
    expect(await c.driver.get(op, id)).toBeNull()
    await expect(c.driver.start(op, id)).rejects.toMatchObject(missing)
    await expect(c.driver.stop(op, id)).rejects.toMatchObject(missing)
    await expect(c.driver.reboot(op, id)).rejects.toMatchObject(missing)
    await expect(c.driver.pause(op, id)).rejects.toMatchObject(missing)
    await expect(c.driver.unpause(op, id)).rejects.toMatchObject(missing)
    await expect(c.driver.console?.open(op, id, 'serial')).rejects.toMatchObject(missing)
    await expect(c.driver.console?.log(op, id, { maxBytes: 10 })).rejects.toMatchObject(missing)
  })

  it('refuses a spec that cannot be honoured', async () => {
    const spec = await c.spec()
    const invalid = { name: 'DriverError', code: 'invalid' }
    const wrong: Partial<InstanceSpec>[] = [
      { id: '../../etc' },
      { vcpus: 100_000 },
      { vcpus: 0 },
      { memoryMib: 1_000_000_000 },
      { nics: [{ portId: 'p', mac: 'fa:16:3e:00:00:01', tap: 'tap0,script=/bin/sh', mtu: 1500 }] },
      { nics: [{ portId: 'p', mac: 'ff:ff:ff:ff:ff:ff', tap: 'tap0', mtu: 1500 }] },
      { disks: [{ id: 'd', path: 'relative.img', format: 'raw', boot: true }] },
    ]
    for (const change of wrong)
      await expect(c.driver.ensure(op, { ...spec, ...change })).rejects.toMatchObject(invalid)
    expect(await c.driver.list(op)).toEqual([])
  })

  it('does nothing for a caller that has given up', async () => {
    const spec = await c.spec()
    const late = { ...op, signal: AbortSignal.abort() }
    await expect(c.driver.ensure(late, spec)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await c.driver.get(op, spec.id)).toBeNull()
  })
}

function power(c: Context): void {
  it('starts and stops a guest, and repeating either changes nothing', async () => {
    const spec = await c.spec()
    const { pid } = await c.driver.ensure(op, spec)
    expect(await c.driver.start(op, spec.id)).toMatchObject({ power: 'running', pid })
    expect(await c.driver.stop(op, spec.id)).toMatchObject({ power: 'off', pid: null })
    expect(await c.driver.stop(op, spec.id)).toMatchObject({ power: 'off' })
    expect((await c.driver.specOf(spec.id))?.power).toBe('off')
    expect(await c.driver.start(op, spec.id)).toMatchObject({ power: 'running' })
    expect((await c.driver.specOf(spec.id))?.power).toBe('running')
  })

  it('lets the guest shut down by its power button, and tells when the guest is off', async () => {
    const spec = await c.spec()
    await c.driver.ensure(op, spec)
    await c.harness.booted(spec.id)
    await c.driver.pressButton(op, spec.id)
    await until(() => c.events.at(-1)?.power === 'off', 10_000)
    expect(await c.driver.get(op, spec.id)).toMatchObject({ power: 'off', pid: null, reason: null })
    await expect(c.driver.pressButton(op, spec.id)).rejects.toMatchObject({ code: 'conflict' })
  })

  it('leaves a guest that ignores its power button running until it is stopped', async () => {
    const spec = await c.spec()
    await c.driver.ensure(op, spec)
    await c.harness.booted(spec.id)
    await c.harness.ignoreButton(spec.id)
    expect(await c.driver.pressButton(op, spec.id)).toMatchObject({ power: 'running' })
    expect(await c.driver.pressButton(op, spec.id)).toMatchObject({ power: 'running' })
    expect(await c.driver.stop(op, spec.id)).toMatchObject({ power: 'off' })
  })

  it('reboots a guest, also one that is off, and tells only that the guest runs again', async () => {
    const spec = await c.spec()
    const first = await c.driver.ensure(op, spec)
    await c.harness.booted(spec.id)
    c.events.length = 0
    const second = await c.driver.reboot(op, spec.id)
    expect(second).toMatchObject({ power: 'running', reason: null })
    expect(second.pid).not.toBe(first.pid)
    expect(c.events.map((event) => event.power)).toEqual(['running'])
    await c.driver.stop(op, spec.id)
    expect(await c.driver.reboot(op, spec.id)).toMatchObject({
      power: 'running',
    })
  })

  it('pauses and unpauses a running guest, repeatably, and refuses a guest that is off', async () => {
    const spec = await c.spec()
    const { pid } = await c.driver.ensure(op, spec)
    for (let n = 0; n < 2; n += 1)
      expect(await c.driver.pause(op, spec.id)).toMatchObject({ power: 'paused', pid })
    expect(await c.driver.ensure(op, spec)).toMatchObject({ power: 'paused' })
    await expect(c.driver.start(op, spec.id)).rejects.toMatchObject({ code: 'conflict' })
    for (let n = 0; n < 2; n += 1)
      expect(await c.driver.unpause(op, spec.id)).toMatchObject({ power: 'running', pid })
    await c.driver.pause(op, spec.id)
    expect(await c.driver.stop(op, spec.id)).toMatchObject({ power: 'off' })
    await expect(c.driver.pause(op, spec.id)).rejects.toMatchObject({ code: 'conflict' })
    await expect(c.driver.unpause(op, spec.id)).rejects.toMatchObject({ code: 'conflict' })
  })

  it('serves calls for one guest that come at the same time', async () => {
    const spec = await c.spec()
    const all = await Promise.all([1, 2, 3].map(() => c.driver.ensure(op, spec)))
    expect(new Set(all.map((observed) => observed.pid)).size).toBe(1)
    // Whichever call comes first, the stop may find the guest gone, and the removal succeeds.
    await Promise.allSettled([c.driver.stop(op, spec.id), c.driver.remove(op, spec.id)])
    expect(await c.driver.get(op, spec.id)).toBeNull()
    expect(await c.harness.leftovers(spec.id)).toEqual([])
  })
}

function events(c: Context): void {
  const seen = (id: string) => c.events.filter((event) => event.instanceId === id).map((event) => event.power)

  it('tells each change of power once', async () => {
    const spec = await c.spec()
    await c.driver.ensure(op, spec)
    await c.driver.pause(op, spec.id)
    await c.driver.pause(op, spec.id)
    await c.driver.unpause(op, spec.id)
    await c.driver.stop(op, spec.id)
    await sleep(50)
    expect(seen(spec.id)).toEqual(['running', 'paused', 'running', 'off'])
    for (const event of c.events) expect(Math.abs(Date.parse(event.at) - Date.now())).toBeLessThan(60_000)
  })

  it('tells within a second that a guest has powered itself off, and can start it again', async () => {
    const spec = await c.spec()
    await c.driver.ensure(op, spec)
    await c.harness.booted(spec.id)
    await c.harness.powerOff(spec.id)
    await until(() => seen(spec.id).at(-1) === 'off', 1_500)
    expect(await c.driver.get(op, spec.id)).toMatchObject({ power: 'off', pid: null, reason: null })
    expect(await c.driver.start(op, spec.id)).toMatchObject({ power: 'running' })
  })

  it('tells within a second that a guest has crashed, with a reason, until it is started or stopped', async () => {
    const spec = await c.spec()
    await c.driver.ensure(op, spec)
    await c.harness.crash(spec.id)
    await until(() => seen(spec.id).at(-1) === 'crashed', 1_500)
    expect(await c.driver.get(op, spec.id)).toMatchObject({ power: 'crashed', pid: null })
    expect((await c.driver.get(op, spec.id))?.reason).toMatch(/QEMU/)
    expect(await c.driver.start(op, spec.id)).toMatchObject({ power: 'running', reason: null })
    await c.harness.crash(spec.id)
    await until(() => seen(spec.id).at(-1) === 'crashed', 1_500)
    expect(await c.driver.stop(op, spec.id)).toMatchObject({ power: 'off', reason: null })
  })

  it('tells nothing more to a listener that has unsubscribed', async () => {
    const spec = await c.spec()
    const heard: HypervisorEvent[] = []
    const stop = c.driver.subscribe((event) => heard.push(event))
    await c.driver.ensure(op, spec)
    stop()
    await c.driver.pause(op, spec.id)
    expect(heard.map((event) => event.power)).toEqual(['running'])
  })
}

function restarts(c: Context): void {
  it('finds its guests after a restart of the agent, untouched', async () => {
    const running = await c.spec()
    const before = await c.driver.ensure(op, running)
    await c.harness.abandon()
    const driver = await c.harness.reopen()
    expect(await driver.list(op)).toEqual([before])
    expect(await driver.specOf(running.id)).toEqual(running)
    expect(await driver.ensure(op, running)).toEqual(before)
    await driver.pause(op, running.id)
    await c.harness.abandon()
    expect(await (await c.harness.reopen()).get(op, running.id)).toMatchObject({
      power: 'paused',
      pid: before.pid,
    })
  })

  it('leaves a stopped guest stopped', async () => {
    const spec = await c.spec()
    await c.driver.ensure(op, spec)
    await c.driver.stop(op, spec.id)
    await c.harness.abandon()
    expect(await (await c.harness.reopen()).get(op, spec.id)).toMatchObject({ power: 'off', pid: null })
  })

  it('tells a crash from a clean end that happened while the agent was away', async () => {
    const spec = await c.spec()
    await c.driver.ensure(op, spec)
    await c.harness.booted(spec.id)
    await c.harness.abandon()
    await c.harness.powerOff(spec.id)
    const driver = await c.harness.reopen()
    expect(await driver.get(op, spec.id)).toMatchObject({ power: 'off', reason: null, pid: null })
    await driver.start(op, spec.id)
    await c.harness.abandon()
    await c.harness.crash(spec.id)
    const next = await c.harness.reopen()
    const crashed = await next.get(op, spec.id)
    expect(crashed).toMatchObject({ power: 'crashed', pid: null })
    expect(crashed?.reason).toMatch(/QEMU/)
  })
}
