import { join } from 'node:path'
import { z } from 'zod'
import { bounds } from '../bounds.ts'
import { DriverError } from '../errors.ts'
import { generatedId, localDiskKind } from '../fields.ts'
import { volumeKey } from '../volumes/spec.ts'
import type { HypervisorCapabilities, InstanceSpec } from './interface.ts'

/** The spec as it may leave the host: without the first password, which only the guest may learn. */
export const withoutSecrets = (spec: InstanceSpec): InstanceSpec => ({
  ...spec,
  guest: { ...spec.guest, adminPass: null },
})

const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'not a UUID')
/** At most the kernel's length of an interface name, and no characters that a program could take for an option. */
const interfaceName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/, 'not an interface name')
const unicastMac = z.string().regex(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i, 'not a unicast MAC address')
const absolutePath = z
  .string()
  .max(4096)
  .regex(/^\/\P{Cc}*$/u, 'not an absolute path')
  .refine((path) => !path.split('/').includes('..'), 'a path with ".."')

/** A disk as storage's ensureDisk returned it: its format is never probed and never taken from a tenant. */
export const diskAttachment = z.object({
  id: generatedId,
  path: absolutePath,
  format: z.enum(['raw', 'qcow2']),
  boot: z.boolean(),
  /** Absent for the root disk. */
  kind: localDiskKind.optional(),
})

const rate = z.int().min(1).max(1e15).optional()
/**
 * How fast a guest may use a volume: bytes (`bps`) and operations (`iops`) per second, absent for no limit. `Max`: the most
 * of one second while the guest has used less before. `iopsSize`: larger operations count as several of this size.
 */
export const volumeLimits = z.object({
  ...{ bpsTotal: rate, bpsRead: rate, bpsWrite: rate, iopsTotal: rate, iopsRead: rate, iopsWrite: rate },
  ...{ bpsTotalMax: rate, bpsReadMax: rate, bpsWriteMax: rate },
  ...{ iopsTotalMax: rate, iopsReadMax: rate, iopsWriteMax: rate, iopsSize: rate },
})

/** A volume; the host's volume driver says how QEMU opens it. `boot`: the guest starts from this volume. */
export const volumeAttachment = volumeKey.extend({
  readOnly: z.boolean().default(false),
  boot: z.literal(true).optional(),
  /** Other guests may have the volume at the same time. */
  shared: z.literal(true).optional(),
  /** The volume is encrypted, so that nothing may open it as a plain one. */
  encrypted: z.literal(true).optional(),
  /** Absent: none. */
  limits: volumeLimits.optional(),
})

/** A NIC; `tap` is the name that network's ensurePort returned. */
export const nicAttachment = z.object({
  portId: generatedId,
  mac: unicastMac,
  tap: interfaceName,
  mtu: z.int().min(68).max(65_521),
})

const text = (max: number) => z.string().max(max)

/** The data that the agent's metadata service tells the guest about itself. */
export const guestData = z.object({
  hostname: text(255),
  zone: text(255),
  launchIndex: z.int().min(0),
  metadata: z.record(text(255), text(1024)),
  publicKeys: z.array(z.object({ name: text(255), key: text(16_384) })).max(64),
  /** In base64; null when there is none. */
  userData: text(131_072).nullable(),
  securityGroups: z.array(text(255)).max(256),
  flavorName: text(255),
  imageId: text(64).nullable(),
  /** The first password. It is only on the config drive; the metadata service never tells it. */
  adminPass: text(255).nullable().optional(),
})

/** The schema of specs that a driver accepts and that spec.json holds; strict about each value that becomes an argument or a file name. */
export const instanceSpec = z.object({
  id: uuid,
  projectId: text(255),
  name: text(255),
  vcpus: z.int().min(1),
  memoryMib: z.int().min(1),
  power: z.enum(['running', 'off']),
  disks: z.array(diskAttachment).max(bounds.disksOfGuest),
  nics: z.array(nicAttachment).max(bounds.nicsOfGuest),
  volumes: z.array(volumeAttachment).max(bounds.disksOfGuest).default([]),
  /** How the guest reaches its disks and volumes; absent: each is a device of its own (virtio-blk). */
  diskBus: z.literal('scsi').optional(),
  /** Whether the guest's data is also on a CD-ROM, made at the first start. Absent in records of older agents. */
  configDrive: z.boolean().optional(),
  guest: guestData,
})

