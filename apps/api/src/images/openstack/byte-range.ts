import type { IncomingHttpHeaders } from 'node:http'
import { HttpError } from '../../openstack/errors.ts'

/**
 * Reads the one range of bytes of a request (RFC 9110, 14.2), both ends included. Null means all bytes: also when the
 * range has another unit than bytes, or when If-Range (13.1.5) names another entity than `etag` (the cloud never sends
 * a date to compare with). As in Glance, several ranges, and a range of bytes that is malformed, are answered with 416
 * instead of being ignored.
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
