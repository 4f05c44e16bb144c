import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { op, plainSpec } from './conformance-world.ts'
import { type QemuHarness, qemuHarness } from './qemu.testing.ts'
import { connectQmp } from './qmp.ts'

const netns = `strato-nics-${process.pid}`
const ip = (...args: string[]) => execFileSync('ip', args)
let harness: QemuHarness
beforeEach(async () => {
  ip('netns', 'add', netns)
  harness = await qemuHarness({ netns })
})
afterEach(async () => {
  await harness.destroy()
  ip('netns', 'del', netns)
})

/** Makes the guest release its unplugged NICs: our boot sector has no driver for that, but a reset does the same. */
async function letGo(id: string): Promise<void> {
  await harness.abandon()
  const reset = Promise.withResolvers<void>()
  const qmp = await connectQmp(join(harness.dir, 'instances', id, 'run'), 5_000, {
    onEvent: ({ name }) => (name === 'RESET' ? reset.resolve() : undefined),
    onClose: () => undefined,
  })
  await qmp.execute('system_reset')
  await reset.promise
  qmp.close()
  await harness.reopen()
}

it('plugs NICs in and out of a running guest, and returns those that the guest still holds without waiting', async () => {
  ip('-n', netns, 'tuntap', 'add', 'dev', 'tap0', 'mode', 'tap', 'user', '64123')
  const id = randomUUID()
  const nic = { portId: randomUUID(), mac: 'fa:16:3e:00:00:01', tap: 'tap0', mtu: 1500 }
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)) })
  await harness.booted(id)
  expect(await harness.driver.plug(op, id, { nics: [nic], volumes: [] })).toEqual([])
  expect((await harness.driver.specOf(id))?.nics).toEqual([nic])

  const began = Date.now()
  for (let n = 0; n < 2; n += 1)
    expect(await harness.driver.plug(op, id, { nics: [], volumes: [] })).toEqual([nic.portId])
  expect(Date.now() - began).toBeLessThan(15_000)
  expect((await harness.driver.specOf(id))?.nics).toEqual([nic])

  await letGo(id)
  expect(await harness.driver.plug(op, id, { nics: [], volumes: [] })).toEqual([])
  expect((await harness.driver.specOf(id))?.nics).toEqual([])
  // QEMU keeps nothing of the NIC, so the NIC can be plugged in again under the same name.
  expect(await harness.driver.plug(op, id, { nics: [nic], volumes: [] })).toEqual([])

  await harness.driver.stop(op, id)
  expect(await harness.driver.plug(op, id, { nics: [], volumes: [] })).toEqual([])
  expect((await harness.driver.specOf(id))?.nics).toEqual([])
})
