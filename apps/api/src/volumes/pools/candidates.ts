import type { VolumePoolModel } from '@stratolith/db'
import type { PlacementHost } from '../../hosts/service.ts'
import type { PlaceWish } from '../types/extra-specs.ts'
import { localPool } from './drivers.ts'

/** A pool as the scheduler of volumes sees it: the disk of a host, whether or not its row is made yet, or a pool of its own. */
export type Candidate = {
  name: string
  /** The names that a type may call the pool. */
  names: readonly string[]
  /** The host that alone reaches the pool; null: several do. */
  hostId: string | null
  zone: string | null
  /** The zones whose hosts reach the pool. */
  zones: readonly string[]
  totalGib: number
  usedGib: number
  driver: string
  /** Why it takes no new volumes; null when it does. */
  closed: string | null
} & (
  | { local: true; host: PlacementHost; row: VolumePoolModel | null }
  | { local: false; host: PlacementHost | null; row: VolumePoolModel }
)

export const free = ({ totalGib, usedGib }: Candidate) => totalGib - usedGib

/** All pools: the disks of the hosts first, then the others. */
export function candidatesOf(hosts: readonly PlacementHost[], rows: readonly VolumePoolModel[]): Candidate[] {
  const locals = new Map(rows.filter((row) => row.capacityGib === null).map((row) => [row.hostId, row]))
  const onDisks = hosts.map((host): Candidate => {
    const row = locals.get(host.id) ?? null
    return {
      ...{ name: `${host.name}@${localPool.id}`, names: [localPool.id, `${host.name}@${localPool.id}`] },
      ...{ hostId: host.id, zone: host.zone, zones: [host.zone], local: true, host },
      ...{ row, totalGib: host.diskGib.total, usedGib: host.diskGib.used },
      ...{ driver: localPool.driver, closed: (row && whyShut(row)) ?? whyClosed(host) },
    }
  })
  return [...onDisks, ...rows.filter((row) => row.capacityGib !== null).map((row) => ofRow(row, hosts))]
}

function ofRow(row: VolumePoolModel, hosts: readonly PlacementHost[]): Candidate {
  const own = hosts.find(({ id }) => id === row.hostId) ?? null
  const reaching =
    row.hostId === null ? hosts.filter((host) => row.zone === null || host.zone === row.zone) : [own]
  const there = reaching.filter((host) => host !== null)
  const zone = row.hostId === null ? row.zone : (own?.zone ?? null)
  return {
    ...{
      name: row.name,
      names: [shortNameOf(row.name), row.name],
      driver: row.driver,
      hostId: row.hostId,
      zone,
      row,
    },
    zones: [...new Set(there.map((host) => host.zone))],
    ...{ local: false, host: own, totalGib: totalOf(row), usedGib: row.usedGib },
    closed: whyShut(row) ?? whyNoneOpen(there),
  }
}

/** Why an administrator's will keeps new volumes out of a pool; null when it does not. */
function whyShut({ enabled, deletingAt, disabledReason }: VolumePoolModel): string | null {
  if (deletingAt !== null)
    return 'The pool is being removed. When its removal was interrupted, remove the pool again.'
  if (enabled) return null
  return disabledReason === null
    ? 'An administrator has closed the pool.'
    : `An administrator has closed the pool: ${disabledReason}`
}

/** How much can be promised in a pool with a capacity of its own. */
export const totalOf = ({ capacityGib, overcommit }: VolumePoolModel): number =>
  Math.floor((capacityGib ?? 0) * overcommit)

/** The part of the name of a pool behind the @. */
export const shortNameOf = (name: string): string => name.slice(name.indexOf('@') + 1)

function whyNoneOpen(hosts: readonly PlacementHost[]): string | null {
  const [first, ...others] = hosts
  if (!first) return 'No machine reaches the pool.'
  if (others.length === 0) return whyClosed(first)
  return hosts.some((host) => whyClosed(host) === null)
    ? null
    : 'None of the machines that reach the pool takes volumes.'
}

function whyClosed({ state, enabled, disabledReason }: PlacementHost): string | null {
  if (state !== 'up') return 'The machine does not answer.'
  if (enabled) return null
  return disabledReason ? `The machine is closed: ${disabledReason}` : 'The machine is closed.'
}

export const isBound = (type: PlaceWish): boolean => Object.values(type).some((wish) => wish !== undefined)

/** The pools in which volumes of such a type may lie. */
export const suited = (pools: readonly Candidate[], type: PlaceWish): Candidate[] =>
  pools.filter((pool) => whyUnsuited(pool, type) === null)

/** Whether the volumes of a pool may be for several instances at once. `isOfOne`: one machine alone reaches the pool. */
export const isShareable = ({ driver, isOfOne }: { driver: string; isOfOne: boolean }): boolean =>
  driver === 'files' && isOfOne

/** Why volumes of such a type may not lie in the pool; null when they may. */
export function whyUnsuited(
  { names, zones: own, driver, hostId }: Pick<Candidate, 'names' | 'zones' | 'driver' | 'hostId'>,
  { backend, pool, zones, encrypted, multiattach }: PlaceWish,
): string | null {
  if (backend !== undefined && !names.includes(backend)) return `The type asks for pools named ${backend}.`
  if (pool !== undefined && !names.includes(pool)) return `The type asks for the pool ${pool}.`
  if (encrypted && driver !== 'files')
    return 'Volumes of the type are encrypted, which this pool does not do.'
  if (multiattach && !isShareable({ driver, isOfOne: hostId !== null }))
    return 'Volumes of the type are for several instances at once, which only a pool of files of one machine does.'
  if (zones !== undefined && !own.some((zone) => zones.includes(zone)))
    return `The type asks for ${zones.length === 1 ? `the zone ${zones[0]}` : `one of the zones ${zones.join(', ')}`}.`
  return null
}

/** The pools that have so much room: the disks of hosts first, and of these and of the others the one with the most room first. */
export const able = (pools: readonly Candidate[], sizeGib: number): Candidate[] =>
  pools
    .filter((pool) => pool.closed === null && free(pool) >= sizeGib)
    .sort((a, b) => Number(b.local) - Number(a.local) || free(b) - free(a))

/** The sentence why a volume fits into none of these pools. */
export function whyNot(
  pools: readonly Candidate[],
  {
    sizeGib,
    hostId,
    poolId,
    hostOf = 'instance',
    type,
  }: { sizeGib: number; hostId?: string; poolId?: string; hostOf?: string; type: PlaceWish },
): string {
  if (pools.length === 0 && isBound(type))
    return 'Volumes of this type may lie in none of the pools that are asked for. Choose another type or zone.'
  const open = pools.filter(({ closed }) => closed === null)
  if (open.length === 0) return 'No pool takes volumes at the moment. Ask an administrator.'
  const most = Math.max(0, ...open.map(free))
  if (poolId !== undefined)
    return `The pool of the ${hostOf} has ${most} GiB free, so that a volume of ${sizeGib} GiB does not fit there.`
  if (hostId !== undefined)
    return `The machine of the ${hostOf} has ${most} GiB free, so that a volume of ${sizeGib} GiB does not fit there.`
  if (isBound(type))
    return `A volume of ${sizeGib} GiB fits into no pool that its type chooses: at most ${most} GiB are free in one. Choose another type or a smaller size.`
  return `A volume of ${sizeGib} GiB fits into no pool: at most ${most} GiB are free in one.`
}
