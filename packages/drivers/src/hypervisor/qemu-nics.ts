import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { checkAlive } from './changes.ts'
import type { NicAttachment } from './interface.ts'
import { netdevOf, nicDeviceOf, nicIds } from './qemu-args.ts'
import type { QmpClient } from './qmp.ts'

/** How long a guest may take to let go of a device. One that has not booted yet never does. */
const releaseMs = 20_000
const prefix = nicIds({ portId: '' }).device

/**
 * Makes the NICs of a running guest those of `wanted`. Replaying it changes nothing. `giveTap` makes
 * QEMU's user the owner of one.
 */
export async function plugNics(
  op: Op,
  qmp: QmpClient,
  instanceId: string,
  wanted: readonly NicAttachment[],
  giveTap: (tap: string) => Promise<void>,
): Promise<void> {
  const ids = new Set(wanted.map((nic) => nicIds(nic).device))
  for (const device of (await peripherals(qmp)).filter((name) => name.startsWith(prefix)))
    if (!ids.has(device)) await unplug(op, qmp, instanceId, device.slice(prefix.length))
  const there = new Set(await peripherals(qmp))
  for (const nic of wanted) {
    if (there.has(nicIds(nic).device)) continue
    await giveTap(nic.tap)
    await plug(qmp, nic)
  }
}

/** Names of everything that was given an id: devices and the ports that they sit behind. */
async function peripherals(qmp: QmpClient): Promise<string[]> {
  const list = (await qmp.execute('qom-list', { path: '/machine/peripheral' })) as { name?: unknown }[]
  return list.flatMap(({ name }) => (typeof name === 'string' ? name : []))
}

async function plug(qmp: QmpClient, nic: NicAttachment): Promise<void> {
  const bus = await freeBus(qmp)
  const { netdev } = nicIds(nic)
  await qmp.execute('netdev_add', netdevOf(nic))
  try {
    await qmp.execute('device_add', nicDeviceOf(nic, bus))
  } catch (error) {
    await qmp.execute('netdev_del', { id: netdev }).catch(() => undefined)
    throw error
  }
}

/** A port of its own for one more NIC. The machine has a few more than the guest started with. */
async function freeBus(qmp: QmpClient): Promise<string> {
  const names = await peripherals(qmp)
  const taken = new Set<string>()
  for (const device of names.filter((name) => name.startsWith(prefix))) {
    const path = await qmp.execute('qom-get', {
      path: `/machine/peripheral/${device}`,
      property: 'parent_bus',
    })
    // "/machine/peripheral/n0/n0"
    taken.add(String(path).split('/').at(-1) ?? '')
  }
  const free = names.filter((name) => /^n\d$/.test(name) && !taken.has(name)).sort()[0]
  if (free === undefined)
    throw new DriverError(
      'conflict',
      'The running guest has no free slot for another NIC: stop and start it, then it has.',
    )
  return free
}

async function unplug(op: Op, qmp: QmpClient, instanceId: string, portId: string): Promise<void> {
  const { device, netdev } = nicIds({ portId })
  const end = Date.now() + releaseMs
  op.progress('waiting for the guest to let go of the device')
  for (;;) {
    checkAlive(op)
    // Asked again: a guest that is still booting has not heard the first time. QEMU refuses while
    // it waits for the guest, which is no failure.
    await qmp.execute('device_del', { id: device }).catch(() => undefined)
    await sleep(250)
    if (!(await peripherals(qmp)).includes(device)) break
    if (Date.now() > end)
      throw new DriverError(
        'conflict',
        `The guest ${instanceId} does not let go of its NIC. Try again when it has booted, or stop it first.`,
      )
  }
  await qmp.execute('netdev_del', { id: netdev })
}
