import type { PoolSpec } from '@stratolith/drivers/volumes/interface'
import { z } from 'zod'

/**
 * The drivers that keep volumes in pools, and what an administrator says of the place of such a pool. The fields of a
 * place stand in the pool's row and in the specs that hosts keep, so none of them is a secret.
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

export const poolPlaceInput = z.discriminatedUnion('driver', [
  z.object({ driver: z.literal('files'), path: folder }),
])
export type PoolPlace = z.output<typeof poolPlaceInput>

type Pool = { id: string; driver: string; config: unknown; shared: boolean }

/** What a host must know to reach a pool that an administrator has made. */
export function specOfPlace({ id, driver, config, shared }: Pool): PoolSpec {
  const place = poolPlaceInput.parse({ driver, ...(config as object) })
  return { driver: place.driver, id, path: place.path, ...(shared ? { shared: true } : {}) }
}

/** The fields of a place that stand in the row of a pool. */
export const configOf = ({ driver: _, ...config }: PoolPlace): Record<string, string> => config
