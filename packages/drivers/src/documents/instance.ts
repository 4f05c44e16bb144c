import { DriverError } from '../errors.ts'
import type { HypervisorDriver, InstanceSpec, NicAttachment } from '../hypervisor/interface.ts'
import type { NetworkDriver } from '../network/interface.ts'
import type { Op } from '../op.ts'
import type { LocalStorageDriver, ObservedDisk } from '../storage/interface.ts'
import type { HostDocument, InstanceWish, Receipt } from './interface.ts'

/** What a receipt says besides of what it speaks. */
export type Outcome = Receipt extends infer R
  ? R extends Receipt
    ? Omit<R, 'kind' | 'id' | 'generation'>
    : never
  : never
export const guestLetsGo = 'the guest to let go of its interface'
type Host = { hypervisor: HypervisorDriver; network: NetworkDriver; storage: LocalStorageDriver }

/**
 * A guest as its document says: its ports are there already, its disk is made when it is to be, it is
 * described anew, and it runs when it is to run. A guest that runs gets and loses NICs at once.
 */
export async function makeInstance(
  { hypervisor, network, storage }: Host,
  op: Op,
  wish: InstanceWish,
): Promise<Outcome> {
  const { power, disk: _, ports, ...description } = wish
  const nics = await nicsOf(network, op, wish)
  const disk = await diskOf(storage, op, wish)
  if (disk === null) return { outcome: 'working', for: 'the host to copy the image' }
  const [seen, before] = await Promise.all([hypervisor.get(op, wish.id), hypervisor.describe(op, wish.id)])
  const isAlive = seen?.power === 'running' || seen?.power === 'paused'
  if (power === 'running' && !isAlive) op.progress('starting the guest')
  const plug = () => hypervisor.plugNics(op, wish.id, nics)
  let held = isAlive && before && !sameNics(before, nics) ? await plug() : []
  const kept = before?.nics.filter((nic) => held.includes(nic.portId)) ?? []
  const guest = await hypervisor.ensure(op, {
    ...description,
    // One that is off stays off, also when its description says from before that it should run.
    power: power ?? (isAlive ? (before?.power ?? 'off') : 'off'),
    disks: [{ id: disk.id, path: disk.path, format: disk.format, boot: true }],
    nics: [...nics, ...kept],
  })
  // Its description was lost: NICs can be compared with what is written now.
  if (isAlive && !before) held = await plug()
  return held.length > 0 ? { outcome: 'working', for: guestLetsGo } : { outcome: 'reached', guest }
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

/** A new disk needs nothing of the network, so it is made while the ports are. What fails here is told with its guest. */
export async function beginDisk(storage: LocalStorageDriver, op: Op, wish: InstanceWish): Promise<void> {
  if (!wish.disk) return
  const disk = newDiskOf(storage, op, wish, wish.disk)
  begun.set(wish, disk)
  await disk.catch(() => undefined)
}

/** Null while it is being made. */
async function diskOf(storage: LocalStorageDriver, op: Op, wish: InstanceWish): Promise<ObservedDisk | null> {
  const { id, disk } = wish
  if (disk) return begun.get(wish) ?? newDiskOf(storage, op, wish, disk)
  const there = await storage.findDisk(op, { id, instanceId: id })
  if (!there) throw new DriverError('not_found', 'The disk of this instance is gone from its host.')
  return there
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

const sameNics = (before: InstanceSpec, nics: readonly NicAttachment[]): boolean =>
  before.nics.map((nic) => nic.portId).join() === nics.map((nic) => nic.portId).join()

/**
 * Ports that are to go and that guests have plugged, each with its guest: they may go when it has let go of
 * them. Looked at are the guests of these documents and, as `guestOf` knows it, those that had the ports last.
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
