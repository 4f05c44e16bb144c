import { z } from 'zod'
import { driverErrorCodes } from '../errors.ts'
import { words } from '../fields.ts'
import type { Frozen } from '../frozen.ts'
import type { HostCapabilities } from '../host.ts'
import { hostFacts, hypervisorCapabilities } from '../hypervisor/observed.ts'
import { networkCapabilities } from '../network/observed.ts'
import { diskSpace, storageCapabilities } from '../storage/observed.ts'

/**
 * What the control plane reads of an agent's answers. None of it is believed to be what its type says: the agent
 * may be of another version, or broken. Fields of a newer agent are left out.
 */

/**
 * Capabilities of our own drivers: until the agent has told its own, and for each of which an older agent does not
 * tell, or another one something that is not known here.
 */
export const assumed: HostCapabilities = {
  hypervisor: { pause: true, screenshot: true, maxVcpus: 256, maxMemoryMib: 4_194_304 },
  network: { floatingIps: true, ipv6: false, securityGroups: true, egress: 'on' },
  storage: { formats: ['raw', 'qcow2'], overlay: true, shared: false },
}
/** Field by field: a word that is not known here says nothing of the other fields. */
function orAssumed<T extends object>(
  { shape }: z.ZodObject & z.ZodType<T>,
  fallback: Frozen<T>,
  said: unknown,
): Frozen<T> {
  const fields = z.looseObject({}).catch({}).parse(said)
  const understood = Object.entries(shape).flatMap(([key, field]) => {
    const parsed = z.safeParse(field, fields[key])
    return parsed.success ? [[key, parsed.data]] : []
  })
  return { ...fallback, ...Object.fromEntries(understood) }
}

export const capabilities = z.looseObject({}).transform(
  ({ hypervisor, network, storage }): HostCapabilities => ({
    hypervisor: orAssumed(hypervisorCapabilities, assumed.hypervisor, hypervisor),
    network: orAssumed(networkCapabilities, assumed.network, network),
    storage: orAssumed(storageCapabilities, assumed.storage, storage),
  }),
)

/** Without machine and disk nothing can be placed; the rest is no reason to take the host for broken. */
export const report = z.object({
  machine: hostFacts,
  disk: diskSpace,
  capabilities: capabilities.catch(assumed),
})

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
