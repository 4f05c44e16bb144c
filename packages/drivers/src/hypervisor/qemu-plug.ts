import { setTimeout as sleep } from 'node:timers/promises'
import { bounds } from '../bounds.ts'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { checkAlive } from './changes.ts'
import { unlessHidden } from './hidden.ts'
import type { NicAttachment, VolumeAttachment } from './interface.ts'
import { netdevOf, nicDeviceOf, nicIds } from './qemu-args.ts'
import { endJob } from './qemu-jobs.ts'
import type { QmpClient } from './qmp.ts'
import { endCopying, nodesOfVolume } from './running-mirror.ts'
import { limitsObjectOf, limitVolume } from './volume-limits.ts'
import {
  keyObjectOf,
  mergeJob,
  scsiController,
  type VolumeDisk,
  volumeDeviceOf,
  volumeNames,
  volumeNodeOf,
} from './volume-node.ts'

/** How long one call waits for the guest to release devices. Most guests are faster; for the others the caller calls again. */
const releaseMs = 500

/** How long QEMU may take to let go of the node of a device that is gone. */
const dropMs = 2_000

/** More rounds than a volume has layers, and a wait of dropMs has, are never needed. */
const mostRounds = 320

/** A kind of device that is plugged into a running guest. `id` is that of the port or volume. */
type Kind = {
  /** The id of the device in QEMU is this and the id of the thing. */
  prefix: string
  /** The PCIe ports for this kind: d0, d1, … or n0, n1, … */
  letter: 'd' | 'n'
  words: string
  /** Removes what QEMU keeps behind a device that is gone. */
  drop(qmp: QmpClient, id: string): Promise<void>
}

const nicKind: Kind = {
  prefix: nicIds({ portId: '' }).device,
  letter: 'n',
  words: 'NIC',
  // QEMU refuses when an earlier call has already removed the netdev, which is no failure.
  drop: async (qmp, portId) =>
    void (await qmp.execute('netdev_del', { id: nicIds({ portId }).netdev }).catch(() => undefined)),
}

const volumeKind: Kind = {
  prefix: volumeNames('').device,
  letter: 'd',
  words: 'volume',
  async drop(qmp, id) {
    // The filter goes first, and with it the layers that were opened together with it; a layer that was added later
    // goes after the one above it. As long as QEMU has a node it has the file open, so a failure here is one of the call.
    const { node, limits, key } = volumeNames(id)
    await endJob(qmp, mergeJob(id))
    await endCopying(qmp, id)
    let rounds = 0
    const end = Date.now() + dropMs
    for (let names = await nodesOfVolume(qmp, node); names.length > 0; rounds++) {
      // A QEMU that a guest has taken over may list a node for ever.
      if (rounds > mostRounds)
        throw new DriverError('unavailable', `QEMU does not let go of the volume ${id}.`)
      const failures: unknown[] = []
      for (const name of names)
        await qmp.execute('blockdev-del', { 'node-name': name }).catch((error) => failures.push(error))
      // QEMU says that a device is gone a moment before the device lets go of its node.
      if (failures.length === names.length) {
        if (Date.now() > end) throw failures[0]
        await sleep(10)
      }
      names = await nodesOfVolume(qmp, node)
    }
    for (const object of [limits, key]) await qmp.execute('object-del', { id: object }).catch(() => undefined)
  },
}

/**
 * The ids of the things that the guest still holds, and of those that could not be plugged in and are surely not in QEMU.
 * `failure` is the first of the errors: one impossible thing does not stop the others.
 */
export type Plugged = { held: string[]; absent: string[]; failure: { error: unknown } | null }

/** Makes QEMU's user the owner of a tap. */
type GiveTap = (tap: string) => Promise<void>

/**
 * Makes the NICs of a running guest those of `wanted`; `before` are the ids of its current ones. Repeating
 * the call changes nothing.
 */
export async function plugNics(
  op: Op,
  qmp: QmpClient,
  { before, wanted }: { before: readonly string[]; wanted: readonly NicAttachment[] },
  giveTap: GiveTap,
): Promise<Plugged> {
  const { held, missing } = await release(op, qmp, nicKind, {
    before,
    wanted: wanted.map((nic) => nic.portId),
  })
  const added = await addEach(qmp, nicKind, missing, async (id) => {
    const nic = wanted.find(({ portId }) => portId === id)
    if (!nic) return
    await giveTap(nic.tap)
    const bus = await freeBus(qmp, nicKind)
    await qmp.execute('netdev_add', netdevOf(nic))
    await qmp.execute('device_add', nicDeviceOf(nic, bus))
  })
  return { held, ...added }
}

/** The same for volumes, with their limits. `open` gives QEMU's user the volume of that id. */
export async function plugVolumes(
  op: Op,
  qmp: QmpClient,
  { before, wanted }: { before: readonly string[]; wanted: readonly Limited[] },
  open: (id: string) => Promise<VolumeDisk>,
): Promise<Plugged> {
  const { held, missing } = await release(op, qmp, volumeKind, { before, wanted: wanted.map(({ id }) => id) })
  const added = await addEach(qmp, volumeKind, missing, async (id) => {
    const place = (await isOnScsi(qmp)) ? await freeScsiId(qmp) : await freeBus(qmp, volumeKind)
    const volume = await open(id)
    // An agent that was killed before device_add has left the node.
    await volumeKind.drop(qmp, id)
    const key = keyObjectOf(volume)
    if (key) await qmp.execute('object-add', key)
    await qmp.execute('object-add', limitsObjectOf(volume))
    await qmp.execute('blockdev-add', volumeNodeOf(volume)).catch(unlessHidden(volume))
    await qmp.execute('device_add', volumeDeviceOf({ id, shared: volume.shared }, place))
  })
  const there = wanted.filter(({ id }) => !missing.has(id))
  const failure = await limitEach(qmp, there)
  return { held, absent: added.absent, failure: added.failure ?? failure }
}

