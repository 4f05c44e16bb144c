import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'

const maxMetadata = 128
/** Metadata of a server, with keys and values as Nova accepts them. `boundMetadata` limits the number of items. */
export const metadata = z.record(
  z.string().regex(/^[a-zA-Z0-9_:. -]{1,255}$/, 'may have letters, digits, spaces and - _ : .'),
  z.string().max(255, 'is too long'),
)
/** Throws Nova's 403 when there are more items than a server may have. */
export function boundMetadata<T extends Record<string, string>>(given: T): T {
  if (Object.keys(given).length > maxMetadata)
    throw new HttpError(403, `Maximum number of metadata items exceeds ${maxMetadata}`)
  return given
}

/** A name as Nova accepts it: without spaces at its ends and without control characters. */
export const name = z
  .string()
  .min(1, 'is too short')
  .max(255, 'is too long')
  .regex(/^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u, 'has characters that are not printable')
  .refine((text) => text.trim() === text && text !== '', 'must not begin or end with a space')
export const description = z
  .string()
  .max(255, 'is too long')
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'has characters that are not printable')
  .nullable()
