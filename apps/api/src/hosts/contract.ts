import type { DocumentKind } from '@stratolith/drivers/documents/interface'
import { z } from 'zod'
import { idInput, pageInput } from '../kernel/contract.ts'
import type { HostState } from './states.ts'

export type { Absence } from './states.ts'

export const hostListInput = pageInput.extend({ sortDir: z.enum(['asc', 'desc']).default('asc') })

/** `total` is what may be given out (overcommit and reserve included), `used` what instances have claimed. */
export type HostView = {
  id: string
  name: string
  zone: string
  state: HostState
  /** Whether it did so at the last beat: a fenced host may, and one that is up may just have missed one. */
  answers: boolean
  enabled: boolean
  disabledReason: string | null
  accelerator: string
  acceleratorReason: string | null
  /** Null until the host's agent has told. */
  isolation: {
    users: boolean
    cgroup: 'v2' | 'v1' | 'none'
    controllers: string[]
    reason: string | null
  } | null
  /** Whether anything passes between its guests and the world; null until its agent has told. */
  egress: 'on' | 'off' | null
  hypervisor: string
  cpuModel: string
  vcpus: { used: number; total: number }
  memoryMib: { used: number; total: number }
  diskGib: { used: number; total: number }
  /** What the machine really has. */
  physical: { vcpus: number; memoryMib: number; diskGib: number }
  /** Of its disk, as it said last; null until it has. */
  diskFreeGib: number | null
  /** Of the last 1, 5 and 15 minutes. */
  load: number[] | null
  instances: number
  /** How many things it has not confirmed to be as they should be. */
  unconfirmed: number
  lastSeenAt: string | null
}
/** All hosts together. What they may give out counts those that are silent, too: their instances are still theirs. */
export type HostsSummary = Record<HostState, number> & {
  /** Take no new instances, whatever their state is. */
  disabled: number
} & Pick<HostView, 'vcpus' | 'memoryMib' | 'diskGib'>

/** Not given to others before the host has confirmed that it has let go of it. */
export type HostHeld = {
  addresses: number
  instances: number
  vcpus: number
  memoryMib: number
  diskGib: number
  /** Of a fenced host: what that declaration gave to others, when and by whom; null when nobody knows any more. */
  freed: { addresses: number; instances: number; at: string; by: string | null } | null
}
export const hostUpdateInput = z.object({
  id: z.uuid(),
  enabled: z.boolean(),
  reason: z.string().trim().max(255).optional(),
})

/** Of a host; `marker` is the `next` of the page before. */
export const unconfirmedInput = idInput.extend({
  limit: z.number().int().min(1).max(1000).default(50),
  marker: z
    .string()
    .regex(/^\d{1,16}\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'The marker is the “next” of a page.')
    .optional(),
})
/** Something that a host has not confirmed to be as it should be. */
export type UnconfirmedView = {
  id: string
  /** "addressSet": the addresses of the members of a security group. */
  kind: DocumentKind
  /** The id of the thing. */
  thing: string
  /** Null: there is neither a row nor an operation of it any more (nor an address that is held for a port). */
  name: string | null
  project: ProjectRef | null
  /** Of a port; may be gone as well. */
  instance: { id: string; name: string } | null
  /** Whether it has a row still. */
  isThere: boolean
  /** To be there, or to be gone. */
  wanted: boolean
  since: string
  /** Tries that failed, one after the other. */
  attempts: number
  /** What the host said last: in a sentence, and in its own words. */
  error: { message: string; detail: string } | null
  /** What the host waits for while it is at it: "the host to copy the image". */
  waitsFor: string | null
  /** Null: it is told with the next delivery. */
  nextTryAt: string | null
}

/** What a host (or the image store) may have that no row knows. */
export const strayKinds = ['guest', 'disk', 'port', 'network', 'router', 'addressSet', 'blob'] as const
export type StrayKind = (typeof strayKinds)[number]

export const strayListInput = pageInput.extend({
  hostId: z.union([z.uuid(), z.literal('')]).optional(),
  kind: z.enum(strayKinds).optional(),
})

/** A project that a host tells of; without a name when there is none of that id (any more). */
export type ProjectRef = { id: string; name: string | null }

/** Something *unknown here*: left alone until somebody decides, or its time is over. */
export type StrayView = {
  id: string
  /** Null: the image store of the cloud. */
  host: { id: string; name: string } | null
  kind: StrayKind
  /** By which its host knows it. */
  thing: string
  /** What its host tells of it, already cut to what a page can show. */
  name: string | null
  details: string | null
  /** Of a guest: the project that it was of, and the names of its security groups. */
  project: ProjectRef | null
  securityGroups: string[]
  /** Of a disk or a port: the instance that it belongs to, unknown as well or not. */
  instanceId: string | null
  firstSeenAt: string
  lastSeenAt: string
  decision: 'keep' | 'remove' | null
  /** When it is removed if nobody decides; null: it is kept. */
  removedAfter: string | null
}
export const strayDecideInput = z.object({ id: z.uuid(), decision: z.enum(['keep', 'remove', 'wait']) })

/** A round that would have removed so much that it waits for an administrator. */
export type BrakeView = {
  id: string
  host: { id: string; name: string } | null
  kind: StrayKind
  count: number
  total: number
  /** The first few. */
  things: string[]
  pulledAt: string
  releasedAt: string | null
}

/** `pulledAt` as the view says it: what it holds up may have changed since. */
export const brakeInput = z.object({ id: z.uuid(), pulledAt: z.iso.datetime() })

export type UnknownTime = { days: number; setting: string }

/** Unknown disks and bytes that were removed wait here once more before they are gone. */
export type TrashView = {
  host: { id: string; name: string } | null
  kind: 'disk' | 'blob'
  thing: string
  /** Of a disk: the guest that was removed with it, when its host has kept what it was like. */
  guest: { name: string; project: ProjectRef } | null
  sizeBytes: number
  trashedAt: string
  goneAfter: string
}
/** Of one host, or of the first hosts by name. */
export const trashInput = z.object({ hostId: z.uuid().optional() }).default({})
export type DiskTrash = {
  /** Newest first. */
  items: TrashView[]
  /** How many there are beyond `items`. */
  more: number
  /** Hosts that were asked, and those of them that did not answer. */
  hosts: { all: number; asked: number; silent: string[] }
}
export const takeBackInput = z.object({ hostId: z.uuid(), thing: z.uuid() })
