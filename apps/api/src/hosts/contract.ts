import type { DocumentKind } from '@stratolith/drivers/documents/interface'
import { z } from 'zod'
import { idInput, pageInput } from '../kernel/contract.ts'
import type { HostState } from './states.ts'

export type { Absence } from './states.ts'

export const hostListInput = pageInput.extend({ sortDir: z.enum(['asc', 'desc']).default('asc') })

/** A host; `total` is the amount that may be given out (with overcommit and reserve), `used` the amount that instances have claimed. */
export type HostView = {
  id: string
  name: string
  zone: string
  state: HostState
  /** Whether the host answered the last beat. A fenced host may answer, and a host that is up may just have missed a beat. */
  answers: boolean
  enabled: boolean
  disabledReason: string | null
  accelerator: string
  acceleratorReason: string | null
  /** Null until the host's agent has reported. */
  isolation: {
    users: boolean
    cgroup: 'v2' | 'v1' | 'none'
    controllers: string[]
    reason: string | null
    /** Where the kernel may write memory to a disk; absent: the host's agent does not tell. */
    swap?: string[]
  } | null
  /** Whether packets pass between the host's guests and the world; null until its agent has reported. */
  egress: 'on' | 'off' | null
  hypervisor: string
  cpuModel: string
  vcpus: { used: number; total: number }
  memoryMib: { used: number; total: number }
  diskGib: { used: number; total: number }
  /** The real size of the machine. */
  physical: { vcpus: number; memoryMib: number; diskGib: number }
  /** The free disk space in GiB, as of the last report; null before the first. */
  diskFreeGib: number | null
  /** The load averages of the last 1, 5 and 15 minutes. */
  load: number[] | null
  instances: number
  /** The number of documents that the host has not confirmed. */
  unconfirmed: number
  lastSeenAt: string | null
}
/** All hosts together. What they may give out counts those that are silent, too: their instances are still theirs. */
export type HostsSummary = Record<HostState, number> & {
  /** Take no new instances, whatever their state is. */
  disabled: number
} & Pick<HostView, 'vcpus' | 'memoryMib' | 'diskGib'>

/** Addresses and room that are given to nobody before the host has confirmed that it has released them. */
export type HostHeld = {
  addresses: number
  instances: number
  vcpus: number
  memoryMib: number
  diskGib: number
  /** For a fenced host: what its fencing freed, when and by whom; null when this is not known any more. */
  freed: { addresses: number; instances: number; at: string; by: string | null } | null
}
export const hostUpdateInput = z.object({
  id: z.uuid(),
  enabled: z.boolean(),
  reason: z.string().trim().max(255).optional(),
})

/** The unconfirmed documents of a host; `marker` is the `next` of the previous page. */
export const unconfirmedInput = idInput.extend({
  limit: z.number().int().min(1).max(1000).default(50),
  marker: z
    .string()
    .regex(/^\d{1,16}\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'The marker is the “next” of a page.')
    .optional(),
})
/** A document that a host has not confirmed. */
export type UnconfirmedView = {
  id: string
  /** "addressSet": the addresses of the members of a security group. */
  kind: DocumentKind
  /** The id of the thing. */
  thing: string
  /** The name of the thing; null when it has no row and no operation any more (and no address is held for a port). */
  name: string | null
  project: ProjectRef | null
  /** For a port: its instance, which may be gone as well. */
  instance: { id: string; name: string } | null
  /** Whether the thing still has a row. */
  isThere: boolean
  /** Whether the thing should be on the host (true) or be gone (false). */
  wanted: boolean
  since: string
  /** The number of failed tries in a row. */
  attempts: number
  /** The last failure that the host told: a sentence of ours, and the host's own words. */
  error: { message: string; detail: string } | null
  /** What the host is still waiting for, such as "the host to copy the image". */
  waitsFor: string | null
  /** When the host is told again; null: with the next delivery. */
  nextTryAt: string | null
}

/** The kinds of strays that a host (or the image store) may have. */
export const strayKinds = [
  'guest',
  'disk',
  'volume',
  'volumeSnapshot',
  'port',
  'network',
  'router',
  'addressSet',
  'blob',
] as const
export type StrayKind = (typeof strayKinds)[number]

export const strayListInput = pageInput.extend({
  hostId: z.union([z.uuid(), z.literal('')]).optional(),
  kind: z.enum(strayKinds).optional(),
})

/** A project that a host names; `name` is null when no project has that id (any more). */
export type ProjectRef = { id: string; name: string | null }

/** A stray, which pages call *unknown here*: it is left alone until an administrator decides or its time is over. */
export type StrayView = {
  id: string
  /** The host; null: the image store of the cloud. */
  host: { id: string; name: string } | null
  kind: StrayKind
  /** The id by which the host knows the thing. */
  thing: string
  /** The name that the host tells, cut to a length that a page can show. */
  name: string | null
  details: string | null
  /** For a guest: its former project and the names of its security groups. */
  project: ProjectRef | null
  securityGroups: string[]
  /** For a disk or a port: the instance to which it belongs, which may be a stray as well. */
  instanceId: string | null
  firstSeenAt: string
  lastSeenAt: string
  decision: 'keep' | 'remove' | null
  /** When the stray is removed if nobody decides; null: it is kept. */
  removedAfter: string | null
}
export const strayDecideInput = z.object({ id: z.uuid(), decision: z.enum(['keep', 'remove', 'wait']) })

/** A brake: a round would have removed so much that it waits for an administrator. */
export type BrakeView = {
  id: string
  host: { id: string; name: string } | null
  kind: StrayKind
  count: number
  total: number
  /** The first few of the things. */
  things: string[]
  pulledAt: string
  releasedAt: string | null
}

/** The brake to release, with `pulledAt` from the view, because the things that the brake holds may have changed since. */
export const brakeInput = z.object({ id: z.uuid(), pulledAt: z.iso.datetime() })

export type UnknownTime = { days: number; setting: string }

/** A disk or blob in the trash, where removed strays wait before they are gone for good. */
export type TrashView = {
  host: { id: string; name: string } | null
  kind: 'disk' | 'blob'
  thing: string
  /** For a disk: the guest that was removed with it, if the host has kept a note about the guest. */
  guest: { name: string; project: ProjectRef } | null
  sizeBytes: number
  trashedAt: string
  goneAfter: string
}
/** The trash of one host, or of the first hosts by name. */
export const trashInput = z.object({ hostId: z.uuid().optional() }).default({})
export type DiskTrash = {
  /** Newest first. */
  items: TrashView[]
  /** How many further items there are. */
  more: number
  /** The number of hosts, the number that was asked, and the names of those that did not answer. */
  hosts: { all: number; asked: number; silent: string[] }
}
export const takeBackInput = z.object({ hostId: z.uuid(), thing: z.uuid() })
