import { z } from 'zod'
import { generatedId, knownOf, words } from '../fields.ts'
import { diskFormat } from './spec.ts'

/**
 * What a host says of its disks. The control plane reads it so (remote/answers.ts), whatever the version of the
 * agent: fields that are not here are left out.
 */
const id = generatedId
const count = z.int().min(0)
/** Of any machine that there is. */
const mostGib = 2 ** 30

export const storageCapabilities = z.object({
  formats: knownOf(diskFormat),
  overlay: z.boolean(),
  shared: z.boolean(),
})

export const diskSpace = z.object({ totalGib: count.max(mostGib), freeGib: count.max(mostGib) })

export const observedDisk = z.object({
  id,
  instanceId: id,
  path: z.string().max(4096),
  format: diskFormat,
  sizeBytes: count,
})

/** `sizeBytes` are those on disk. */
export const trashedFile = z.object({ id, sizeBytes: count, trashedAt: z.string().max(64) })

export const trashedDisk = trashedFile.extend({
  guest: z.object({ name: words(255), projectId: z.string().max(64) }).nullable(),
})
