import { DriverError } from '../errors.ts'
import type {
  Devices,
  DiskAttachment,
  HypervisorDriver,
  InstanceSpec,
  NicAttachment,
} from '../hypervisor/interface.ts'
import type { NetworkDriver } from '../network/interface.ts'
import type { Op } from '../op.ts'
import type { LocalStorageDriver, ObservedDisk } from '../storage/interface.ts'
import type { HostDocument, InstanceWish, Receipt } from './interface.ts'

/** A receipt without the fields that name its document. */
export type Outcome = Receipt extends infer R
  ? R extends Receipt
    ? Omit<R, 'kind' | 'id' | 'generation'>
    : never
  : never
export const guestLetsGo = 'the guest to let go of its interface'
const guestLetsVolumeGo = 'the guest to let go of its volume'
type Host = { hypervisor: HypervisorDriver; network: NetworkDriver; storage: LocalStorageDriver }

/**
 * Makes a guest as its document says. Its ports must be there already; its disk is made when the document asks
 * for one, its spec is recorded, and it is started when the document says so. A running guest gets and loses NICs at once.
 */
export async function makeInstance(
  { hypervisor, network, storage }: Host,
  op: Op,
  wish: InstanceWish,
): Promise<Outcome> {
  const { power, disk: _, rootOnVolume, localDisks, ports, ...description } = wish
  const nics = await nicsOf(network, op, wish)
  const root = rootOnVolume ? [] : await disksOf(storage, op, wish)
  if (root === null) return { outcome: 'working', for: 'the host to copy the image' }
  const [seen, before] = await Promise.all([hypervisor.get(op, wish.id), hypervisor.describe(op, wish.id)])
  const isAlive = seen?.power === 'running' || seen?.power === 'paused'
  const others = await localDisksOf(storage, op, wish, { before, isAlive })
  if (others === null) return { outcome: 'working', for: 'the host to make the ephemeral and swap disks' }
  if (power === 'running' && !isAlive) op.progress('starting the guest')
  const devices: Devices = { nics, volumes: wish.volumes }
  const plug = () => hypervisor.plug(op, wish.id, devices)
  // Also when the record names the same devices: an interrupted call may have left others in the guest.
  let held = isAlive && before ? await plug() : []
  const keptNics = before?.nics.filter((nic) => held.includes(nic.portId)) ?? []
  const keptVolumes = before?.volumes.filter((volume) => held.includes(volume.id)) ?? []
  const guest = await hypervisor.ensure(op, {
    ...description,
    // A guest that is off stays off unless the document starts it, also when its recorded spec says `running`.
    power: power ?? (isAlive ? (before?.power ?? 'off') : 'off'),
    disks: [...root, ...others],
    nics: [...nics, ...keptNics],
    volumes: [...wish.volumes, ...keptVolumes],
  })
  // The guest's recorded spec was lost. ensure() has recorded a new one, which plug() needs.
  if (isAlive && !before) held = await plug()
  if (held.length === 0) return { outcome: 'reached', guest }
  return { outcome: 'working', for: keptVolumes.length === held.length ? guestLetsVolumeGo : guestLetsGo }
}

async function nicsOf(network: NetworkDriver, op: Op, { id, ports }: InstanceWish): Promise<NicAttachment[]> {
  const here = new Map((await network.describePorts(op, id)).map((one) => [one.port.id, one]))
  return ports.map((portId) => {
    const found = here.get(portId)
    if (!found)
      throw new DriverError('unavailable', `Port ${portId} of the instance is not on this host yet.`)
    return { portId, mac: found.port.mac, tap: found.tap, mtu: found.port.mtu }
  })
}

const begun = new WeakMap<InstanceWish, Promise<ObservedDisk | null>>()

/** Begins a new disk while the ports are made, because a disk needs nothing of the network. Its failure is told in the guest's receipt. */
export async function beginDisk(storage: LocalStorageDriver, op: Op, wish: InstanceWish): Promise<void> {
  if (!wish.disk) return
  const disk = newDiskOf(storage, op, wish, wish.disk)
  begun.set(wish, disk)
  await disk.catch(() => undefined)
}