/** The schema of recorded specs: while devices are exchanged, the record names the old ones and the new ones. */
export const recordedSpec = instanceSpec.extend({
  nics: z.array(nicAttachment).max(2 * bounds.nicsOfGuest),
  volumes: z
    .array(volumeAttachment)
    .max(2 * bounds.disksOfGuest)
    .default([]),
})

/** The spec with those devices of another spec that it does not name itself and of which `isKept` is true. */
export function withDevices(
  spec: InstanceSpec,
  { nics, volumes }: InstanceSpec,
  isKept: (id: string) => boolean,
): InstanceSpec {
  const named = new Set([...spec.nics.map((nic) => nic.portId), ...spec.volumes.map((volume) => volume.id)])
  const isAdded = (id: string) => !named.has(id) && isKept(id)
  return {
    ...spec,
    nics: [...spec.nics, ...nics.filter((nic) => isAdded(nic.portId))],
    volumes: [...spec.volumes, ...volumes.filter((volume) => isAdded(volume.id))],
  }
}

/** `offset` counts bytes ever written to the serial port. */
export const logOptions = z.object({
  offset: z.int().min(0).optional(),
  maxBytes: z.int().min(1).max(4_194_304),
  tailLines: z.int().min(1).max(100_000).optional(),
})

/** Returns the checked spec; raises `invalid` with its first fault. */
export function checkSpec(spec: unknown, host: HypervisorCapabilities): InstanceSpec {
  const parsed = instanceSpec.safeParse(spec)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new DriverError(
      'invalid',
      `The instance cannot be built: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong'}.`,
    )
  }
  const { vcpus, memoryMib, disks, nics, volumes } = parsed.data
  if (vcpus > host.maxVcpus || memoryMib > host.maxMemoryMib)
    throw new DriverError(
      'invalid',
      `A guest of ${vcpus} vCPUs and ${memoryMib} MiB exceeds this host's bounds of ${host.maxVcpus} vCPUs and ${host.maxMemoryMib} MiB.`,
    )
  const unique = (values: string[]) => new Set(values).size === values.length
  const drives = [...disks, ...volumes].map(({ id }) => id)
  if (!unique(drives) || !unique(nics.map((nic) => nic.tap)))
    throw new DriverError('invalid', 'The instance names a disk or an interface twice.')
  if (volumes.filter(({ boot }) => boot).length + disks.filter(({ boot }) => boot).length > 1)
    throw new DriverError('invalid', 'The instance is to start from two disks.')
  if (drives.length > bounds.disksOfGuest)
    throw new DriverError('invalid', `A guest can have ${bounds.disksOfGuest} disks, with its volumes.`)
  return parsed.data
}

/**
 * The only path at which a disk of a guest may lie. The driver makes the guest the owner of that file, so the
 * caller (the api) must not be able to name any other file of the machine.
 */
export type DiskPathOf = (instanceId: string, diskId: string) => string
export const diskPathIn =
  (dir: string): DiskPathOf =>
  (instanceId, diskId) =>
    join(dir, 'instances', instanceId, `disk-${diskId}.qcow2`)

export function checkDiskPaths(spec: InstanceSpec, diskPathOf: DiskPathOf): void {
  for (const { id, path } of spec.disks)
    if (path !== diskPathOf(spec.id, id))
      throw new DriverError(
        'invalid',
        `The disk ${id} of instance ${spec.id} is not where disks of this host are: ${path}.`,
      )
}

/** True when both specs are equal, whatever the order of their keys. */
export function sameSpec(a: InstanceSpec, b: InstanceSpec): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
      : inner,
  )
}
