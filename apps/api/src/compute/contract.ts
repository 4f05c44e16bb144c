import type { DocumentKind } from '@stratolith/drivers/documents/interface'
import { z } from 'zod'
import type { Absence } from '../hosts/contract.ts'
import {
  descriptionInput,
  type HostVerdict,
  nameInput,
  type PlacementView,
  pageInput,
  projectIdInput,
  type QuotaView,
} from '../kernel/contract.ts'
import { launchVolumeInput } from '../volumes/contract.ts'
import type { InstanceStatus, TaskState, VmState } from './states.ts'

export * from './states.ts'

export const flavorCreateInput = z.object({
  id: z
    .string()
    .regex(/^[\w .-]{1,255}$/)
    .optional(),
  name: nameInput,
  description: descriptionInput.default(''),
  vcpus: z.number().int().min(1).max(256),
  memoryMib: z.number().int().min(32).max(4_194_304),
  diskGib: z.number().int().min(1).max(65_536),
  /** How large the ephemeral disks of an instance are together, and its swap disk; 0: it has none. */
  ephemeralGib: z.number().int().min(0).max(65_536).default(0),
  swapMib: z.number().int().min(0).max(4_194_304).default(0),
  public: z.boolean().default(true),
  /** "copy" makes a full copy of the image instead of an overlay. */
  diskMode: z.enum(['overlay', 'copy']).default('overlay'),
  rxtxFactor: z.number().positive().max(1e6).default(1),
})
/** The id of a flavor is chosen by an administrator, and is not always a UUID. */
export const flavorRef = z.object({ id: z.string().min(1).max(255) })
export const flavorAccessInput = flavorRef.extend({ projectId: projectIdInput })
export const extraSpecKey = z
  .string()
  .regex(/^[\w .:-]{1,255}$/, 'A key has letters, digits, spaces and _ . : - only.')
export const flavorSpecInput = flavorRef.extend({
  key: extraSpecKey,
  value: z.string().min(1, 'Give it a value.').max(255),
})
export const flavorSpecRef = flavorRef.extend({ key: extraSpecKey })
export type FlavorView = {
  id: string
  name: string
  description: string
  vcpus: number
  memoryMib: number
  diskGib: number
  ephemeralGib: number
  swapMib: number
  public: boolean
  diskMode: 'overlay' | 'copy'
  extraSpecs: Record<string, string>
  rxtxFactor: number
  createdAt: string
}

export const keyPairRef = z.object({ name: z.string().min(1).max(255) })
export const keyPairCreateInput = z.object({
  name: z
    .string()
    .trim()
    .min(1)
    .max(255)
    .regex(/^[\w .@:+-]+$/, 'A key pair name has letters, digits, spaces and _ . @ : + - only.'),
  /** OpenSSH public key to import; without a key, the cloud makes an ed25519 pair and shows the private key once. */
  publicKey: z.string().max(16_384).optional(),
})
export type KeyPairView = {
  id: string
  userId: string
  name: string
  type: string
  /** The MD5 fingerprint, as Nova shows it. */
  fingerprint: string
  /** The SHA-256 fingerprint “SHA256:…”, as `ssh-keygen -l` prints it. */
  sha256: string
  publicKey: string
  createdAt: string
}
export type KeyPairCreated = KeyPairView & { privateKey: string | null }

export const instanceListInput = pageInput.extend({
  status: z
    .array(z.enum(['BUILD', 'ACTIVE', 'SHUTOFF', 'PAUSED', 'REBOOT', 'HARD_REBOOT', 'ERROR']))
    .max(10)
    .optional(),
  imageId: z.uuid().optional(),
  flavorId: z.string().max(255).optional(),
  hostId: z.uuid().optional(),
  /** Only instances that the caller has launched with the caller's key pair of this name. */
  keyName: z.string().max(255).optional(),
  networkId: z.uuid().optional(),
  /** Only instances on machines that reach this volume, in the volume's project. */
  forVolume: z.uuid().optional(),
  /** Only instances that have all of these tags. */
  tags: z.array(z.string().min(1).max(60)).max(10).optional(),
})
export const instancesSummaryInput = z.object({ allProjects: z.boolean().default(false) })
export type InstancesSummary = {
  /** Number of instances in each status; a status without instances is absent. */
  byStatus: Partial<Record<InstanceStatus, number>>
  /** The projects with the most vCPUs in the whole cloud; empty when the summary is of one project. */
  projects: { id: string; name: string; instances: number; vcpus: number; memoryMib: number }[]
}
export const metadataInput = z
  .record(z.string().min(1).max(255), z.string().max(255))
  .refine((m) => Object.keys(m).length <= 128, 'At most 128 entries.')
