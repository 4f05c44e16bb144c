import { DriverError } from '../errors.ts'
import { advice, commonVersion, spoken, type Versions } from './versions.ts'

/**
 * The version of the protocol (versions.ts) in which a field came whose neglect would be wrong: what uses it is
 * not told to an agent that would leave it out. A field is named by the kind of its document ("port.rules.pace"), and
 * where a call has the same spec also by the call ("network/ensurePort.rules.pace"); lists are passed through. It has
 * a `default` in its schema, with which it is not sent and needs nothing.
 */
export type FieldsSince = Readonly<Record<string, number>>
export const fieldsSince: FieldsSince = {}

export type Need = { field: string; version: number }

/** Of a call, or of all documents of a call, as they are sent. */
export const newest = (needs: readonly (Need | null)[]): Need | null =>
  needs.reduce((a, b) => ((b?.version ?? 0) > (a?.version ?? 0) ? b : a), null)

/** Of the fields that `told` has, the one that needs the newest version; null: every version that is spoken does. */
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

/** Why this may not be told to an agent of these versions; null: it may. */
export function tooNewFor(peer: Versions, need: Need | null, at: string): DriverError | null {
  if (!need || need.version <= commonVersion(peer)) return null
  const { field, version } = need
  return new DriverError(
    'unsupported',
    `${field} needs version ${version} of the protocol, and with the agent at ${at} version ${commonVersion(peer)} is spoken. ${advice.agent}`,
  )
}
