import { z } from 'zod'
import { driverErrorCodes } from '../errors.ts'
import { words } from '../fields.ts'
import type { Frozen } from '../frozen.ts'
import type { HostCapabilities } from '../host.ts'
import { hostFacts, hypervisorCapabilities } from '../hypervisor/observed.ts'
import { networkCapabilities } from '../network/observed.ts'
import { diskSpace, storageCapabilities } from '../storage/observed.ts'

/**
 * Schemas by which the control plane parses an agent's answers. No answer is trusted to have the expected type: the
 * agent may have another version or be broken. Fields of a newer agent are left out.
 */

/**
 * The capabilities of our own drivers. They are assumed until the agent has told its own, and for each capability that
 * the agent does not tell or tells in an unknown form.
 */
export const assumed: HostCapabilities = {
  hypervisor: { pause: true, screenshot: true, maxVcpus: 256, maxMemoryMib: 4_194_304 },
  network: { floatingIps: true, ipv6: false, securityGroups: true, egress: 'on' },
  storage: { formats: ['raw', 'qcow2'], overlay: true, shared: false },
}
/** Parses each field by itself: a field that cannot be parsed has its assumed value and does not affect the others. */
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

/** A report. Nothing can be placed without `machine` and `disk`; capabilities that cannot be parsed do not make the host broken. */
export const report = z.object({
  machine: hostFacts,
  disk: diskSpace,
  capabilities: capabilities.catch(assumed),
})

/** The answer of a call that returns nothing. */
export const nothing = z.unknown().transform((): void => undefined)

/** An error in the protocol. An unknown code becomes `failed`, and the message is kept. */
export const wireError = z.object({
  code: z.enum(driverErrorCodes).catch('failed'),
  message: words(16_384).catch('The agent gave no reason.'),
})

/** A line of the answer to a call. A line with none of these fields (such as `alive`) is ignored. */
export const wireLine = z.object({
  progress: words(500).optional(),
  result: z.unknown().optional(),
  error: wireError.optional(),
})

/** A line of the event stream. */
export const wireEvent = z.object({
  snapshot: z.array(z.unknown()).optional(),
  event: z.unknown().optional(),
  error: wireError.optional(),
})