export const tagsInput = z
  .array(
    z
      .string()
      .min(1)
      .max(60)
      .regex(/^[^\p{Cc}\p{Cs},/]+$/u, 'A tag has no comma, slash or control character.'),
  )
  .max(50)
  .transform((tags) => [...new Set(tags)])
const metadataKey = z.string().min(1, 'Give it a key.').max(255)
/**
 * Sets one item of metadata, with keys as Nova accepts them. An item that has had another kind of key since its launch
 * can still be removed.
 */
export const metadataSetInput = z.object({
  id: z.uuid(),
  key: metadataKey.regex(/^[a-zA-Z0-9_:. -]*$/, 'A key has letters, digits, spaces and - _ : . only.'),
  value: z
    .string()
    .max(255, 'A value has at most 255 characters.')
    .regex(/^[^\0\p{Cs}]*$/u, 'A value has no NUL characters.'),
})
export const metadataRemoveInput = z.object({ id: z.uuid(), key: metadataKey })
export const instanceTagsInput = z.object({ id: z.uuid(), tags: tagsInput })
/**
 * Nova's setting whether the root file system is to grow with its disk. The images of this cloud grow by themselves.
 */
const diskConfigs = ['AUTO', 'MANUAL'] as const
/** A wish for an ephemeral or swap disk, which lies on the host and is deleted with the instance. Without a size: what the flavor has. */
export const localDiskInput = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('ephemeral'),
    sizeGib: z.number().int().min(1).optional(),
    /** Absent: ext4, or nothing for an image of Windows. */
    format: z.enum(['ext2', 'ext3', 'ext4']).optional(),
  }),
  z.object({ kind: z.literal('swap'), sizeMib: z.number().int().min(1).optional() }),
])
/** An ephemeral or swap disk of an instance. */
export type LocalDiskView = {
  id: string
  kind: 'ephemeral' | 'swap'
  sizeMib: number
  /** The file system that the disk had at first; null: none; `unknown`: the instance was adopted. */
  format: 'ext2' | 'ext3' | 'ext4' | 'unknown' | null
  /** The name that the guest probably gives to the disk. */
  device: string
}
export const launchInput = z.object({
  name: nameInput,
  description: descriptionInput.default(''),
  count: z.number().int().min(1).max(50).default(1),
  /** The image of the root disk; absent when one of the volumes is the root disk. */
  imageId: z.uuid().optional(),
  flavorId: z.string().min(1).max(255),
  /**
   * Networks in the order of the interfaces. Empty means the project's only network; when there is no single network,
   * the error says so.
   */
  networkIds: z.array(z.uuid()).max(8).default([]),
  securityGroupIds: z.array(z.uuid()).max(20).default([]),
  /**
   * Presets (networking/states.ts) to open, by a security group of the project that is named after them:
   * “open-ssh-ping”.
   */
  openPresets: z
    .array(z.enum(['ssh', 'http', 'https', 'ping', 'rdp']))
    .max(5)
    .default([]),
  keyName: z.string().max(255).optional(),
  /** base64; at most 64 KiB when decoded. */
  userData: z.string().max(90_000).optional(),
  metadata: metadataInput.default({}),
  /** Whether to allocate a floating IP and associate it with the instance. */
  publicIp: z.boolean().default(false),
  /** Repeating a request with the same token returns the same instances. */
  clientToken: z.string().min(1).max(64).optional(),
  /**
   * Replaces networkIds: in order, a network (with an address when one is wanted) or a port of the project. Empty means
   * no network.
   */
  nics: z
    .array(
      z.union([
        z.object({ networkId: z.uuid(), address: z.ipv4().optional() }),
        z.object({ portId: z.uuid() }),
      ]),
    )
    .max(8)
    .optional(),
  /** Volumes that each instance gets; one of them may be its root disk. */
  volumes: z.array(launchVolumeInput).max(25).default([]),
  /** Absent, or without one of a kind: the whole ephemeral disk, and the whole swap disk, of the flavor. */
  localDisks: z.array(localDiskInput).max(32).optional(),
  zone: z.string().max(255).optional(),
  /** Name of the host; administrators only. */
  hostName: z.string().max(255).optional(),
  serverGroupId: z.uuid().optional(),
  tags: tagsInput.default([]),
  accessIpv4: z.union([z.ipv4(), z.literal('')]).default(''),
  accessIpv6: z.union([z.ipv6(), z.literal('')]).default(''),
  /** Whether the guest also gets its metadata on a CD-ROM; `adminPass` is stored there and nowhere else. */
  configDrive: z.boolean().default(false),
  adminPass: z.string().max(255).optional(),
  diskConfig: z.enum(diskConfigs).default('MANUAL'),
})
/** The input of a plan: while a person fills in the form, any field may still be missing. */
export const planInput = launchInput.partial()
export type LaunchPlan = {
  ok: boolean
  /** Problems as sentences, each with the field to mark; empty when `ok`. */
  problems: { field: string | null; message: string }[]
  hosts: PlacementView
  quota: { resource: QuotaView['resource']; limit: number; used: number; adds: number }[]
  needs: { vcpus: number; memoryMib: number; diskGib: number }
  networks: { id: string; name: string; cidr: string | null; routed: boolean }[]
  /** Who reaches the instance, for example "internet → 22/tcp"; when `ok` is false, `reason` is a sentence. */
  reach: { what: string; ok: boolean; reason: string | null }[]
  /** The smallest change with which the launch would fit. */
  suggestion: string | null
  /** Why no launch is possible now, whatever the caller chooses; the sentence is also one of the problems. */
  closed: string | null
}

