import { z } from 'zod'
import { generatedId, words } from '../fields.ts'

/**
 * What a host says of itself and of its guests. The control plane reads it so (remote/answers.ts), whatever the
 * version of the agent: fields that are not here are left out.
 */
const count = z.int().min(0)
const upTo = (max: number) => z.int().min(0).max(max)
/** Of any machine that there is; with the ratios of a host still an int of PostgreSQL. */
const most = { vcpus: 65_536, memoryMib: 2 ** 30, diskGib: 2 ** 30 }

export const hypervisorCapabilities = z.object({
  pause: z.boolean(),
  screenshot: z.boolean(),
  /** Upper bounds of one guest on this driver. */
  maxVcpus: count,
  maxMemoryMib: count,
})

/** What keeps the guests of a host apart, as it was found to work there; shown on the host's page. */
export const guestIsolation = z.object({
  /** Every guest has a user of its own. */
  users: z.boolean(),
  cgroup: z.enum(['v2', 'v1', 'none']),
  /** What the cgroups bound: cpu, memory, pids, io. */
  controllers: z.array(words(64)).max(64),
  /** Why not all of them, when not. */
  reason: words(2_000).nullable(),
})

const notTold = {
  users: false,
  cgroup: 'none' as const,
  controllers: [],
  reason: 'The agent of this host is older and does not tell.',
}
/** It is shown and nothing depends on it, so it is no reason to take a host for broken. */
const notUnderstood = { ...notTold, reason: 'What the agent of this host tells of it is not known here.' }

export const hostFacts = z.object({
  /** "QEMU". */
  hypervisor: words(255),
  /** "7.2.22". */
  version: words(255),
  accelerator: z.enum(['kvm', 'tcg', 'fake']),
  /** Why KVM is not used, when it is not: shown on the host's page. */
  acceleratorReason: words(2_000).nullable(),
  vcpus: upTo(most.vcpus),
  memoryMib: upTo(most.memoryMib),
  diskGib: upTo(most.diskGib),
  isolation: guestIsolation.default(notTold).catch(notUnderstood),
  cpuModel: words(255),
  /** Of the machine, now. */
  uptimeSeconds: count,
  /** Of the last 1, 5 and 15 minutes. */
  load: z.array(z.number().min(0)).max(3),
})

export const powerState = z.enum(['running', 'paused', 'off', 'crashed'])

export const observedInstance = z.object({
  id: generatedId,
  power: powerState,
  pid: z.int().nullable(),
  /** ISO time of the running process's start. */
  startedAt: z.iso.datetime().nullable(),
  /** For 'crashed': last lines of the hypervisor's own log. */
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

/** A qcow2; `at`: the moment that it shows. */
export const diskCopy = z.object({ path: z.string().max(4096), sizeBytes: count, at: z.string().max(64) })
