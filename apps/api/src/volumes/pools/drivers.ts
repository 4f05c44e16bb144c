import type { PoolSpec } from '@stratolith/drivers/volumes/interface'
import { z } from 'zod'

/**
 * The drivers that keep volumes in pools, and what an administrator says of the place of such a pool. The fields of a
 * place stand in the pool's row and in the specs that hosts keep, except its secrets (secretsIn).
 */

/** The pool on the disk of each host. */
export const localPool: PoolSpec = { driver: 'files', id: 'local' }

const folder = z
  .string()
  .max(1024)
  .regex(
    /^(\/[A-Za-z0-9_@+.,-]+)+$/,
    'A folder begins with / and has names of letters, digits and _ @ + . , - only.',
  )
  .refine(
    (path) => !path.split('/').some((name) => name === '.' || name === '..'),
    'A folder has no . or .. in it.',
  )

const cephName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'A name in Ceph has letters, digits, and . _ - between them.')
const monitor = /^(\[[0-9a-f:]{2,39}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252})(:\d{1,5})?$/
const monitorsOf = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '')
/** Addresses with commas between them, as the row of a pool has them. */
const monitors = z
  .string()
  .max(4096)
  .refine((text) => {
    const all = monitorsOf(text)
    return all.length > 0 && all.length <= 15 && all.every((one) => monitor.test(one))
  }, 'Name one to fifteen monitors, such as 10.0.0.1:6789, with commas between them.')
  .transform((text) => monitorsOf(text).join(', '))
const cephKey = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9+/]{16,256}={0,2}$/, 'A key is what “ceph auth print-key” prints.')

const places = {
  files: z.object({ driver: z.literal('files'), path: folder }),
  rbd: z.object({ driver: z.literal('rbd'), monitors, pool: cephName, user: cephName }),
}
export const poolPlaceInput = z.discriminatedUnion('driver', [
  places.files,
  places.rbd.extend({ key: cephKey }),
])
export type PoolPlace = z.output<typeof poolPlaceInput>
/** What may change of a place in which volumes lie: how a cluster is reached, not what is there. */
export const poolAccessInput = z.object({
  monitors: monitors.optional(),
  user: cephName.optional(),
  key: cephKey.optional(),
})
export type PoolAccess = z.output<typeof poolAccessInput>
const poolPlace = z.discriminatedUnion('driver', [places.files, places.rbd])

type Pool = { id: string; driver: string; config: unknown; shared: boolean }

/** What a host must know to reach a pool that an administrator has made, without its secrets. */
export function specOfPlace({ id, driver, config, shared }: Pool): PoolSpec {
  const place = poolPlace.parse({ driver, ...(config as object) })
  if (place.driver === 'rbd') return { ...place, id, monitors: monitorsOf(place.monitors) }
  return { driver: place.driver, id, path: place.path, ...(shared ? { shared: true } : {}) }
}

/** The spec with what a host must know of the pool and keeps to itself. */
export const withSecrets = (spec: PoolSpec, { key }: Readonly<Record<string, string>>): PoolSpec =>
  spec.driver === 'rbd' && key !== undefined ? { ...spec, key } : spec

/** The fields of a place that stand in the row of a pool. */
export function configOf(place: PoolPlace): Record<string, string> {
  const { driver: _, ...config } = poolPlace.parse(place)
  return config
}

/** The secrets of a place, which stand sealed in the row of a pool. */
export const secretsIn = (place: PoolPlace): Record<string, string> =>
  place.driver === 'rbd' ? { key: place.key } : {}
