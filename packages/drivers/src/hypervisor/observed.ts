import { z } from 'zod'
import { generatedId, words } from '../fields.ts'

/**
 * Schemas of what a host says of itself and of its guests. The control plane parses every answer by them
 * (remote/answers.ts), whatever the version of the agent: fields that are not here are left out.
 */
const count = z.int().min(0)
const upTo = (max: number) => z.int().min(0).max(max)
/** Upper bounds for any real machine. Multiplied by a host's overcommit ratio they still fit an int of PostgreSQL. */
const most = { vcpus: 65_536, memoryMib: 2 ** 30, diskGib: 2 ** 30 }

export const hypervisorCapabilities = z.object({
  pause: z.boolean(),
  screenshot: z.boolean(),
  /** Upper bounds of one guest on this driver. */
  maxVcpus: count,
  maxMemoryMib: count,
})

/** The isolation between guests that works on this host; shown on the host's page. */
export const guestIsolation = z.object({
  /** Every guest has a user of its own. */
  users: z.boolean(),
  cgroup: z.enum(['v2', 'v1', 'none']),
  /** The cgroup controllers that bound guests: cpu, memory, pids, io. */
  controllers: z.array(words(64)).max(64),
  /** Why some controllers are missing; null when none is. */
  reason: words(2_000).nullable(),
  /** Where the kernel may write memory to a disk, and with it the keys of encrypted volumes. */
  swap: z.array(words(4_096)).max(64).default([]),
})

const notTold = {
  users: false,
  cgroup: 'none' as const,
  controllers: [],
  reason: 'The agent of this host is older and does not tell.',
  swap: [],
}
/** Isolation is only shown and nothing depends on it, so an answer that cannot be parsed does not make a host broken. */
const notUnderstood = { ...notTold, reason: 'What the agent of this host tells of it is not known here.' }

export const hostFacts = z.object({
  /** For example "QEMU". */
  hypervisor: words(255),
  /** For example "7.2.22". */
  version: words(255),
  accelerator: z.enum(['kvm', 'tcg', 'fake']),
  /** Why KVM is not used (shown on the host's page); null when it is. */
  acceleratorReason: words(2_000).nullable(),
  vcpus: upTo(most.vcpus),
  memoryMib: upTo(most.memoryMib),
  diskGib: upTo(most.diskGib),
  isolation: guestIsolation.default(notTold).catch(notUnderstood),
  cpuModel: words(255),
  /** How long the machine has been up. */
  uptimeSeconds: count,
  /** Another word after each start of the agent, and so of the machine; absent: an older agent. */
  start: words(64).optional(),
  /** The load averages of the last 1, 5 and 15 minutes. */
  load: z.array(z.number().min(0)).max(3),
})

export const powerState = z.enum(['running', 'paused', 'off', 'crashed'])

export const observedInstance = z.object({
  id: generatedId,
  power: powerState,
  pid: z.int().nullable(),
  /** ISO time of the running process's start. */
  startedAt: z.iso.datetime().nullable(),
  /** For 'crashed', the last lines of the hypervisor's own log; for 'paused', why QEMU paused the guest by itself. */
  reason: words(16_384).nullable(),
})

export const hypervisorEvent = z.object({
  instanceId: generatedId,
  power: powerState,
  reason: words(16_384).nullable(),
  at: z.string().max(64),
})

export const guestDiagnostics = z.object({
  /** Time that each virtual processor has run, in nanoseconds. */
  cpus: z.array(z.object({ id: count, timeNs: z.number().min(0) })),
  disks: z.array(
    z.object({
      readBytes: z.number().min(0),
      readRequests: z.number().min(0),
      writeBytes: z.number().min(0),
      writeRequests: z.number().min(0),
      errors: z.number().min(0),
    }),
  ),
  uptimeSeconds: z.number().min(0),
})

/** Serial output: `offset` and `next` count bytes ever written. */
export const consoleLog = z.object({ text: z.string(), offset: count, next: count })

/** A qcow2 file; `at` is the ISO time of the moment that the copy shows. */
export const diskCopy = z.object({ path: z.string().max(4096), sizeBytes: count, at: z.string().max(64) })
