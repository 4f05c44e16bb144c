import type { IncomingHttpHeaders } from 'node:http'
import { HttpError } from './errors.ts'

/** A microversion as [major, minor]. */
export type Microversion = readonly [number, number]
export type MicroversionRange = {
  /** The service in `OpenStack-API-Version: <service> <version>`. */
  service: string
  /** The older header, whose value is the version alone. */
  legacyHeader?: string
  min: Microversion
  max: Microversion
}

const versionText = (v: Microversion): string => `${v[0]}.${v[1]}`
const compare = (a: Microversion, b: Microversion) => a[0] - b[0] || a[1] - b[1]

/**
 * The microversion that a request asks for: the minimum when it asks for none, the maximum for "latest". Throws 400
 * for a malformed version and 406 for one out of range. The newer header wins.
 * Source: OpenStack API working group, "Microversion Specification".
 */
export function requestedMicroversion(range: MicroversionRange, headers: IncomingHttpHeaders): Microversion {
  const wish = wishOf(range, headers)
  if (wish === null) return range.min
  if (wish === 'latest') return range.max
  const match = /^([1-9]\d{0,3})\.(0|[1-9]\d{0,3})$/.exec(wish)
  if (!match)
    throw new HttpError(
      400,
      `API Version String ${printable(wish)} is of invalid format. Must be of format MajorNum.MinorNum.`,
    )
  const version: Microversion = [Number(match[1]), Number(match[2])]
  if (compare(version, range.min) < 0 || compare(version, range.max) > 0)
    throw new HttpError(
      406,
      `Version ${wish} is not supported by the API. Minimum is ${versionText(range.min)} and maximum is ${versionText(range.max)}.`,
    )
  return version
}

function wishOf(range: MicroversionRange, headers: IncomingHttpHeaders): string | null {
  for (const part of headerText(headers, 'openstack-api-version').split(',')) {
    const [service, version] = part.trim().split(/\s+/, 2)
    if (service?.toLowerCase() === range.service && version) return version.toLowerCase()
  }
  if (!range.legacyHeader) return null
  return headerText(headers, range.legacyHeader.toLowerCase()).trim().toLowerCase() || null
}

const headerText = (headers: IncomingHttpHeaders, name: string): string =>
  [headers[name] ?? ''].flat().join(',').slice(0, 500)
const printable = (text: string) => text.replace(/[^\x21-\x7e]/g, '').slice(0, 40)

/** The headers of every answer, also of errors: the version that was used, and Vary for caches. */
export function microversionHeaders(range: MicroversionRange, version: Microversion): Record<string, string> {
  const text = versionText(version)
  const headers: Record<string, string> = { 'OpenStack-API-Version': `${range.service} ${text}` }
  if (!range.legacyHeader) return { ...headers, Vary: 'OpenStack-API-Version' }
  return { ...headers, [range.legacyHeader]: text, Vary: `OpenStack-API-Version, ${range.legacyHeader}` }
}