export type InstanceAddress = {
  networkId: string
  networkName: string
  portId: string
  mac: string
  address: string
  floatingIp: string | null
  floatingIpId: string | null
}
export type InstanceView = {
  id: string
  name: string
  description: string
  projectId: string
  userId: string
  status: InstanceStatus
  vmState: VmState
  taskState: TaskState | null
  powerState: number
  locked: boolean
  /** Only an administrator unlocks what an administrator has locked. */
  lockedByAdmin: boolean
  lockedReason: string | null
  hostId: string | null
  /** Only administrators see names of hosts. */
  hostName: string | null
  /**
   * The absence of the instance's machine, which does not answer; the other fields then show the last known state.
   * `since` is the time of its last answer, null when it has never answered. `machine` is null when the machine
   * answers, or when the instance is on no machine.
   */
  machine: { absence: Absence; since: string | null } | null
  zone: string | null
  image: { id: string | null; name: string }
  /** Whether the root disk is a volume. */
  rootOnVolume: boolean
  flavor: {
    id: string
    name: string
    vcpus: number
    memoryMib: number
    diskGib: number
    ephemeralGib: number
    swapMib: number
  }
  keyName: string | null
  addresses: InstanceAddress[]
  /** Id of the floating IP that was made at the launch and is deleted with the instance, if it leads there then. */
  ownFloatingIpId: string | null
  metadata: Record<string, string>
  tags: string[]
  /** The host name of the guest, made from the name that the instance had at its launch. */
  hostname: string
  /** Whether the guest also got its metadata on a CD-ROM. */
  configDrive: boolean
  fault: { code: number; message: string; at: string; detail: string | null } | null
  /** The running step and its start: "Building · 3.1 s · plugging port". */
  activity: { title: string; startedAt: string } | null
  createdAt: string
  updatedAt: string
  launchedAt: string | null
  /** The id that all instances of one launch share. */
  reservationId: string
}
export type InstanceDetail = InstanceView & {
  localDisks: LocalDiskView[]
  securityGroups: { id: string; name: string }[]
  userData: string | null
  /** The name of the login user, when the image has a property that names the user ("tiny"). */
  loginUser: string | null
  serverGroup: { id: string; name: string } | null
}

/** A zone in which instances may be placed. Names of hosts are only for administrators. */
export type ZoneView = { name: string; available: boolean }

