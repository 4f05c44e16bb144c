import type { PoolView } from '@stratolith/api/volumes/contract'
import type { RouterInputs } from '../../kit/trpc.ts'
import { whole } from '../../kit/whole.ts'

type Pools = RouterInputs['volumes']['pools']

/**
 * `driver`: a folder (files) or a pool of Ceph (rbd), each with fields of its own. `host` and `zone` null: all machines, or those of all zones. `capacity` empty:
 * as much as there is.
 */
export type PoolValues = {
  driver: 'files' | 'rbd'
  name: string
  description: string
  path: string
  monitors: string
  pool: string
  user: string
  key: string
  reach: 'one' | 'several'
  host: string | null
  zone: string | null
  capacity: number | string
  overcommit: number | string
}
export const emptyPool: PoolValues = {
  ...{ name: '', description: '', driver: 'files', path: '', reach: 'one', host: null, zone: null },
  ...{ monitors: '', pool: '', user: '', key: '' },
  ...{ capacity: '', overcommit: 1 },
}

/** What changes with the kind of a pool: most folders are of one machine, and all machines reach a cluster. */
export const ofKind = (driver: string): Pick<PoolValues, 'driver' | 'reach'> =>
  driver === 'rbd' ? { driver, reach: 'several' } : { driver: 'files', reach: 'one' }

const gib = whole(1, 100_000_000, 'GiB: a whole number')
const times = (value: number | string) =>
  value !== '' && Number(value) >= 1 && Number(value) <= 100 ? null : 'A number from 1 to 100.'

function ofCeph(problem: string) {
  return (text: string, { driver }: Pick<PoolValues, 'driver'>) =>
    driver !== 'rbd' || text.trim() !== '' ? null : problem
}

export const poolProblems = {
  name: (name: string) =>
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(name) ? null : 'Letters, digits, and . _ - between them.',
  path: (path: string, { driver }: PoolValues) =>
    driver !== 'files' || (path.startsWith('/') && path.length > 1) ? null : 'A folder begins with /.',
  monitors: ofCeph('Type the addresses of the monitors.'),
  pool: ofCeph('Type the name of the pool in Ceph.'),
  user: ofCeph('Type the name of a user, without “client.”.'),
  key: ofCeph('Paste what “ceph auth print-key” prints.'),
  host: (host: string | null, { reach }: PoolValues) =>
    reach === 'several' || host !== null ? null : 'Choose the machine.',
  capacity: (value: number | string) => (value === '' ? null : gib(value)),
  overcommit: times,
}

const placeOf = ({ driver, path, monitors, pool, user, key }: PoolValues): Pools['create']['place'] =>
  driver === 'files' ? { driver, path } : { driver, monitors, pool, user, key }

export const poolInput = (values: PoolValues): Pools['create'] => ({
  ...{ name: values.name, description: values.description, place: placeOf(values) },
  ...(values.reach === 'one' && values.host !== null ? { hostId: values.host } : {}),
  ...(values.reach === 'several' && values.zone !== null ? { zone: values.zone } : {}),
  ...(values.capacity === '' ? {} : { capacityGib: Number(values.capacity) }),
  overcommit: Number(values.overcommit),
})

/** `key` empty: the key stays. The fields of Ceph are empty for other pools. */
export type PoolEditValues = Pick<
  PoolValues,
  'driver' | 'name' | 'description' | 'capacity' | 'overcommit' | 'monitors' | 'user' | 'key'
>
export const shortName = ({ name }: Pick<PoolView, 'name'>): string => name.slice(name.indexOf('@') + 1)
export const editValues = (pool: PoolView): PoolEditValues => ({
  ...{
    driver: pool.driver === 'rbd' ? 'rbd' : 'files',
    name: shortName(pool),
    description: pool.description,
  },
  ...{ monitors: String(pool.config.monitors ?? ''), user: String(pool.config.user ?? ''), key: '' },
  ...{ capacity: pool.capacityGib, overcommit: pool.overcommit },
})
export const editProblems = {
  ...{ name: poolProblems.name, capacity: gib, overcommit: times },
  ...{ monitors: poolProblems.monitors, user: poolProblems.user },
}
/** What changes of the way to a cluster; undefined when nothing does. */
function accessOf(
  pool: PoolView,
  { driver, monitors, user, key }: PoolEditValues,
): Pools['update']['access'] {
  if (driver !== 'rbd') return undefined
  const access = {
    ...(monitors === pool.config.monitors ? {} : { monitors }),
    ...(user === pool.config.user ? {} : { user }),
    ...(key === '' ? {} : { key }),
  }
  return Object.keys(access).length === 0 ? undefined : access
}

export const editInput = (pool: PoolView, values: PoolEditValues): Pools['update'] => ({
  ...{ name: pool.name, description: values.description },
  ...(values.name === shortName(pool) ? {} : { shortName: values.name }),
  ...{ capacityGib: Number(values.capacity), overcommit: Number(values.overcommit) },
  access: accessOf(pool, values),
})
