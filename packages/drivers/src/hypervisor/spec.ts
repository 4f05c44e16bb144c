import { join } from 'node:path'
import { z } from 'zod'
import { bounds } from '../bounds.ts'
import { DriverError } from '../errors.ts'
import type { HypervisorCapabilities, InstanceSpec } from './interface.ts'

/** As it may leave the host: the first password is the guest's alone. */
export const withoutSecrets = (spec: InstanceSpec): InstanceSpec => ({
  ...spec,
  guest: { ...spec.guest, adminPass: null },
})

const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'not a UUID')
const generatedId = z.string().regex(/^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$/, 'not a generated id')
/** The kernel's own length of an interface name, and nothing that an option parser could read. */
const interfaceName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/, 'not an interface name')
const unicastMac = z.string().regex(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i, 'not a unicast MAC address')
const absolutePath = z
  .string()
  .max(4096)
  .regex(/^\/\P{Cc}*$/u, 'not an absolute path')

/** What a driver accepts and what spec.json holds; strict about all that becomes an argument or a file name. */
export const instanceSpecSchema = z.object({
  id: uuid,
  projectId: z.string().max(255),
  name: z.string().max(1024),
  vcpus: z.int().min(1),
  memoryMib: z.int().min(1),
  power: z.enum(['running', 'off']),
  disks: z
    .array(
      z.object({
        id: generatedId,
        path: absolutePath,
        format: z.enum(['raw', 'qcow2']),
        boot: z.boolean(),
      }),
    )
    .max(bounds.disksOfGuest),
  nics: z
    .array(
      z.object({
        portId: generatedId,
        mac: unicastMac,
        tap: interfaceName,
        mtu: z.int().min(68).max(65_521),
      }),
    )
    .max(bounds.nicsOfGuest),
  // Records of an older agent do not have it.
  configDrive: z.boolean().optional(),
  guest: z.object({
    hostname: z.string(),
    zone: z.string(),
    launchIndex: z.int(),
    metadata: z.record(z.string(), z.string()),
    publicKeys: z.array(z.object({ name: z.string(), key: z.string() })),
    userData: z.string().nullable(),
    securityGroups: z.array(z.string()),
    flavorName: z.string(),
    imageId: z.string().nullable(),
    adminPass: z.string().nullable().optional(),
  }),
})

/** The spec itself, or `invalid` with the first thing that is wrong with it. */
export function checkSpec(spec: unknown, bounds: HypervisorCapabilities): InstanceSpec {
  const parsed = instanceSpecSchema.safeParse(spec)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new DriverError(
      'invalid',
      `The instance cannot be built: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong'}.`,
    )
  }
  const { vcpus, memoryMib, disks, nics } = parsed.data
  if (vcpus > bounds.maxVcpus || memoryMib > bounds.maxMemoryMib)
    throw new DriverError(
      'invalid',
      `A guest of ${vcpus} vCPUs and ${memoryMib} MiB exceeds this host's bounds of ${bounds.maxVcpus} vCPUs and ${bounds.maxMemoryMib} MiB.`,
    )
  const unique = (values: string[]) => new Set(values).size === values.length
  if (!unique(disks.map((disk) => disk.id)) || !unique(nics.map((nic) => nic.tap)))
    throw new DriverError('invalid', 'The instance names a disk or an interface twice.')
  return parsed.data
}

/**
 * The one place where the disk of a guest may lie. Its file becomes the guest's own, and who asks for
 * the guest (the api) must not be able to say this of any other file of the machine.
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

/** True when both describe the same guest, whatever the order of their keys. */
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
