import { createHash } from 'node:crypto'
import { checkAddressSet, checkNetwork, checkPort, checkRouter } from './validate.ts'

/**
 * A wish as one short text, in the form that every driver records it. `list` answers those of what a
 * host has, so that the control plane finds a host that missed a change without asking it piece by
 * piece. Raises `invalid` for a wish that no driver would take.
 */
export const wishDigest = {
  network: (spec: Parameters<typeof checkNetwork>[0]) => digest(checkNetwork(spec)),
  port: (spec: Parameters<typeof checkPort>[0]) => digest(checkPort(spec)),
  router: (spec: Parameters<typeof checkRouter>[0]) => digest(checkRouter(spec)),
  addressSet: (spec: Parameters<typeof checkAddressSet>[0]) => digest(checkAddressSet(spec)),
}

/** A checked spec has its keys in the order of its schema. */
const digest = (spec: object) => createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 32)

type Recorded = Record<'networks' | 'ports' | 'routers' | 'sets', ReadonlyMap<string, { id: string }>>

/** Of everything recorded whose id `isThere`, by id. */
export function digestsOf(recorded: Recorded, isThere: (id: string) => boolean): Record<string, string> {
  const all = [recorded.networks, recorded.ports, recorded.routers, recorded.sets]
  const specs = all.flatMap((map) => [...map.values()]).filter((spec) => isThere(spec.id))
  return Object.fromEntries(specs.map((spec) => [spec.id, digest(spec)]))
}
