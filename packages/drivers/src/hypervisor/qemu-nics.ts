import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { checkAlive } from './changes.ts'
import type { NicAttachment } from './interface.ts'
import { netdevOf, nicDeviceOf, nicIds } from './qemu-args.ts'
import type { QmpClient } from './qmp.ts'

/** How long one call waits for the guest to release NICs. Most guests are faster; for the others the caller calls again. */
const releaseMs = 500
const prefix = nicIds({ portId: '' }).device

/**
 * Makes the NICs of a running guest those of `wanted`; `before` are the NICs of its current spec. Returns
 * the port ids of NICs that the guest still holds. Repeating the call changes nothing. `giveTap` makes
 * QEMU's user the owner of a tap.
 */
export async function plugNics(
  op: Op,
  qmp: QmpClient,
  before: readonly NicAttachment[],
  wanted: readonly NicAttachment[],
  giveTap: (tap: string) => Promise<void>,
): Promise<string[]> {
  const ids = new Set(wanted.map((nic) => nicIds(nic).device))
  const gone = before.filter((nic) => !ids.has(nicIds(nic).device))
  const unknown = (await peripherals(qmp))
    .filter((name) => name.startsWith(prefix) && !ids.has(name))
    .map((name) => ({ portId: name.slice(prefix.length) }))
  const leaving = [...new Set([...gone, ...unknown].map((nic) => nic.portId))]
  const held = await unplug(op, qmp, leaving)
  const there = new Set(await peripherals(qmp))
  for (const nic of wanted) {
    if (there.has(nicIds(nic).device)) continue
    await giveTap(nic.tap)
    await plug(qmp, nic)
  }
  return held
}

/** The ids of all devices in QEMU that have one, also of the PCIe ports. */
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

/** A free PCIe port for one more NIC. The machine has a few spare ports. */
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
      'The running guest has no free slot for another NIC: stop and start the guest, which adds slots.',
    )
  return free
}

/** Asks the guest to release these NICs; returns the port ids of those that it still holds. */
async function unplug(op: Op, qmp: QmpClient, portIds: readonly string[]): Promise<string[]> {
  let held = await heldOf(qmp, portIds)
  // Each call asks again, because a guest that is still booting does not hear the first request. QEMU
  // refuses while an earlier request is pending, which is no failure.
  for (const portId of held)
    await qmp.execute('device_del', { id: nicIds({ portId }).device }).catch(() => undefined)
  for (const end = Date.now() + releaseMs; held.length > 0 && Date.now() < end; ) {
    checkAlive(op)
    await sleep(50)
    held = await heldOf(qmp, held)
  }
  // QEMU refuses when an earlier call has already removed the netdev, which is no failure.
  for (const portId of portIds)
    if (!held.includes(portId))
      await qmp.execute('netdev_del', { id: nicIds({ portId }).netdev }).catch(() => undefined)
  return held
}

async function heldOf(qmp: QmpClient, portIds: readonly string[]): Promise<string[]> {
  const there = new Set(await peripherals(qmp))
  return portIds.filter((portId) => there.has(nicIds({ portId }).device))
}
