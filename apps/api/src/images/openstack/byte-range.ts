import type { IncomingHttpHeaders } from 'node:http'
import { HttpError } from '../../openstack/errors.ts'

/**
 * One range of bytes (RFC 9110, 14.2), both ends included; null for all: also when it is counted in another
 * unit, or wanted of other bytes than those of `etag` (If-Range, 13.1.5; we tell no dates). Like Glance: several
 * ranges and what is no range of bytes are 416 instead of being ignored.
 */
export function byteRange(
  headers: IncomingHttpHeaders,
  sizeBytes: number,
  etag: string | null,
): { start: number; end: number } | null {
  const { range } = headers
  const ifRange = headers['if-range']
  if (range === undefined || /^\s*(?!bytes=)[!#$%&'*+.^`|~\w-]+=/.test(range)) return null
  if (ifRange !== undefined && ifRange !== etag) return null
  const [, from = '', to = ''] = /^bytes=(\d{0,16})-(\d{0,16})$/.exec(range.trim()) ?? []
  const [start, end] =
    from === ''
      ? [Math.max(0, sizeBytes - Number(to)), sizeBytes - 1]
      : [Number(from), to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1)]
  if ((from === '' && Number(to) === 0) || start > end || start >= sizeBytes)
    throw new HttpError(416, `The range must be one within ${sizeBytes} bytes, such as bytes=0-1023.`)
  return { start, end }
}
