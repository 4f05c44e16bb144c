import { z } from 'zod'
import { generatedId } from '../fields.ts'
import { networkSpec, portSpec } from './spec.ts'

/**
 * What a host says of its networks. The control plane reads it so (remote/answers.ts), whatever the version of
 * the agent: fields that are not here are left out.
 */
/** Read from the kernel too, which may have things that no driver of ours has checked. */
const id = generatedId
const ids = z.array(id)

/** `instanceId`: "" when no record says. */
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
  /** wishDigest of what each of them was last asked to be, by id; none for what no record knows, or is not done with. */
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
  /** Whether anything passes between guests and the world; the same for as long as the driver lives. */
  egress: z.enum(['on', 'off']),
})