/** The guest's own disk; null while the host still copies its image. */
async function disksOf(
  storage: LocalStorageDriver,
  op: Op,
  wish: InstanceWish,
): Promise<InstanceSpec['disks'] | null> {
  const { id, disk: wished } = wish
  const disk = wished
    ? await (begun.get(wish) ?? newDiskOf(storage, op, wish, wished))
    : await storage.findDisk(op, { id, instanceId: id })
  if (!disk && wished) return null
  if (!disk) throw new DriverError('not_found', 'The disk of this instance is gone from its host.')
  return [{ id: disk.id, path: disk.path, format: disk.format, boot: true }]
}

/** The ephemeral and swap disks of a guest; null while the host makes one. */
async function localDisksOf(
  storage: LocalStorageDriver,
  op: Op,
  { id: instanceId, localDisks = [] }: InstanceWish,
  { before, isAlive }: { before: InstanceSpec | null; isAlive: boolean },
): Promise<InstanceSpec['disks'] | null> {
  const disks: DiskAttachment[] = []
  for (const { id, kind, make: making, isBuilt } of localDisks) {
    const isUnknown = before !== null && !before.disks.some((disk) => disk.id === id)
    // A guest that was built without the disk gets the disk at its next start.
    if (isBuilt && making && isUnknown && isAlive) continue
    const make = isBuilt && !isUnknown ? null : making
    if (make) op.progress(`making the ${kind} disk`)
    const disk = make
      ? await storage.ensureLocalDisk(op, { ...make, id, instanceId })
      : await storage.findDisk(op, { id, instanceId })
    if (!disk && make) return null
    if (!disk)
      throw new DriverError('not_found', `The ${kind} disk ${id} of this instance is gone from its host.`)
    disks.push({ id, path: disk.path, format: disk.format, boot: false, kind })
  }
  return disks
}

async function newDiskOf(
  storage: LocalStorageDriver,
  op: Op,
  { id, projectId }: InstanceWish,
  disk: NonNullable<InstanceWish['disk']>,
): Promise<ObservedDisk | null> {
  op.progress('making the root disk')
  if (!(await storage.ensureBase(op, disk.base))) return null
  const { blobId, format } = disk.base
  return storage.ensureDisk(op, {
    id,
    instanceId: id,
    projectId,
    sizeGib: disk.sizeGib,
    mode: disk.mode,
    base: { blobId, format },
  })
}

/**
 * The ports that are to go but are still plugged into a guest, each with the guest's id: such a port may go only when
 * its guest has released it. The search covers the guests of these documents and those that `guestOf` knows to
 * have had the ports last.
 */
export async function portsHeldBy(
  hypervisor: HypervisorDriver,
  op: Op,
  documents: readonly HostDocument[],
  guestOf: (port: HostDocument) => string | undefined,
): Promise<ReadonlyMap<string, string>> {
  const ports = documents.filter(({ kind, body }) => kind === 'port' && !body)
  const leaving = new Set(ports.map(({ id }) => id))
  const held = new Map<string, string>()
  if (leaving.size === 0) return held
  const changed = documents.flatMap(({ kind, id, body }) => (kind === 'instance' && body ? id : []))
  const gone = new Set(documents.flatMap(({ kind, id, body }) => (kind === 'instance' && !body ? id : [])))
  const others = ports.flatMap((port) => guestOf(port) ?? []).filter((id) => !gone.has(id))
  for (const guest of new Set([...changed, ...others])) {
    const spec = await hypervisor.describe(op, guest).catch((err: unknown) => {
      op.log.warn({ err, instance: guest }, 'what a guest has plugged is not known')
      return null
    })
    for (const nic of spec?.nics ?? []) if (leaving.has(nic.portId)) held.set(nic.portId, guest)
  }
  return held
}