type Limited = Pick<VolumeAttachment, 'id' | 'limits'>
/** Gives volumes that the guest had before the limits that hold now. */
async function limitEach(qmp: QmpClient, volumes: readonly Limited[]): Promise<Plugged['failure']> {
  let failure: Plugged['failure'] = null
  for (const volume of volumes)
    await limitVolume(qmp, volume).catch((error: unknown) => {
      failure ??= { error }
    })
  return failure
}

async function addEach(
  qmp: QmpClient,
  kind: Kind,
  ids: Iterable<string>,
  add: (id: string) => Promise<void>,
): Promise<Omit<Plugged, 'held'>> {
  const absent: string[] = []
  let failure: Plugged['failure'] = null
  for (const id of ids) {
    try {
      await add(id)
    } catch (error) {
      failure ??= { error }
      if (await isGone(qmp, kind, id)) absent.push(id)
    }
  }
  return { absent, failure }
}

/** Removes what a failed call has left of a thing in QEMU. False when that is not sure, such as when QEMU does not answer. */
async function isGone(qmp: QmpClient, kind: Kind, id: string): Promise<boolean> {
  try {
    if ((await peripherals(qmp)).includes(kind.prefix + id)) return false
    await kind.drop(qmp, id)
    return true
  } catch {
    return false
  }
}

/** Asks the guest to release what is not wanted, and says what it still holds and what is to be plugged in. */
async function release(
  op: Op,
  qmp: QmpClient,
  kind: Kind,
  { before, wanted }: { before: readonly string[]; wanted: readonly string[] },
): Promise<{ held: string[]; missing: Set<string> }> {
  const there = (await peripherals(qmp)).filter((name) => name.startsWith(kind.prefix))
  const plugged = there.map((name) => name.slice(kind.prefix.length))
  const leaving = [...new Set([...before, ...plugged])].filter((id) => !wanted.includes(id))
  const held = await unplug(op, qmp, kind, leaving)
  const now = new Set(await peripherals(qmp))
  return { held, missing: new Set(wanted.filter((id) => !now.has(kind.prefix + id))) }
}

/** The ids of all devices in QEMU that have one, also of the PCIe ports. */
async function peripherals(qmp: QmpClient): Promise<string[]> {
  const list = (await qmp.execute('qom-list', { path: '/machine/peripheral' })) as { name?: unknown }[]
  return list.flatMap(({ name }) => (typeof name === 'string' ? name : []))
}

/** Whether the running guest reaches its disks by SCSI. The machine tells, because it was made at the guest's start. */
const isOnScsi = async (qmp: QmpClient): Promise<boolean> => (await peripherals(qmp)).includes(scsiController)

/** The lowest free number on the SCSI controller of the disks. */
async function freeScsiId(qmp: QmpClient): Promise<number> {
  const taken = new Set<unknown>()
  for (const device of (await peripherals(qmp)).filter((name) => /^(vol-|blk)/.test(name)))
    taken.add(await qmp.execute('qom-get', { path: `/machine/peripheral/${device}`, property: 'scsi-id' }))
  const free = Array.from({ length: bounds.disksOfGuest }, (_, id) => id).find((id) => !taken.has(id))
  if (free === undefined)
    throw new DriverError('conflict', `A guest can have ${bounds.disksOfGuest} disks, with its volumes.`)
  return free
}

/** A free PCIe port for one more device. The machine has a few spare ports. */
async function freeBus(qmp: QmpClient, { letter, words }: Kind): Promise<string> {
  const names = await peripherals(qmp)
  const taken = new Set<string>()
  for (const device of names.filter((name) => /^(nic-|vol-|blk)/.test(name))) {
    const path = await qmp.execute('qom-get', {
      path: `/machine/peripheral/${device}`,
      property: 'parent_bus',
    })
    // "/machine/peripheral/n0/n0"
    taken.add(String(path).split('/').at(-1) ?? '')
  }
  const ports = names.filter((name) => name.startsWith(letter) && /^.\d+$/.test(name) && !taken.has(name))
  const [free] = ports.sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)))
  if (free === undefined)
    throw new DriverError(
      'no_slot',
      `The running guest has no free slot for another ${words}: stop and start the guest, which adds slots.`,
    )
  return free
}

/** Asks the guest to release these devices; returns the ids of those that it still holds. */
async function unplug(op: Op, qmp: QmpClient, kind: Kind, ids: readonly string[]): Promise<string[]> {
  const heldOf = async (some: readonly string[]) => {
    const there = new Set(await peripherals(qmp))
    return some.filter((id) => there.has(kind.prefix + id))
  }
  let held = await heldOf(ids)
  // Each call asks again, because a guest that is still booting does not hear the first request. QEMU
  // refuses while an earlier request is pending, which is no failure.
  for (const id of held) await qmp.execute('device_del', { id: kind.prefix + id }).catch(() => undefined)
  for (const end = Date.now() + releaseMs; held.length > 0 && Date.now() < end; ) {
    checkAlive(op)
    await sleep(50)
    held = await heldOf(held)
  }
  for (const id of ids) if (!held.includes(id)) await kind.drop(qmp, id)
  return held
}
