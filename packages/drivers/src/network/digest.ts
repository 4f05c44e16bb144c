import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { withoutDefaults } from '../defaults.ts'
import { addressSetSpec, networkSpec, portSpec, routerSpec } from './spec.ts'
import { checkAddressSet, checkNetwork, checkPort, checkRouter } from './validate.ts'

/**
 * The digests of wishes, as 32 hexadecimal digits, in the form in which every driver records a wish. `list`
 * returns the digest of each thing on a host, so that the control plane finds a host that missed a change without
 * reading every thing. Raises `invalid` for a wish that no driver accepts.
 *
 * Host and control plane may have different versions. A field that was added later has a `default` in its schema and
 * is left out of the digest while it has its default: both sides compute the same digest until somebody uses the field.
 * The digest depends on the order of the fields in a schema: a new field may stand anywhere, and the others keep their order.
 */
export const wishDigest = {
  network: (spec: Parameters<typeof checkNetwork>[0]) => digestBy(networkSpec, checkNetwork(spec)),
  port: (spec: Parameters<typeof checkPort>[0]) => digestBy(portSpec, checkPort(spec)),
  router: (spec: Parameters<typeof checkRouter>[0]) => digestBy(routerSpec, checkRouter(spec)),
  addressSet: (spec: Parameters<typeof checkAddressSet>[0]) =>
    digestBy(addressSetSpec, checkAddressSet(spec)),
}

/** The digest of a spec that the schema has checked; the check has put the keys into the order of the schema. */
export const digestBy = (schema: z.ZodType, spec: object): string =>
  createHash('sha256')
    .update(JSON.stringify(withoutDefaults(schema, spec)))
    .digest('hex')
    .slice(0, 32)

const schemas = { networks: networkSpec, ports: portSpec, routers: routerSpec, sets: addressSetSpec }
type Recorded = Record<keyof typeof schemas, ReadonlyMap<string, { id: string }>>

/** The digests of all recorded wishes for which `isThere(id)` is true, by id. */
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
