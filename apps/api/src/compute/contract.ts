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
  public: z.boolean().default(true),
  /** "copy" makes a full copy of the image instead of an overlay. */
  diskMode: z.enum(['overlay', 'copy']).default('overlay'),
  rxtxFactor: z.number().positive().max(1e6).default(1),
})
/** A flavor's id is what its administrator chose, not always a UUID. */
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
  public: boolean
  diskMode: 'overlay' | 'copy'
  extraSpecs: Record<string, string>
  rxtxFactor: number
  createdAt: string
}

export const keyPairCreateInput = z.object({
  name: z
    .string()
    .trim()
    .min(1)
    .max(255)
    .regex(/^[\w .@:+-]+$/, 'A key pair name has letters, digits, spaces and _ . @ : + - only.'),
  /** OpenSSH public key to import; without it we generate an ed25519 pair and show the private key once. */
  publicKey: z.string().max(16_384).optional(),
})
export type KeyPairView = {
  id: string
  userId: string
  name: string
  type: string
  fingerprint: string
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
  networkId: z.uuid().optional(),
  /** All of them. */
  tags: z.array(z.string().min(1).max(60)).max(10).optional(),
})
export const instancesSummaryInput = z.object({ allProjects: z.boolean().default(false) })
export type InstancesSummary = {
  /** Without those of which there is none. */
  byStatus: Partial<Record<InstanceStatus, number>>
  /** Those with the most vCPUs, of the whole cloud; none when a project is asked for. */
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
/** Nova's: whether the root file system is to grow with its disk. Images of ours do so by themselves. */
const diskConfigs = ['AUTO', 'MANUAL'] as const
export const launchInput = z.object({
  name: nameInput,
  description: descriptionInput.default(''),
  count: z.number().int().min(1).max(50).default(1),
  imageId: z.uuid(),
  flavorId: z.string().min(1).max(255),
  /** In order. Empty: the project's only network, or none asked for is an error that says so. */
  networkIds: z.array(z.uuid()).max(8).default([]),
  securityGroupIds: z.array(z.uuid()).max(20).default([]),
  /** Presets (networking/states.ts) to open, by a group of the project named after them: “open-ssh-ping”. */
  openPresets: z
    .array(z.enum(['ssh', 'http', 'https', 'ping', 'rdp']))
    .max(5)
    .default([]),
  keyName: z.string().max(255).optional(),
  /** base64 of at most 64 KiB. */
  userData: z.string().max(90_000).optional(),
  metadata: metadataInput.default({}),
  /** Allocate and associate a floating IP. */
  publicIp: z.boolean().default(false),
  /** Repeating a request with the same token returns the same instances. */
  clientToken: z.string().min(1).max(64).optional(),
  /** Instead of networkIds: in order a network (with the address wanted) or a port of the project. Empty: no network. */
  nics: z
    .array(
      z.union([
        z.object({ networkId: z.uuid(), address: z.ipv4().optional() }),
        z.object({ portId: z.uuid() }),
      ]),
    )
    .max(8)
    .optional(),
  zone: z.string().max(255).optional(),
  /** Name of the host; administrators only. */
  hostName: z.string().max(255).optional(),
  serverGroupId: z.uuid().optional(),
  tags: tagsInput.default([]),
  accessIpv4: z.union([z.ipv4(), z.literal('')]).default(''),
  accessIpv6: z.union([z.ipv6(), z.literal('')]).default(''),
  /** The metadata also on a CD-ROM; `adminPass` goes there and nowhere else. */
  configDrive: z.boolean().default(false),
  adminPass: z.string().max(255).optional(),
  diskConfig: z.enum(diskConfigs).default('MANUAL'),
})
/** While somebody types, anything may still be missing. */
export const planInput = launchInput.partial()
export type LaunchPlan = {
  ok: boolean
  /** Sentences with the field to mark; empty when ok. */
  problems: { field: string | null; message: string }[]
  hosts: PlacementView
  quota: { resource: QuotaView['resource']; limit: number; used: number; adds: number }[]
  needs: { vcpus: number; memoryMib: number; diskGib: number }
  networks: { id: string; name: string; cidr: string | null; routed: boolean }[]
  /** "internet → 22/tcp" with the sentence why not, when not. */
  reach: { what: string; ok: boolean; reason: string | null }[]
  /** The smallest change that would make it fit. */
  suggestion: string | null
  /** Why nothing at all can be launched now, whatever is chosen; one of the problems. */
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
   * Its machine does not answer (`since`: when it did last; null: it never has), so all else is what was known then.
   * Null: it answers, or the instance is on none.
   */
  machine: { absence: Absence; since: string | null } | null
  zone: string | null
  image: { id: string | null; name: string }
  flavor: { id: string; name: string; vcpus: number; memoryMib: number; diskGib: number }
  keyName: string | null
  addresses: InstanceAddress[]
  /** The floating IP that was made with it and goes with it (unless it has been moved): its id. */
  ownFloatingIpId: string | null
  metadata: Record<string, string>
  fault: { code: number; message: string; at: string; detail: string | null } | null
  /** What runs now and since when: "Building · 3.1 s · plugging port". */
  activity: { title: string; startedAt: string } | null
  createdAt: string
  updatedAt: string
  launchedAt: string | null
  /** The same for all instances of one launch. */
  reservationId: string
}
export type InstanceDetail = InstanceView & {
  securityGroups: { id: string; name: string }[]
  userData: string | null
  /** Login of the image when it says one ("tiny"). */
  loginUser: string | null
}
/** A part of what an instance should be that its host has not confirmed. */
export type WaitingPart = {
  kind: DocumentKind
  /** Null, like its name, when it belongs to another project than the instance. */
  thing: string | null
  name: string | null
  /** Of a router, what it is about: floating IPs that are to lead to the instance, … */
  floatingIps: string[]
  /** … that are to lead nowhere any more, … */
  released: string[]
  /** … the router itself; of all others true. */
  itself: boolean
  /** To be there, or to be gone. */
  wanted: boolean
  since: string
  /** `missing`: its host has fallen silent and may come back at once. `working`: it takes its time. */
  why: Absence | 'refused' | 'working' | 'telling'
  /** Why the host could not do it, or what it waits for ("the host to copy the image"). */
  message: string | null
  /** In the host's own words, for administrators. */
  detail: string | null
  /** Of what was refused; null: with the next delivery. */
  nextTryAt: string | null
}
export type InstanceWaiting = {
  /** Only administrators see it. */
  host: { id: string; name: string } | null
  parts: WaitingPart[]
}
export const rebootInput = z.object({ id: z.uuid(), kind: z.enum(['soft', 'hard']).default('soft') })
export const instanceDeleteInput = z.object({
  id: z.uuid(),
  /** The floating IP that was made at its launch goes with it, or else stays with the project. */
  releasePublicIp: z.boolean().default(true),
})
/** Of characters that PostgreSQL can keep. */
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
/** Without an address: any that is free. */
export const attachInput = z.object({ id: z.uuid(), networkId: z.uuid(), address: z.ipv4().optional() })
export const detachInput = z.object({ id: z.uuid(), portId: z.uuid() })
export const consoleLogInput = z.object({
  id: z.uuid(),
  offset: z.number().int().min(0).optional(),
  tailLines: z.number().int().min(1).max(10_000).optional(),
})
export const consoleCreateInput = z.object({ id: z.uuid(), protocol: z.enum(['vnc', 'serial']) })
/** `url` is a WebSocket path on the front door's origin; single use, minutes to live. */
export type ConsoleAccess = { url: string; protocol: 'vnc' | 'serial'; expiresAt: string }

/** What a tenant may read: numbers, but neither names nor ids nor an administrator's words. */
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

/** A guest that is unknown here, by the id under which it is listed; the project, when not the one that it was of. */
export const adoptInput = z.object({ strayId: z.uuid(), projectId: projectIdInput.optional() })
