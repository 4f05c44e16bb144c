import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { checkAlive } from './changes.ts'
import type { NicAttachment } from './interface.ts'
import { netdevOf, nicDeviceOf, nicIds } from './qemu-args.ts'
import type { QmpClient } from './qmp.ts'

/** Most guests let go within so long; the others are asked again by whoever waits. */
const releaseMs = 500
const prefix = nicIds({ portId: '' }).device

/**
 * Makes the NICs of a running guest those of `wanted`; `before` is what its description has. Returns
 * the ports of those that the guest still holds. Replaying it changes nothing.
 */
export async function plugNics(
  op: Op,
  qmp: QmpClient,
  before: readonly NicAttachment[],
  wanted: readonly NicAttachment[],
): Promise<string[]> {
  const ids = new Set(wanted.map((nic) => nicIds(nic).device))
  const gone = before.filter((nic) => !ids.has(nicIds(nic).device))
  const unknown = (await peripherals(qmp))
    .filter((name) => name.startsWith(prefix) && !ids.has(name))
    .map((name) => ({ portId: name.slice(prefix.length) }))
  const leaving = [...new Set([...gone, ...unknown].map((nic) => nic.portId))]
  const held = await unplug(op, qmp, leaving)
  const there = new Set(await peripherals(qmp))
  for (const nic of wanted) if (!there.has(nicIds(nic).device)) await plug(qmp, nic)
  return held
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

/** Returns those that the guest still holds. */
async function unplug(op: Op, qmp: QmpClient, portIds: readonly string[]): Promise<string[]> {
  let held = await heldOf(qmp, portIds)
  // Asked each time: a guest that is still booting has not heard the first time. QEMU refuses while
  // it waits for the guest, which is no failure.
  for (const portId of held)
    await qmp.execute('device_del', { id: nicIds({ portId }).device }).catch(() => undefined)
  for (const end = Date.now() + releaseMs; held.length > 0 && Date.now() < end; ) {
    checkAlive(op)
    await sleep(50)
    held = await heldOf(qmp, held)
  }
  // Refused when it has gone already, with an earlier try.
  for (const portId of portIds)
    if (!held.includes(portId))
      await qmp.execute('netdev_del', { id: nicIds({ portId }).netdev }).catch(() => undefined)
  return held
}

async function heldOf(qmp: QmpClient, portIds: readonly string[]): Promise<string[]> {
  const there = new Set(await peripherals(qmp))
  return portIds.filter((portId) => there.has(nicIds({ portId }).device))
}
