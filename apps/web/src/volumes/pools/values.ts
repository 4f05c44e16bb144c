import type { PoolView } from '@stratolith/api/volumes/contract'
import type { RouterInputs } from '../../kit/trpc.ts'
import { whole } from '../../kit/whole.ts'

/** How many volumes lie in a pool: "4, and 14 that can be taken back". */
export function volumesText({
  volumes,
  deletedVolumes,
}: Pick<PoolView, 'volumes' | 'deletedVolumes'>): string {
  const there = (volumes - deletedVolumes).toLocaleString('en')
  return deletedVolumes === 0
    ? there
    : `${there}, and ${deletedVolumes.toLocaleString('en')} that can be taken back`
}

type Pools = RouterInputs['volumes']['pools']

/**
 * `driver`: a folder (files), a pool of Ceph (rbd) or a target of iSCSI, each with fields of its own. `host` and `zone` null: all
 * machines, or those of all zones. `capacity` empty: as much as there is.
 */
export type PoolValues = {
  driver: 'files' | 'rbd' | 'iscsi'
  name: string
  description: string
  path: string
  monitors: string
  pool: string
  user: string
  key: string
  portal: string
  target: string
  chapUser: string
  secret: string
  reach: 'one' | 'several'
  host: string | null
  zone: string | null
  capacity: number | string
  overcommit: number | string
}
export const emptyPool: PoolValues = {
  ...{ name: '', description: '', driver: 'files', path: '', reach: 'one', host: null, zone: null },
  ...{ monitors: '', pool: '', user: '', key: '', portal: '', target: '', chapUser: '', secret: '' },
  ...{ capacity: '', overcommit: 1 },
}

/** What changes with the kind of a pool: most folders are of one machine, and all machines reach a cluster or a target. */
export const ofKind = (driver: string): Pick<PoolValues, 'driver' | 'reach'> =>
  driver === 'rbd' || driver === 'iscsi' ? { driver, reach: 'several' } : { driver: 'files', reach: 'one' }

const gib = whole(1, 100_000_000, 'GiB: a whole number')
const times = (value: number | string) =>
  value !== '' && Number(value) >= 1 && Number(value) <= 100 ? null : 'A number from 1 to 100.'

/** A field that pools of that kind need. */
const neededBy = (kind: PoolValues['driver'], problem: string) => {
  return (text: string, { driver }: Pick<PoolValues, 'driver'>) =>
    driver !== kind || text.trim() !== '' ? null : problem
}

export const poolProblems = {
  name: (name: string) =>
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(name) ? null : 'Letters, digits, and . _ - between them.',
  path: (path: string, { driver }: PoolValues) =>
    driver !== 'files' || (path.startsWith('/') && path.length > 1) ? null : 'A folder begins with /.',
  monitors: neededBy('rbd', 'Type the addresses of the monitors.'),
  pool: neededBy('rbd', 'Type the name of the pool in Ceph.'),
  user: neededBy('rbd', 'Type the name of a user, without “client.”.'),
  key: neededBy('rbd', 'Paste what “ceph auth print-key” prints.'),
  portal: neededBy('iscsi', 'Type the address of the portal.'),
  target: neededBy('iscsi', 'Type the name of the target.'),
  chapUser: neededBy('iscsi', 'Type the name of the CHAP user.'),
  secret: neededBy('iscsi', 'Type the secret of the CHAP user.'),
  host: (host: string | null, { reach }: PoolValues) =>
    reach === 'several' || host !== null ? null : 'Choose the machine.',
  capacity: (value: number | string) => (value === '' ? null : gib(value)),
  overcommit: times,
}

function placeOf({ driver, ...typed }: PoolValues): Pools['create']['place'] {
  const { path, monitors, pool, user, key, portal, target, chapUser, secret } = typed
  if (driver === 'files') return { driver, path }
  return driver === 'rbd'
    ? { driver, monitors, pool, user, key }
    : { driver, portal, target, user: chapUser, secret }
}

export const poolInput = (values: PoolValues): Pools['create'] => ({
  ...{ name: values.name, description: values.description, place: placeOf(values) },
  ...(values.reach === 'one' && values.host !== null ? { hostId: values.host } : {}),
  ...(values.reach === 'several' && values.zone !== null ? { zone: values.zone } : {}),
  ...(values.capacity === '' ? {} : { capacityGib: Number(values.capacity) }),
  overcommit: Number(values.overcommit),
})

/** `key` and `secret` empty: they stay. The fields of Ceph and of iSCSI are empty for other pools. */
export type PoolEditValues = Pick<
  PoolValues,
  | ('driver' | 'name' | 'description' | 'capacity' | 'overcommit' | 'monitors' | 'user' | 'key')
  | ('portal' | 'chapUser' | 'secret')
>
export const shortName = ({ name }: Pick<PoolView, 'name'>): string => name.slice(name.indexOf('@') + 1)
const kinds = ['files', 'rbd', 'iscsi'] as const
export const editValues = (pool: PoolView): PoolEditValues => ({
  ...{
    driver: kinds.find((kind) => kind === pool.driver) ?? 'files',
    name: shortName(pool),
    description: pool.description,
  },
  ...{ monitors: String(pool.config.monitors ?? ''), user: String(pool.config.user ?? ''), key: '' },
  ...{ portal: String(pool.config.portal ?? ''), chapUser: String(pool.config.user ?? ''), secret: '' },
  ...{ capacity: pool.capacityGib, overcommit: pool.overcommit },
})
export const editProblems = {
  ...{ name: poolProblems.name, capacity: gib, overcommit: times },
  ...{ monitors: poolProblems.monitors, user: poolProblems.user },
  ...{ portal: poolProblems.portal, chapUser: poolProblems.chapUser },
}
/** What changes of the way to a cluster or a target; undefined when nothing does. */
function accessOf(
  { config }: PoolView,
  { driver, monitors, user, key, portal, chapUser, secret }: PoolEditValues,
): Pools['update']['access'] {
  if (driver === 'files') return undefined
  const access =
    driver === 'rbd'
      ? {
          ...(monitors === config.monitors ? {} : { monitors }),
          ...(user === config.user ? {} : { user }),
          ...(key === '' ? {} : { key }),
        }
      : {
          ...(portal === config.portal ? {} : { portal }),
          ...(chapUser === config.user ? {} : { user: chapUser }),
          ...(secret === '' ? {} : { secret }),
        }
  return Object.keys(access).length === 0 ? undefined : access
}

export const editInput = (pool: PoolView, values: PoolEditValues): Pools['update'] => ({
  ...{ name: pool.name, description: values.description },
  ...(values.name === shortName(pool) ? {} : { shortName: values.name }),
  ...{ capacityGib: Number(values.capacity), overcommit: Number(values.overcommit) },
  access: accessOf(pool, values),
})
