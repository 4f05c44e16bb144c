import { DriverError } from '../errors.ts'
import { advice, commonVersion, spoken, type Versions } from './versions.ts'

/**
 * For each field that an agent must not ignore: the version of the protocol (versions.ts) in which the field was added.
 * A document or call that uses the field is not sent to an agent that would leave it out. A field is named by the kind
 * of its document ("port.rules.pace") and, when a call has the same spec, also by the call
 * ("network/ensurePort.rules.pace"); names skip lists. The field must have a `default` in its schema: while it has that
 * default it is not sent and needs no version.
 */
export type FieldsSince = Readonly<Record<string, number>>
export const fieldsSince: FieldsSince = {
  'instance.volumes': 3,
  'hypervisor/ensure.volumes': 3,
  'instance.volumes.limits': 4,
  'hypervisor/ensure.volumes.limits': 4,
  'instance.volumes.shared': 5,
  'hypervisor/ensure.volumes.shared': 5,
  'instance.diskBus': 5,
  'hypervisor/ensure.diskBus': 5,
  'volumes/ensureVolume.encryption': 6,
  'instance.volumes.encrypted': 6,
  'hypervisor/ensure.volumes.encrypted': 6,
  'instance.localDisks': 7,
  'hypervisor/ensure.disks.kind': 7,
  ...placesOfPools(),
}

/** An agent that ignored the place of a pool would keep the volumes on its own disk. */
function placesOfPools(): FieldsSince {
  const ofPool = ['probePool', 'listVolumes', 'listSnapshots'].map((name) => `volumes/${name}`)
  const ofKey = [
    ...['ensureVolume', 'growVolume', 'removeVolume', 'mergeLayers', 'revertVolume', 'disown'],
    ...['ensureSnapshot', 'removeSnapshot', 'reimageVolume', 'exportVolume', 'removeExport'],
  ].map((name) => `volumes/${name}.pool`)
  const ofVolume = ['instance', 'hypervisor/ensure'].map((name) => `${name}.volumes.pool`)
  const fields = [...ofPool, ...ofKey, ...ofVolume].flatMap((place) => [`${place}.path`, `${place}.monitors`])
  return Object.fromEntries(fields.map((field) => [field, 5]))
}

export type Need = { field: string; version: number }

/** The need for the newest version among those of a call or its documents. */
export const newest = (needs: readonly (Need | null)[]): Need | null =>
  needs.reduce((a, b) => ((b?.version ?? 0) > (a?.version ?? 0) ? b : a), null)

/** Returns the field of `told` that needs the newest version; null when every version that we speak suffices. */
export function needOf(what: string, told: unknown, since: FieldsSince): Need | null {
  const needs = Object.entries(since).flatMap(([field, version]): Need[] => {
    const path = field.startsWith(`${what}.`) ? field.slice(what.length + 1).split('.') : []
    return version > spoken.oldest && path.length > 0 && says(told, path) ? [{ field, version }] : []
  })
  return newest(needs)
}

function says(value: unknown, path: readonly string[]): boolean {
  const [key, ...rest] = path
  if (key === undefined) return value !== undefined
  if (Array.isArray(value)) return value.some((one) => says(one, path))
  if (typeof value !== 'object' || value === null) return false
  return says((value as Record<string, unknown>)[key], rest)
}

/** The error when the agent's versions are too old for the need; null when they suffice. */
export function tooNewFor(peer: Versions, need: Need | null, at: string): DriverError | null {
  if (!need || need.version <= commonVersion(peer)) return null
  const { field, version } = need
  return new DriverError(
    'unsupported',
    `${field} needs version ${version} of the protocol, and with the agent at ${at} version ${commonVersion(peer)} is spoken. ${advice.agent}`,
  )
}
