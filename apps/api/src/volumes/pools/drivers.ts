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

/** An address with a port, which is that of iSCSI unless another one is said. */
const portal = z
  .string()
  .trim()
  .regex(
    /^(\[[0-9a-f:]{2,39}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252})(:\d{1,5})?$/,
    'A portal is an address, such as 10.0.0.1 or 10.0.0.1:3260.',
  )
  .transform((text) => (/\]$|^[^:]+$/.test(text) ? `${text}:3260` : text))
const target = z
  .string()
  .trim()
  .regex(
    /^(iqn\.[a-z0-9][a-z0-9.:-]{0,218}|(eui|naa)\.[0-9A-Fa-f]{16,32})$/,
    'A target has a name such as iqn.2026-01.com.example:volumes.',
  )
const chapUser = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/,
    'A CHAP user has letters, digits, and . _ : @ - between them.',
  )
const chapSecret = z
  .string()
  .regex(/^[\x21-\x7e]{12,128}$/, 'A CHAP secret has at least 12 characters, and no spaces.')

const places = {
  files: z.object({ driver: z.literal('files'), path: folder }),
  rbd: z.object({ driver: z.literal('rbd'), monitors, pool: cephName, user: cephName }),
  iscsi: z.object({ driver: z.literal('iscsi'), portal, target, user: chapUser }),
}
export const poolPlaceInput = z.discriminatedUnion('driver', [
  places.files,
  places.rbd.extend({ key: cephKey }),
  places.iscsi.extend({ secret: chapSecret }),
])
export type PoolPlace = z.output<typeof poolPlaceInput>
/** What may change of a place in which volumes lie: how a cluster or a target is reached, not what is there. */
const accesses = {
  rbd: z.strictObject({ monitors: monitors.optional(), user: cephName.optional(), key: cephKey.optional() }),
  iscsi: z.strictObject({
    portal: portal.optional(),
    user: chapUser.optional(),
    secret: chapSecret.optional(),
  }),
}
export const poolAccessInput = z.union([accesses.rbd, accesses.iscsi])
export type PoolAccess = z.output<typeof poolAccessInput>
const poolPlace = z.discriminatedUnion('driver', [places.files, places.rbd, places.iscsi])

/** A change of the way to a pool, parted into what stands in its row and its secrets; null when such pools have no such way. */
export function accessTo(
  driver: string,
  access: PoolAccess,
): { config: Record<string, string>; secrets: Record<string, string> } | null {
  if (driver !== 'rbd' && driver !== 'iscsi') return null
  const fields = accesses[driver].safeParse(access).data as Record<string, string> | undefined
  if (!fields) return null
  const { key, secret, ...config } = fields
  return {
    config,
    secrets: { ...(key === undefined ? {} : { key }), ...(secret === undefined ? {} : { secret }) },
  }
}

/** The volumes of the pool are whole LUNs of other storage, which has no snapshots that we could make. */
export const isOnLun = ({ driver }: { driver: string }): boolean => driver === 'iscsi'

type Pool = { id: string; driver: string; config: unknown; shared: boolean }

/** What a host must know to reach a pool that an administrator has made, without its secrets. */
export function specOfPlace({ id, driver, config, shared }: Pool): PoolSpec {
  const place = poolPlace.parse({ driver, ...(config as object) })
  if (place.driver === 'rbd') return { ...place, id, monitors: monitorsOf(place.monitors) }
  if (place.driver === 'iscsi') return { ...place, id }
  return { driver: place.driver, id, path: place.path, ...(shared ? { shared: true } : {}) }
}

/** The spec with what a host must know of the pool and keeps to itself. */
export function withSecrets(spec: PoolSpec, { key, secret }: Readonly<Record<string, string>>): PoolSpec {
  if (spec.driver === 'rbd' && key !== undefined) return { ...spec, key }
  return spec.driver === 'iscsi' && secret !== undefined ? { ...spec, secret } : spec
}

/** The fields of a place that stand in the row of a pool. */
export function configOf(place: PoolPlace): Record<string, string> {
  const { driver: _, ...config } = poolPlace.parse(place)
  return config
}

/** The secrets of a place, which stand sealed in the row of a pool. */
export function secretsIn(place: PoolPlace): Record<string, string> {
  if (place.driver === 'rbd') return { key: place.key }
  return place.driver === 'iscsi' ? { secret: place.secret } : {}
}
