import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { withoutDefaults } from '../defaults.ts'
import { addressSetSpec, networkSpec, portSpec, routerSpec } from './spec.ts'
import { checkAddressSet, checkNetwork, checkPort, checkRouter } from './validate.ts'

/**
 * A wish as one short text, in the form that every driver records it. `list` answers those of what a
 * host has, so that the control plane finds a host that missed a change without asking it piece by
 * piece. Raises `invalid` for a wish that no driver would take.
 *
 * Host and control plane may be of different versions. A field that came later has a `default` in its schema, and
 * with that it is no part of the digest: both sides have the same one until somebody uses the field. The order
 * of the fields in a schema is part of it, so new ones may stand anywhere and the others keep their order.
 */
export const wishDigest = {
  network: (spec: Parameters<typeof checkNetwork>[0]) => digestBy(networkSpec, checkNetwork(spec)),
  port: (spec: Parameters<typeof checkPort>[0]) => digestBy(portSpec, checkPort(spec)),
  router: (spec: Parameters<typeof checkRouter>[0]) => digestBy(routerSpec, checkRouter(spec)),
  addressSet: (spec: Parameters<typeof checkAddressSet>[0]) =>
    digestBy(addressSetSpec, checkAddressSet(spec)),
}

/** Of a spec that the schema has checked, whose keys are in the order of the schema therefore. */
export const digestBy = (schema: z.ZodType, spec: object): string =>
  createHash('sha256')
    .update(JSON.stringify(withoutDefaults(schema, spec)))
    .digest('hex')
    .slice(0, 32)

const schemas = { networks: networkSpec, ports: portSpec, routers: routerSpec, sets: addressSetSpec }
type Recorded = Record<keyof typeof schemas, ReadonlyMap<string, { id: string }>>

/** Of everything recorded whose id `isThere`, by id. */
export function digestsOf(recorded: Recorded, isThere: (id: string) => boolean): Record<string, string> {
  const kinds = Object.entries(schemas) as [keyof typeof schemas, z.ZodType][]
  return Object.fromEntries(
    kinds.flatMap(([kind, schema]) =>
      [...recorded[kind].values()]
        .filter((spec) => isThere(spec.id))
        .map((spec) => [spec.id, digestBy(schema, spec)]),
    ),
  )
}
