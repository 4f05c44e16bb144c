import { z } from 'zod'
import { generatedId } from '../fields.ts'
import { networkSpec, portSpec } from './spec.ts'

/**
 * Schemas of what a host says of its networks. The control plane parses every answer by them (remote/answers.ts),
 * whatever the version of the agent: fields that are not here are left out.
 */
/** The id may be read from the kernel, which may have things that no driver of ours has checked. */
const id = generatedId
const ids = z.array(id)

/** A port on a host; `instanceId` is "" when there is no record of the port. */
export const observedPort = z.object({
  id,
  tap: z.string().max(32),
  state: z.enum(['active', 'down']),
  instanceId: id.or(z.literal('')).default(''),
})

export const observedNetwork = z.object({
  networks: ids,
  ports: z.array(observedPort),
  routers: ids,
  addressSets: ids,
  /** wishDigest of the recorded wish for each thing, by id. A thing without a record or with an unfinished change has none. */
  digests: z.record(id, z.string().max(64)),
})

export const recordedPort = z.object({
  port: portSpec,
  tap: z.string().max(32),
  network: networkSpec,
  floatingIps: z.array(z.object({ address: z.string().max(64), fixedAddress: z.string().max(64) })),
})

export const networkCapabilities = z.object({
  floatingIps: z.boolean(),
  ipv6: z.boolean(),
  securityGroups: z.boolean(),
  /** Whether packets pass between guests and the world; constant for the life of the driver. */
  egress: z.enum(['on', 'off']),
})
