import { z } from 'zod'
import { driverErrorCodes } from '../errors.ts'
import { words } from '../fields.ts'
import type { HostCapabilities } from '../host.ts'
import { hostFacts, hypervisorCapabilities } from '../hypervisor/observed.ts'
import { networkCapabilities } from '../network/observed.ts'
import { diskSpace, storageCapabilities } from '../storage/observed.ts'

/**
 * What the control plane reads of an agent's answers. None of it is believed to be what its type says: the agent
 * may be of another version, or broken. Fields of a newer agent are left out.
 */

/** Capabilities of our own drivers: until the agent has told its own, and where an older agent does not tell. */
export const assumed: HostCapabilities = {
  hypervisor: { pause: true, screenshot: true, maxVcpus: 256, maxMemoryMib: 4_194_304 },
  network: { floatingIps: true, ipv6: false, securityGroups: true, egress: 'on' },
  storage: { formats: ['raw', 'qcow2'], overlay: true, shared: false },
}
export const capabilities = z.object({
  hypervisor: hypervisorCapabilities
    .partial()
    .prefault({})
    .transform((told) => ({ ...assumed.hypervisor, ...told })),
  network: networkCapabilities
    .partial()
    .prefault({})
    .transform((told) => ({ ...assumed.network, ...told })),
  storage: storageCapabilities
    .partial()
    .prefault({})
    .transform((told) => ({ ...assumed.storage, ...told })),
})

export const report = z.object({ machine: hostFacts, disk: diskSpace, capabilities })

/** A call that tells no more than that it has succeeded. */
export const nothing = z.unknown().transform((): void => undefined)

/** An error as it travels. Of a code that is not known here, the words are still worth reading. */
export const wireError = z.object({
  code: z.enum(driverErrorCodes).catch('failed'),
  message: words(16_384).catch('The agent gave no reason.'),
})

/** A line of the answer to a call. Lines that say neither of these (that the agent is alive) say nothing here. */
export const wireLine = z.object({
  progress: words(500).optional(),
  result: z.unknown().optional(),
  error: wireError.optional(),
})

/** A line of the events. */
export const wireEvent = z.object({
  snapshot: z.array(z.unknown()).optional(),
  event: z.unknown().optional(),
  error: wireError.optional(),
})