export const groupPolicies = ['affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity'] as const
export type GroupPolicy = (typeof groupPolicies)[number]
export const serverGroupCreateInput = z.object({
  name: nameInput,
  policy: z.enum(groupPolicies),
  /** With anti-affinity: how many members may share a host; absent means one member. */
  maxPerHost: z.number().int().min(1).max(1000).optional(),
})
/** Server groups of one project only; administrators list the groups of all projects with OpenStack's clients. */
export const serverGroupListInput = pageInput.omit({ allProjects: true })
export type ServerGroupView = {
  id: string
  name: string
  policy: GroupPolicy
  /** With anti-affinity: how many members may share a host; null means one member. */
  maxPerHost: number | null
  projectId: string
  userId: string
  members: { id: string; name: string }[]
  createdAt: string
}
/** A part of the wish for an instance that its host has not confirmed. */
export type WaitingPart = {
  kind: DocumentKind
  /** Id of the thing; null, like its name, when the thing belongs to another project than the instance. */
  thing: string | null
  name: string | null
  /** For a router: floating IPs that are to lead to the instance. */
  floatingIps: string[]
  /** For a router: floating IPs that are to lead nowhere any more. */
  released: string[]
  /** For a router: whether the router itself is concerned; for any other kind, always true. */
  itself: boolean
  /** True when the thing is to exist on the host, false when the thing is to be gone. */
  wanted: boolean
  since: string
  /**
   * `missing`: the host has fallen silent and may answer again at once. `working`: the host is at work, which takes
   * time.
   */
  why: Absence | 'refused' | 'working' | 'telling'
  /** Why the host could not make the thing, or what the host waits for ("the host to copy the image"). */
  message: string | null
  /** The error in the words of the host, for administrators. */
  detail: string | null
  /** When the host is asked again after a refusal; null means with the next delivery. */
  nextTryAt: string | null
}
export type InstanceWaiting = {
  /** The host of the instance; only administrators see this field. */
  host: { id: string; name: string } | null
  parts: WaitingPart[]
}
export const rebootInput = z.object({ id: z.uuid(), kind: z.enum(['soft', 'hard']).default('soft') })
export const instanceDeleteInput = z.object({
  id: z.uuid(),
  /**
   * Whether the floating IP that was made at the launch is deleted too, if it still leads to the instance; otherwise
   * the floating IP stays with the project.
   */
  releasePublicIp: z.boolean().default(true),
})
/** Resets the state of an instance that is stuck; for administrators. */
export const instanceResetInput = z.object({ id: z.uuid(), to: z.enum(['active', 'error']) })
/** A reason consists of characters that PostgreSQL can store. */
const lockReason = z
  .string()
  .trim()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'A reason has no control characters or line breaks.')
export const instanceLockInput = z.object({
  id: z.uuid(),
  reason: lockReason.nullable().default(null),
})
export const instanceUpdateInput = z.object({
  id: z.uuid(),
  name: nameInput.optional(),
  description: descriptionInput.optional(),
  accessIpv4: z.union([z.ipv4(), z.literal('')]).optional(),
  accessIpv6: z.union([z.ipv6(), z.literal('')]).optional(),
  diskConfig: z.enum(diskConfigs).optional(),
})
/** A free port of the project, or a new port on a network; without an address, the port gets any free address. */
export const attachInput = z.object({
  id: z.uuid(),
  networkId: z.uuid().optional(),
  portId: z.uuid().optional(),
  address: z.ipv4('Write it as 10.0.0.7.').optional(),
})
export const attachVolumeInput = z.object({
  id: z.uuid(),
  volumeId: z.uuid(),
  /** The name of the disk in the guest, such as /dev/vdc; absent: the next free one. */
  device: z.string().max(64).optional(),
  deleteOnTermination: z.boolean().optional(),
})
/** Says whether a volume of an instance is deleted with the instance. */
export const keepVolumeInput = z.object({
  id: z.uuid(),
  volumeId: z.uuid(),
  deleteOnTermination: z.boolean(),
})
/** The volumes that an instance can be given. */
export const freeVolumesInput = pageInput.extend({ id: z.uuid() })
/** A new, empty volume that the machine of an instance reaches. */
export const instanceVolumeInput = z.object({
  id: z.uuid(),
  name: nameInput,
  sizeGib: z.number().int().min(1, 'A volume has at least 1 GiB.').max(65_536),
  /** Name or id of a type; absent: the default type. */
  type: z.string().min(1).max(255).optional(),
})
export const detachVolumeInput = z.object({ id: z.uuid(), volumeId: z.uuid() })
export const detachInput = z.object({ id: z.uuid(), portId: z.uuid() })
export const consoleLogInput = z.object({
  id: z.uuid(),
  offset: z.number().int().min(0).optional(),
  tailLines: z.number().int().min(1).max(10_000).optional(),
})
export const consoleCreateInput = z.object({ id: z.uuid(), protocol: z.enum(['vnc', 'serial']) })
/** `url` is the path of a WebSocket on the origin of the front door; it can be used once, within minutes. */
export type ConsoleAccess = { url: string; protocol: 'vnc' | 'serial'; expiresAt: string }

/** Returns the verdicts as a tenant may read them: with numbers, but without names, ids and words of administrators. */
export function maskVerdicts(verdicts: readonly HostVerdict[]): HostVerdict[] {
  return verdicts.map((verdict, index) => ({
    ...verdict,
    hostId: `host-${index + 1}`,
    host: `host ${index + 1}`,
    checks: verdict.checks.map((check) =>
      check.check === 'Accepts instances' && !check.ok
        ? { ...check, reason: 'An administrator has disabled the host.' }
        : check,
    ),
  }))
}

/**
 * Names a guest that no row knows by the id of its stray; `projectId` is needed only when the guest goes to another
 * project than it belonged to.
 */
export const adoptInput = z.object({ strayId: z.uuid(), projectId: projectIdInput.optional() })
