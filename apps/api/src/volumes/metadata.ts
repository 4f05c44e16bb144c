import { z } from 'zod'

const text = z
  .string()
  .max(255)
  .regex(/^[^\0\p{Cs}]*$/u, 'There must be no NUL characters.')
/** Entries of the owner, at volumes and snapshots. */
export const volumeMetadataInput = z
  .record(text.min(1), text)
  .refine((metadata) => Object.keys(metadata).length <= 128, 'At most 128 entries.')
